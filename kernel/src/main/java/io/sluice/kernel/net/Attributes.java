// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The attributes of a netlink message by type; the last of a type wins. */
final class Attributes {
  private static final int TYPE_MASK = 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

  private final Map<Integer, ByteBuffer> values = new HashMap<>();

  /** Reads from the buffer's position to its limit. What is malformed ends the reading. */
  Attributes(ByteBuffer buffer) {
    ByteBuffer in = buffer.duplicate().order(ByteOrder.nativeOrder());
    while (in.remaining() >= 4) {
      int start = in.position();
      int length = in.getShort() & 0xffff;
      int type = in.getShort() & TYPE_MASK;
      if (length < 4 || start + length > in.limit()) {
        return;
      }
      ByteBuffer value = in.duplicate().order(ByteOrder.nativeOrder());
      value.limit(start + length);
      values.put(type, value.slice().order(ByteOrder.nativeOrder()));
      in.position(Math.min(in.limit(), start + (length + 3 & ~3)));
    }
  }

  boolean has(int type) {
    return values.containsKey(type);
  }

  /** A 32-bit value, or the default if it is absent or shorter. */
  int u32(int type, int absent) {
    ByteBuffer value = values.get(type);
    return value == null || value.remaining() < 4 ? absent : value.getInt(0);
  }

  int u8(int type, int absent) {
    ByteBuffer value = values.get(type);
    return value == null || value.remaining() < 1 ? absent : value.get(0) & 0xff;
  }

  /** A 16-bit value in network order. */
  int netShort(int type, int absent) {
    ByteBuffer value = values.get(type);
    return value == null || value.remaining() < 2
        ? absent
        : (value.get(0) & 0xff) << 8 | (value.get(1) & 0xff);
  }

  /** Text up to its terminating zero; empty if absent. */
  String text(int type) {
    byte[] bytes = bytes(type);
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  /** An address of either family, or null if absent or of no address's length. */
  Ip ip(int type) {
    byte[] bytes = bytes(type);
    return bytes.length == 4 || bytes.length == 16 ? Ip.of(bytes) : null;
  }

  /** An Ethernet address, or the default if absent or of another length. */
  Mac mac(int type, Mac absent) {
    byte[] bytes = bytes(type);
    return bytes.length == 6 ? Mac.of(bytes) : absent;
  }

  /** Nested attributes; empty if absent. */
  Attributes nested(int type) {
    ByteBuffer value = values.get(type);
    return new Attributes(value == null ? ByteBuffer.allocate(0) : value);
  }

  /** The bytes; none if absent. */
  byte[] bytes(int type) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return new byte[0];
    }
    byte[] bytes = new byte[value.remaining()];
    value.duplicate().get(bytes);
    return bytes;
  }
}
