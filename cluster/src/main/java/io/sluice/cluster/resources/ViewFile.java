// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what a node knows of the shared resources on disk: whole, or not at all. */
final class ViewFile {
  private static final Logger LOG = LoggerFactory.getLogger(ViewFile.class);
  private static final String NAME = "resources";
  private static final int CHECKSUM = Long.BYTES;

  private final Path folder;
  private boolean complained;

  /** What is kept. */
  record Kept(String store, long version, Map<Ref, Resource> resources) {}

  /**
   * @param version its resourceVersion
   * @param json the whole manifest
   */
  record Resource(long version, String json) {}

  ViewFile(Path folder) {
    this.folder = folder;
  }

  private Path file() {
    return folder.resolve(NAME);
  }

  /** What was kept; nothing if there is none, or if it is damaged. */
  Optional<Kept> read() {
    if (!Files.exists(file())) {
      return Optional.empty();
    }
    try {
      byte[] bytes = Files.readAllBytes(file());
      if (bytes.length <= CHECKSUM) {
        throw new IllegalArgumentException("it is cut off");
      }
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      long checksum = buffer.getLong();
      byte[] content = new byte[buffer.remaining()];
      buffer.get(content);
      if (checksum != checksum(content)) {
        throw new IllegalArgumentException("its checksum is wrong");
      }
      return Optional.of(Codec.kept(content));
    } catch (IOException | IllegalArgumentException e) {
      LOG.warn(
          "{} cannot be used, the node waits for the cluster's store: {}", file(), e.getMessage());
      return Optional.empty();
    }
  }

  /** Replaces what is kept; whether that could be done. */
  boolean write(Kept kept) {
    byte[] content = Codec.kept(kept);
    ByteBuffer buffer = ByteBuffer.allocate(CHECKSUM + content.length);
    buffer.putLong(checksum(content)).put(content).flip();
    Path fresh = folder.resolve(NAME + ".new");
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
        channel.force(true);
      }
      Files.move(fresh, file(), StandardCopyOption.ATOMIC_MOVE);
      complained = false;
      return true;
    } catch (IOException e) {
      if (!complained) {
        complained = true;
        LOG.warn("the shared resources cannot be kept in {}: {}", file(), e.toString());
      }
      return false;
    }
  }

  private static long checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return crc.getValue();
  }
}
