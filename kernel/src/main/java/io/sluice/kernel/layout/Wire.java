// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.layout;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What generated codecs are made of: reads and writes at absolute indexes, of a byte order that is
 * part of the method's name and not of the buffer. Writers refuse what does not fit; {@code what}
 * names the field then.
 */
final class Wire {
  private static final VarHandle HOST16 = handle(short[].class, ByteOrder.nativeOrder());
  private static final VarHandle HOST32 = handle(int[].class, ByteOrder.nativeOrder());
  private static final VarHandle HOST64 = handle(long[].class, ByteOrder.nativeOrder());
  private static final VarHandle NET16 = handle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle NET32 = handle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle NET64 = handle(long[].class, ByteOrder.BIG_ENDIAN);

  private Wire() {}

  private static VarHandle handle(Class<?> type, ByteOrder order) {
    return MethodHandles.byteBufferViewVarHandle(type, order);
  }

  /** Zeroes {@code size} bytes, for padding and reserved fields that nobody writes after. */
  static void zero(ByteBuffer target, int at, int size) {
    int i = 0;
    for (; i + 8 <= size; i += 8) {
      target.putLong(at + i, 0);
    }
    for (; i < size; i++) {
      target.put(at + i, (byte) 0);
    }
  }

  static int getHost8(ByteBuffer b, int at) {
    return Byte.toUnsignedInt(b.get(at));
  }

  static void putHost8(ByteBuffer b, int at, int value, String what) {
    b.put(at, (byte) range(value, 0xff, what));
  }

  static int getHost16(ByteBuffer b, int at) {
    return Short.toUnsignedInt((short) HOST16.get(b, at));
  }

  static void putHost16(ByteBuffer b, int at, int value, String what) {
    HOST16.set(b, at, (short) range(value, 0xffff, what));
  }

  static int getNet16(ByteBuffer b, int at) {
    return Short.toUnsignedInt((short) NET16.get(b, at));
  }

  static void putNet16(ByteBuffer b, int at, int value, String what) {
    NET16.set(b, at, (short) range(value, 0xffff, what));
  }

  static int getHost32(ByteBuffer b, int at) {
    return (int) HOST32.get(b, at);
  }

  static void putHost32(ByteBuffer b, int at, int value) {
    HOST32.set(b, at, value);
  }

  static int getNet32(ByteBuffer b, int at) {
    return (int) NET32.get(b, at);
  }

  static void putNet32(ByteBuffer b, int at, int value) {
    NET32.set(b, at, value);
  }

  static long getHost64(ByteBuffer b, int at) {
    return (long) HOST64.get(b, at);
  }

  static void putHost64(ByteBuffer b, int at, long value) {
    HOST64.set(b, at, value);
  }

  static long getNet64(ByteBuffer b, int at) {
    return (long) NET64.get(b, at);
  }

  static void putNet64(ByteBuffer b, int at, long value) {
    NET64.set(b, at, value);
  }

  static Ip getIp4(ByteBuffer b, int at) {
    return new Ip(Family.IPV4, 0, Integer.toUnsignedLong(getNet32(b, at)));
  }

  static void putIp4(ByteBuffer b, int at, Ip value, String what) {
    family(value, Family.IPV4, what);
    putNet32(b, at, (int) value.low());
  }

  static Ip getIp6(ByteBuffer b, int at) {
    return new Ip(Family.IPV6, getNet64(b, at), getNet64(b, at + 8));
  }

  static void putIp6(ByteBuffer b, int at, Ip value, String what) {
    family(value, Family.IPV6, what);
    putNet64(b, at, value.high());
    putNet64(b, at + 8, value.low());
  }

  /** Text up to the first NUL, or all {@code size} bytes. */
  static String getChars(ByteBuffer b, int at, int size) {
    byte[] bytes = new byte[size];
    b.get(at, bytes);
    int length = 0;
    while (length < size && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  static void putChars(ByteBuffer b, int at, int size, String value, String what) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= size) {
      throw new IllegalArgumentException(
          what + " takes at most " + (size - 1) + " bytes, not \"" + value + "\"");
    }
    if (value.indexOf(0) >= 0) {
      throw new IllegalArgumentException(what + " takes no NUL character");
    }
    b.put(at, bytes);
  }

  private static int range(int value, int max, String what) {
    if (value < 0 || value > max) {
      throw new IllegalArgumentException(what + " takes 0 to " + max + ", not " + value);
    }
    return value;
  }

  private static void family(Ip value, Family family, String what) {
    if (value.family() != family) {
      throw new IllegalArgumentException(
          what + " takes an IPv" + family.number() + " address, not " + value);
    }
  }
}
