// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;

/**
 * The map commands of bpf(2), on addresses. Each returns 0 or the negative error number: what an
 * error means is the caller's to say. Thread-safe.
 */
final class MapCalls {
  private static final int LOOKUP = 1;
  private static final int UPDATE = 2;
  private static final int DELETE = 3;
  private static final int NEXT_KEY = 4;
  private static final long NO_EXIST = 1;
  private static final int LOOKUP_BATCH = 24;
  private static final int UPDATE_BATCH = 26;
  private static final int DELETE_BATCH = 27;

  private MapCalls() {}

  static int lookup(Fd map, long key, long value) {
    return element(LOOKUP, map, key, value);
  }

  /** Creates the entry or replaces it. */
  static int update(Fd map, long key, long value) {
    return element(UPDATE, map, key, value);
  }

  /** Creates the entry; -EEXIST: there is one. */
  static int insert(Fd map, long key, long value) {
    return element(UPDATE, map, key, value, NO_EXIST);
  }

  static int delete(Fd map, long key) {
    return element(DELETE, map, key, 0);
  }

  /** {@code key} 0 asks for the first one; -ENOENT: there is no further one. */
  static int nextKey(Fd map, long key, long next) {
    return element(NEXT_KEY, map, key, next);
  }

  private static int element(int command, Fd map, long key, long value) {
    return element(command, map, key, value, 0);
  }

  private static int element(int command, Fd map, long key, long value, long flags) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, map.number()).putLong(8, key).putLong(16, value).putLong(24, flags);
    return Bpf.call(command);
  }

  /**
   * Reads on from where {@code in} says.
   *
   * @param in token of the call before; 0: from the start
   * @param out where to put the token for the next call
   * @param count room, in entries; {@link #processed} tells how many were read, also on -ENOENT,
   *     which means that these were the last
   */
  static int lookupBatch(Fd map, long in, long out, long keys, long values, int count) {
    return batch(LOOKUP_BATCH, map, in, out, keys, values, count);
  }

  /** {@link #processed} tells how many were written, also on failure. */
  static int updateBatch(Fd map, long keys, long values, int count) {
    return batch(UPDATE_BATCH, map, 0, 0, keys, values, count);
  }

  /** {@link #processed} tells how many were deleted before the first that failed. */
  static int deleteBatch(Fd map, long keys, int count) {
    return batch(DELETE_BATCH, map, 0, 0, keys, 0, count);
  }

  /** Entries that this thread's last batch command dealt with. */
  static int processed() {
    return Bpf.result().getInt(32);
  }

  private static int batch(
      int command, Fd map, long in, long out, long keys, long values, int count) {
    ByteBuffer attr = Bpf.attr();
    attr.putLong(0, in).putLong(8, out).putLong(16, keys).putLong(24, values);
    attr.putInt(32, count).putInt(36, map.number());
    return Bpf.call(command);
  }
}
