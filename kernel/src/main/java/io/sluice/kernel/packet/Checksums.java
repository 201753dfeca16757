// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.packet;

import io.sluice.kernel.layout.Ip;
import java.util.zip.CRC32C;

/** The Internet checksum (RFC 1071) and SCTP's CRC32c (RFC 9260), computed in full. */
public final class Checksums {
  private Checksums() {}

  /** One's complement sum of 16-bit words of network order, folded; an odd byte counts as high. */
  public static int sum(byte[] bytes, int from, int length) {
    long sum = 0;
    for (int i = 0; i < length; i++) {
      int b = bytes[from + i] & 0xff;
      sum += (i & 1) == 0 ? b << 8 : b;
    }
    return fold(sum);
  }

  static int fold(long sum) {
    long folded = sum;
    while (folded >> 16 != 0) {
      folded = (folded & 0xffff) + (folded >> 16);
    }
    return (int) folded;
  }

  /** The pseudo header's part of a transport checksum (RFC 9293, 3.1; RFC 8200, 8.1). */
  public static int pseudo(Ip source, Ip destination, int proto, int length) {
    byte[] a = source.bytes();
    byte[] b = destination.bytes();
    return fold(
        (long) sum(a, 0, a.length)
            + sum(b, 0, b.length)
            + proto
            + (length & 0xffff)
            + (length >>> 16));
  }

  /** What the checksum field holds for a sum over everything else. */
  static int complement(int sum) {
    return ~sum & 0xffff;
  }

  /** As the field in an SCTP header holds it, read as a number of network order. */
  static int crc32c(byte[] bytes, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, length);
    return Integer.reverseBytes((int) crc.getValue());
  }
}
