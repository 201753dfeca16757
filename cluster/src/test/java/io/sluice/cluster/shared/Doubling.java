// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Writes a value twice; from version 2 on with the version behind. Takes any value but "bad". */
final class Doubling implements Derivation {
  private final SortedSet<Integer> versions = new TreeSet<>();

  /**
   * @param newest version; all before it are known, too
   */
  Doubling(int newest) {
    IntStream.rangeClosed(1, newest).forEach(versions::add);
  }

  @Override
  public SortedSet<Integer> versions() {
    return versions;
  }

  @Override
  public byte[] derive(int version, byte[] value) {
    if (new String(value, StandardCharsets.UTF_8).equals("bad")) {
      throw new IllegalArgumentException("a bad value");
    }
    ByteBuffer out = ByteBuffer.allocate(2 * value.length + (version > 1 ? 1 : 0));
    out.put(value).put(value);
    if (version > 1) {
      out.put((byte) version);
    }
    return out.array();
  }

  /** All values before, newest first, a comma behind each. */
  @Override
  public byte[] remember(Agreed before, int version, byte[] value, int room) {
    int length = before.value().length + 1 + before.former().length;
    return length > room
        ? new byte[0]
        : ByteBuffer.allocate(length)
            .put(before.value())
            .put((byte) ',')
            .put(before.former())
            .array();
  }
}
