// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Memory outside the heap, at an address that system calls can take. Zeroed when made, in native
 * byte order, freed with the object: whoever passes {@link #address} on keeps the object reachable.
 *
 * <p>Making one is slow (about 100 ns and more): keep it. Not thread-safe.
 */
public final class NativeBuffer {
  private final ByteBuffer bytes;
  private final long address;

  public NativeBuffer(int size) {
    bytes = ByteBuffer.allocateDirect(Math.max(size, 1)).order(ByteOrder.nativeOrder());
    address = MemoryIO.getInstance().getDirectBufferAddress(bytes);
  }

  /** A copy of the bytes. */
  public static NativeBuffer of(byte[] content) {
    NativeBuffer buffer = new NativeBuffer(content.length);
    buffer.bytes.put(0, content);
    return buffer;
  }

  /** The text in UTF-8, ended by a zero byte. */
  public static NativeBuffer of(String text) {
    byte[] content = text.getBytes(StandardCharsets.UTF_8);
    NativeBuffer buffer = new NativeBuffer(content.length + 1);
    buffer.bytes.put(0, content);
    return buffer;
  }

  /** The memory itself, not a copy. Use absolute positions. */
  public ByteBuffer bytes() {
    return bytes;
  }

  public long address() {
    return address;
  }

  public int size() {
    return bytes.capacity();
  }

  /** The bytes from {@code offset} on, copied. */
  public byte[] copy(int offset, int length) {
    byte[] copy = new byte[length];
    bytes.get(offset, copy);
    return copy;
  }

  /** Zeroes all of it. */
  public void clear() {
    MemoryIO.getInstance().setMemory(address, bytes.capacity(), (byte) 0);
  }

  /** The text at {@code offset} up to its zero byte, or {@code max} bytes of it. */
  public String text(int offset, int max) {
    int length = 0;
    while (length < max && bytes.get(offset + length) != 0) {
      length++;
    }
    return new String(copy(offset, length), StandardCharsets.UTF_8);
  }
}
