// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Builds one netlink message: header, family header, attributes. Host byte order, aligned to 4. */
final class MessageWriter {
  /** nlmsghdr: length, type, flags, sequence, port. */
  static final int HEADER = 16;

  private static final int NLA_NESTED = 0x8000;
  static final int CAPACITY = 8192;

  private final ByteBuffer buffer = ByteBuffer.allocate(CAPACITY).order(ByteOrder.nativeOrder());

  MessageWriter(int type, int flags) {
    buffer.putInt(0).putShort((short) type).putShort((short) flags).putInt(0).putInt(0);
  }

  MessageWriter u8(int value) {
    buffer.put((byte) value);
    return this;
  }

  MessageWriter u16(int value) {
    buffer.putShort((short) value);
    return this;
  }

  MessageWriter u32(int value) {
    buffer.putInt(value);
    return this;
  }

  MessageWriter raw(byte[] bytes) {
    buffer.put(bytes);
    return this;
  }

  /** struct ifinfomsg. */
  MessageWriter linkHeader(int index, int flags, int change) {
    return u8(0).u8(0).u16(0).u32(index).u32(flags).u32(change);
  }

  MessageWriter attribute(int type, byte[] value) {
    buffer.putShort((short) (4 + value.length)).putShort((short) type).put(value);
    return align();
  }

  MessageWriter attribute(int type, int value) {
    buffer.putShort((short) 8).putShort((short) type).putInt(value);
    return this;
  }

  MessageWriter byteAttribute(int type, int value) {
    return attribute(type, new byte[] {(byte) value});
  }

  /** A 16-bit value in network order. */
  MessageWriter netShortAttribute(int type, int value) {
    return attribute(type, new byte[] {(byte) (value >> 8), (byte) value});
  }

  /** Text with its terminating zero. */
  MessageWriter attribute(int type, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return attribute(type, Arrays.copyOf(bytes, bytes.length + 1));
  }

  MessageWriter attribute(int type, Ip address) {
    return attribute(type, address.bytes());
  }

  /** Opens a nested attribute; give what it returns to {@link #end}. */
  int begin(int type) {
    int start = buffer.position();
    buffer.putShort((short) 0).putShort((short) (type | NLA_NESTED));
    return start;
  }

  MessageWriter end(int start) {
    buffer.putShort(start, (short) (buffer.position() - start));
    return align();
  }

  int position() {
    return buffer.position();
  }

  void shortAt(int position, int value) {
    buffer.putShort(position, (short) value);
  }

  private MessageWriter align() {
    while (buffer.position() % 4 != 0) {
      buffer.put((byte) 0);
    }
    return this;
  }

  /** The finished message from position 0 to the limit. May be asked for again. */
  ByteBuffer finish(int sequence) {
    if (buffer.position() > 0) {
      buffer.flip();
    }
    buffer.putInt(0, buffer.limit());
    buffer.putInt(8, sequence);
    return buffer.duplicate();
  }
}
