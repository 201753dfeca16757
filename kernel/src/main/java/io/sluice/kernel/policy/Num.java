// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/**
 * An unsigned number of 128 bits: an address of either family, or a port.
 *
 * @param high the upper 64 bits
 * @param low the lower 64 bits
 */
record Num(long high, long low) implements Comparable<Num> {
  static final Num ZERO = new Num(0, 0);

  static Num of(long small) {
    return new Num(0, small);
  }

  /** One more; zero after the greatest. */
  Num next() {
    return new Num(low == -1 ? high + 1 : high, low + 1);
  }

  @Override
  public int compareTo(Num other) {
    int byHigh = Long.compareUnsigned(high, other.high);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
  }
}
