// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.layout;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Writes and reads one C type as programs and maps hold it.
 *
 * <p>Positions are absolute: neither method looks at the buffer's position or limit beyond bounds
 * checks, nor moves them. Buffers come in {@link ByteOrder#nativeOrder()}; a codec turns fields of
 * network order itself, and leaves the buffer's order as it was. Codecs have no state, so they may
 * be shared between threads; buffers may not.
 *
 * @param <T> the Java type
 */
public interface Codec<T> {
  /** A codec of an unsigned 32-bit number in host order, such as the key of an array. */
  Codec<Integer> U32 =
      new Codec<>() {
        @Override
        public int size() {
          return Integer.BYTES;
        }

        @Override
        public void encode(Integer value, ByteBuffer buffer, int offset) {
          buffer.putInt(offset, value);
        }

        @Override
        public Integer decode(ByteBuffer buffer, int offset) {
          return buffer.getInt(offset);
        }
      };

  /** A codec of a 64-bit number in host order. */
  Codec<Long> U64 =
      new Codec<>() {
        @Override
        public int size() {
          return Long.BYTES;
        }

        @Override
        public void encode(Long value, ByteBuffer buffer, int offset) {
          buffer.putLong(offset, value);
        }

        @Override
        public Long decode(ByteBuffer buffer, int offset) {
          return buffer.getLong(offset);
        }
      };

  /** Bytes that the type takes, trailing padding included. */
  int size();

  /**
   * Writes all {@link #size()} bytes at {@code offset}, padding and reserved fields as zero: hashes
   * compare keys by every byte.
   */
  void encode(T value, ByteBuffer buffer, int offset);

  /** Reads the {@link #size()} bytes at {@code offset}. */
  T decode(ByteBuffer buffer, int offset);
}
