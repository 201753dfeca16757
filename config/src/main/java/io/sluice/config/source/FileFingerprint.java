// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * What tells without reading whether a file has changed. Symbolic links are followed, so a link
 * that is pointed elsewhere (a mounted ConfigMap) is a change.
 */
record FileFingerprint(long inode, long size, FileTime modified, FileTime changed) {
  static FileFingerprint of(Path file) throws IOException {
    Map<String, Object> attributes =
        Files.readAttributes(file, "unix:ino,size,lastModifiedTime,ctime");
    return new FileFingerprint(
        ((Number) attributes.get("ino")).longValue(),
        ((Number) attributes.get("size")).longValue(),
        (FileTime) attributes.get("lastModifiedTime"),
        (FileTime) attributes.get("ctime"));
  }

  /** Whether it was written so recently that its writer may not have finished. */
  boolean fresh(Instant now, Duration settle) {
    Duration age = Duration.between(modified.toInstant(), now);
    return !age.isNegative() && age.compareTo(settle) < 0;
  }
}
