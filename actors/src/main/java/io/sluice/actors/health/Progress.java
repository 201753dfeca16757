// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import java.util.Optional;

/**
 * Tells from how services stand whether what was wanted has been written. Where something changes
 * all the time they are never at rest, and are up to date all the same: a round that began after a
 * look has written what was wanted at the time of the look.
 */
final class Progress {
  /** The round that may be under way, and the next, which began after the look. */
  private static final int ROUNDS = 2;

  private boolean began;
  private boolean waits;
  private long sinceNanos;
  private long sinceRounds;

  /**
   * @param applied anything has been at all
   * @param settled nothing waits
   * @param rounds finished; falls to 0 when services begin anew
   * @return a time, by {@link System#nanoTime}, of which all that was wanted has been written;
   *     empty if this look tells none
   */
  Optional<Long> upToDate(boolean applied, boolean settled, long rounds) {
    long now = System.nanoTime();
    if (!applied) {
      return Optional.empty();
    }
    if (settled || !began) {
      began = true;
      waits = false;
      return Optional.of(now);
    }
    if (waits && rounds >= sinceRounds + ROUNDS) {
      long then = sinceNanos;
      wait(now, rounds);
      return Optional.of(then);
    }
    if (!waits) {
      wait(now, rounds);
    } else if (rounds < sinceRounds) {
      sinceRounds = rounds; // the time stays: it is for that long that something has waited
    }
    return Optional.empty();
  }

  private void wait(long now, long rounds) {
    waits = true;
    sinceNanos = now;
    sinceRounds = rounds;
  }
}
