// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import java.util.Comparator;

/**
 * Under which right a home of a state writes: each recovery takes a greater one.
 *
 * @param term one more than the greatest that the recovery has seen
 * @param writer drawn at random, so that no two recoveries ever have the same
 */
record Ballot(long term, long writer) implements Comparable<Ballot> {
  static final Ballot NONE = new Ballot(0, 0);

  private static final Comparator<Ballot> ORDER =
      Comparator.comparingLong(Ballot::term).thenComparingLong(Ballot::writer);

  @Override
  public int compareTo(Ballot other) {
    return ORDER.compare(this, other);
  }

  boolean isBefore(Ballot other) {
    return compareTo(other) < 0;
  }
}
