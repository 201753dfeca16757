// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.text.Text;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * An IP address as a value, in one canonical form. Unlike {@link java.net.InetAddress} it never
 * asks a name server and never turns an IPv4-mapped IPv6 address into an IPv4 one.
 *
 * @param family the address family
 * @param high the upper 64 bits of an IPv6 address, big endian; 0 for IPv4
 * @param low the lower 64 bits; for IPv4 the address in the lower 32, zero-extended
 */
public record IpAddress(IpFamily family, long high, long low) implements Comparable<IpAddress> {
  /** 0.0.0.0 or ::. */
  public static IpAddress any(IpFamily family) {
    return new IpAddress(family, 0, 0);
  }

  /** From 4 or 16 bytes in network order. */
  public static IpAddress of(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return switch (bytes.length) {
      case 4 -> new IpAddress(IpFamily.IPV4, 0, Integer.toUnsignedLong(buffer.getInt()));
      case 16 -> new IpAddress(IpFamily.IPV6, buffer.getLong(), buffer.getLong());
      default -> throw new IllegalArgumentException("no address has " + bytes.length + " bytes");
    };
  }

  /**
   * From a literal: IPv4 as four decimal numbers without leading zeros, IPv6 as RFC 4291 has it,
   * without a zone.
   *
   * @throws IllegalArgumentException if the text is none; the message says so
   */
  public static IpAddress parse(String literal) {
    byte[] bytes =
        literal.indexOf(':') >= 0 ? AddressText.parse6(literal) : AddressText.parse4(literal);
    if (bytes == null) {
      throw new IllegalArgumentException(Text.quote(literal) + " is not an IP address");
    }
    return of(bytes);
  }

  /** 4 or 16 bytes in network order. */
  public byte[] bytes() {
    return family == IpFamily.IPV4
        ? ByteBuffer.allocate(4).putInt((int) low).array()
        : ByteBuffer.allocate(16).putLong(high).putLong(low).array();
  }

  public boolean isAny() {
    return high == 0 && low == 0;
  }

  public boolean isIpv6() {
    return family == IpFamily.IPV6;
  }

  /** 127.0.0.0/8 or ::1. */
  public boolean isLoopback() {
    return family == IpFamily.IPV4 ? low >>> 24 == 127 : high == 0 && low == 1;
  }

  /** 169.254.0.0/16 or fe80::/10. */
  public boolean isLinkLocal() {
    return family == IpFamily.IPV4 ? low >>> 16 == 0xa9fe : high >>> 54 == 0xfe80 >>> 6;
  }

  /** 224.0.0.0/4 or ff00::/8. */
  public boolean isMulticast() {
    return family == IpFamily.IPV4 ? low >>> 28 == 0xe : high >>> 56 == 0xff;
  }

  /** This address with all bits after the first {@code prefix} cleared. */
  public IpAddress masked(int prefix) {
    if (family == IpFamily.IPV4) {
      return new IpAddress(family, 0, prefix == 0 ? 0 : low & (-1L << (32 - prefix)));
    }
    long newHigh = prefix == 0 ? 0 : prefix >= 64 ? high : high & (-1L << (64 - prefix));
    long newLow = prefix <= 64 ? 0 : low & (-1L << (128 - prefix));
    return new IpAddress(family, newHigh, newLow);
  }

  @Override
  public int compareTo(IpAddress other) {
    int byFamily = family.compareTo(other.family);
    if (byFamily != 0) {
      return byFamily;
    }
    return Arrays.compareUnsigned(bytes(), other.bytes());
  }

  /** The usual text form; IPv6 compressed as RFC 5952 has it. */
  @Override
  public String toString() {
    return family == IpFamily.IPV4 ? AddressText.format4(low) : AddressText.format6(bytes());
  }
}
