// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.layout;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * An IP address as a value: comparable by family and bytes, cheap to make, and, unlike {@link
 * InetAddress}, never turned into the other family when it is an IPv4-mapped IPv6 address.
 *
 * @param family the address family
 * @param high the upper 64 bits of an IPv6 address, big endian; 0 for IPv4
 * @param low the lower 64 bits; for IPv4 the address in the lower 32, zero-extended
 */
public record Ip(Family family, long high, long low) implements Comparable<Ip> {
  /** 0.0.0.0. */
  public static final Ip ANY4 = new Ip(Family.IPV4, 0, 0);

  /** ::. */
  public static final Ip ANY6 = new Ip(Family.IPV6, 0, 0);

  public static Ip any(Family family) {
    return family == Family.IPV4 ? ANY4 : ANY6;
  }

  public static Ip of(InetAddress address) {
    return of(address.getAddress());
  }

  /** From 4 or 16 bytes in network order. */
  public static Ip of(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    return switch (bytes.length) {
      case 4 -> new Ip(Family.IPV4, 0, Integer.toUnsignedLong(buffer.getInt()));
      case 16 -> new Ip(Family.IPV6, buffer.getLong(), buffer.getLong());
      default -> throw new IllegalArgumentException("no address has " + bytes.length + " bytes");
    };
  }

  /**
   * From a literal; never asks a name server.
   *
   * @throws IllegalArgumentException if the text is no address literal
   */
  public static Ip parse(String literal) {
    if (!literal.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
      throw new IllegalArgumentException("not an IP address: " + literal);
    }
    try {
      byte[] bytes = InetAddress.getByName(literal).getAddress();
      if (literal.indexOf(':') >= 0 && bytes.length == 4) {
        return new Ip(
            Family.IPV6,
            0,
            0xffff_0000_0000L | Integer.toUnsignedLong(ByteBuffer.wrap(bytes).getInt()));
      }
      return of(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("not an IP address: " + literal, e);
    }
  }

  /** 4 or 16 bytes in network order. */
  public byte[] bytes() {
    return family == Family.IPV4
        ? ByteBuffer.allocate(4).putInt((int) low).array()
        : ByteBuffer.allocate(16).putLong(high).putLong(low).array();
  }

  public boolean isAny() {
    return high == 0 && low == 0;
  }

  /** This address with all bits after the first {@code prefix} cleared. */
  public Ip masked(int prefix) {
    if (family == Family.IPV4) {
      return new Ip(family, 0, prefix == 0 ? 0 : low & (-1L << (32 - prefix)));
    }
    long newHigh = prefix == 0 ? 0 : prefix >= 64 ? high : high & (-1L << (64 - prefix));
    long newLow = prefix <= 64 ? 0 : low & (-1L << (128 - prefix));
    return new Ip(family, newHigh, newLow);
  }

  @Override
  public int compareTo(Ip other) {
    int byFamily = family.compareTo(other.family);
    if (byFamily != 0) {
      return byFamily;
    }
    int byHigh = Long.compareUnsigned(high, other.high);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
  }

  /** The usual text form; IPv6 compressed as RFC 5952 has it. */
  @Override
  public String toString() {
    byte[] b = bytes();
    if (family == Family.IPV4) {
      return (b[0] & 0xff) + "." + (b[1] & 0xff) + "." + (b[2] & 0xff) + "." + (b[3] & 0xff);
    }
    int[] groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = (b[2 * i] & 0xff) << 8 | (b[2 * i + 1] & 0xff);
    }
    return compress(groups);
  }

  private static String compress(int[] groups) {
    int start = -1;
    int length = 1; // a single zero group is not shortened (RFC 5952, 4.2.2)
    for (int i = 0; i < 8; i++) {
      int run = 0;
      while (i + run < 8 && groups[i + run] == 0) {
        run++;
      }
      if (run > length) {
        start = i;
        length = run;
      }
      i += run;
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      if (i == start) {
        text.append("::");
        i += length - 1;
        continue;
      }
      if (text.length() > 0 && text.charAt(text.length() - 1) != ':') {
        text.append(':');
      }
      text.append(Integer.toHexString(groups[i]));
    }
    return text.toString();
  }
}
