// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.layout;

/** The two address families that every feature serves alike. */
public enum Family {
  IPV4(4, 4, 32),
  IPV6(6, 16, 128);

  private final int number;
  private final int bytes;
  private final int bits;

  Family(int number, int bytes, int bits) {
    this.number = number;
    this.bytes = bytes;
    this.bits = bits;
  }

  /** 4 or 6: the suffix of the family's maps, types and objects. */
  public int number() {
    return number;
  }

  /** Length of an address in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Length of an address in bits: the longest prefix. */
  public int bits() {
    return bits;
  }
}
