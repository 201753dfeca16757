// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;

/**
 * What the kernel knows of a map.
 *
 * @param id unique on this machine while the map lives
 * @param type its kind
 * @param name up to 15 characters; longer names are cut off
 * @param keySize bytes
 * @param valueSize bytes; of one CPU's value
 * @param maxEntries entries; bytes for a ring buffer
 * @param flags as given at its creation
 * @param btfId BTF that describes key and value; 0: none
 * @param btfKeyType type ID of the key therein; 0: none
 * @param btfValueType likewise, of the value
 */
public record MapInfo(
    int id,
    MapType type,
    String name,
    int keySize,
    int valueSize,
    int maxEntries,
    int flags,
    int btfId,
    int btfKeyType,
    int btfValueType) {
  private static final int SIZE = 88;

  public static MapInfo of(Fd map) {
    NativeBuffer info = new NativeBuffer(SIZE);
    Bpf.info(map, info, "a map");
    ByteBuffer b = info.bytes();
    return new MapInfo(
        b.getInt(4),
        MapType.of(b.getInt(0)),
        info.text(24, 16),
        b.getInt(8),
        b.getInt(12),
        b.getInt(16),
        b.getInt(20),
        b.getInt(64),
        b.getInt(68),
        b.getInt(72));
  }
}
