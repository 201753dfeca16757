// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** All elements of an array at once, as bytes, without an object for each. Thread-safe. */
public final class ArrayContent {
  private static final int BATCH = 8192;

  private ArrayContent() {}

  /**
   * Writes an array from its first element on.
   *
   * @param content in native order; whole elements
   */
  public static void write(String name, Fd array, ByteBuffer content) {
    MapInfo info = MapInfo.of(array);
    int count = content.capacity() / info.valueSize();
    int room = Math.min(BATCH, count);
    NativeBuffer keys = new NativeBuffer(room * Integer.BYTES);
    NativeBuffer values = new NativeBuffer(room * info.valueSize());
    for (int from = 0; from < count; from += room) {
      int some = Math.min(room, count - from);
      for (int i = 0; i < some; i++) {
        keys.bytes().putInt(i * Integer.BYTES, from + i);
      }
      values.bytes().put(0, content, from * info.valueSize(), some * info.valueSize());
      Bpf.check(
          MapCalls.updateBatch(array, keys.address(), values.address(), some), "write map " + name);
    }
  }

  /** Reads an array whole; the bytes are in native order. */
  public static ByteBuffer read(String name, Fd array) {
    MapInfo info = MapInfo.of(array);
    ByteBuffer content =
        ByteBuffer.allocate(info.maxEntries() * info.valueSize()).order(ByteOrder.nativeOrder());
    int room = Math.min(BATCH, info.maxEntries());
    NativeBuffer token = new NativeBuffer(2 * Long.BYTES);
    NativeBuffer keys = new NativeBuffer(room * Integer.BYTES);
    NativeBuffer values = new NativeBuffer(room * info.valueSize());
    int from = 0;
    long in = 0;
    while (from < info.maxEntries()) {
      int result =
          MapCalls.lookupBatch(
              array, in, token.address() + Long.BYTES, keys.address(), values.address(), room);
      if (result != -Errno.ENOENT) {
        Bpf.check(result, "read map " + name);
      }
      int got = MapCalls.processed();
      content.put(from * info.valueSize(), values.bytes(), 0, got * info.valueSize());
      from += got;
      token.bytes().putLong(0, token.bytes().getLong(Long.BYTES));
      in = token.address();
      if (result != 0) {
        break;
      }
    }
    return content;
  }
}
