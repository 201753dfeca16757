// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import java.util.regex.Pattern;

/**
 * An Ethernet address as a value.
 *
 * @param bits the 48 bits, the first byte on the wire uppermost
 */
public record Mac(long bits) {
  private static final Pattern TEXT = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");

  /** 00:00:00:00:00:00. */
  public static final Mac ZERO = new Mac(0);

  public Mac {
    if (bits >>> 48 != 0) {
      throw new IllegalArgumentException("an Ethernet address has 48 bits");
    }
  }

  /** From six bytes in wire order. */
  public static Mac of(byte[] bytes) {
    if (bytes.length != 6) {
      throw new IllegalArgumentException("no Ethernet address has " + bytes.length + " bytes");
    }
    long bits = 0;
    for (byte b : bytes) {
      bits = bits << 8 | (b & 0xff);
    }
    return new Mac(bits);
  }

  /**
   * From six pairs of hexadecimal digits with colons between.
   *
   * @throws IllegalArgumentException if the text is none
   */
  public static Mac parse(String text) {
    if (!TEXT.matcher(text).matches()) {
      throw new IllegalArgumentException("not an Ethernet address: " + text);
    }
    return new Mac(Long.parseLong(text.replace(":", ""), 16));
  }

  /** Six bytes in wire order. */
  public byte[] bytes() {
    byte[] bytes = new byte[6];
    for (int i = 0; i < 6; i++) {
      bytes[i] = (byte) (bits >>> (40 - 8 * i));
    }
    return bytes;
  }

  @Override
  public String toString() {
    String hex = String.format("%012x", bits);
    return hex.replaceAll("(..)(?!$)", "$1:");
  }
}
