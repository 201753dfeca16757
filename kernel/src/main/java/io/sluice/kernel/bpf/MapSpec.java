// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A map to be made without BTF. Maps that programs share come from objects instead, which bring
 * theirs.
 *
 * @param type its kind
 * @param name for people; cut off after 15 characters
 * @param keySize bytes
 * @param valueSize bytes
 * @param maxEntries entries; bytes for a ring buffer, a power of two of pages
 * @param flags such as {@link #NO_PREALLOC}
 */
public record MapSpec(
    MapType type, String name, int keySize, int valueSize, int maxEntries, int flags) {
  /** Take memory for an entry when it is made: required for LPM tries. */
  public static final int NO_PREALLOC = 1;

  /** An array that takes the place of others in a map of maps, whatever its length. */
  public static final int INNER_MAP = 1 << 12;

  private static final int MAP_CREATE = 0;
  static final int NAME_LENGTH = 15;

  /** Makes the map; it goes with its last descriptor, pin and program. */
  public Fd create() {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, type.number()).putInt(4, keySize).putInt(8, valueSize);
    attr.putInt(12, maxEntries).putInt(16, flags);
    byte[] shortName = shortName(name);
    attr.put(28, shortName);
    return Bpf.open(MAP_CREATE, "create map " + name);
  }

  /** The name as the kernel takes it. */
  static byte[] shortName(String name) {
    String allowed = name.replaceAll("[^A-Za-z0-9_.]", "_");
    return allowed
        .substring(0, Math.min(NAME_LENGTH, allowed.length()))
        .getBytes(StandardCharsets.US_ASCII);
  }
}
