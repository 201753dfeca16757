// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Where the store begins: at a snapshot, after which the log goes on.
 *
 * @param home how many homes the store has had; each says so before it reads on
 * @param set which of the two sets of registers has the snapshot
 * @param parts how many registers it takes; 0: there is none yet
 * @param length of it, bytes
 * @param checksum CRC-32C of it
 * @param covers the number of the last page of the log that is in it
 */
record Head(long home, int set, int parts, long length, long checksum, long covers) {
  static final Head NONE = new Head(0, 1, 0, 0, 0, 0);

  private static final byte FORMAT = 1;

  Head taken() {
    return new Head(home + 1, set, parts, length, checksum, covers);
  }

  byte[] toBytes() {
    return ByteBuffer.allocate(1 + 8 + 4 + 4 + 8 + 8 + 8)
        .put(FORMAT)
        .putLong(home)
        .putInt(set)
        .putInt(parts)
        .putLong(length)
        .putLong(checksum)
        .putLong(covers)
        .array();
  }

  /**
   * @throws IllegalArgumentException if a newer version has written it
   */
  static Head of(Optional<byte[]> bytes) {
    if (bytes.isEmpty()) {
      return NONE;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes.get());
    byte format = buffer.get();
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "a store of format " + format + ": upgrade this node, its cluster has a newer version");
    }
    return new Head(
        buffer.getLong(),
        buffer.getInt(),
        buffer.getInt(),
        buffer.getLong(),
        buffer.getLong(),
        buffer.getLong());
  }
}
