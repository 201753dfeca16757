// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import java.time.Duration;
import java.time.Instant;

/**
 * Whether this node serves what the source says, as those who answer load balancers read it. It
 * turns bad by itself: what nobody confirms is no longer true after a while, whoever hangs.
 */
final class Health {
  /**
   * @param confirmed when services were last known to be as the source says; the epoch: never
   * @param confirmedNanos likewise, by {@link System#nanoTime}
   * @param inForce the source is in sync and its services have been applied at all
   * @param eligible the node stays: not about to be deleted
   */
  private record View(Instant confirmed, long confirmedNanos, boolean inForce, boolean eligible) {}

  /**
   * One look.
   *
   * @param updated when services were last known to be up to date: now, as long as all is well
   */
  record Seen(boolean healthy, boolean eligible, Instant updated, Instant now) {}

  private final Duration bound;
  private volatile View view = new View(Instant.EPOCH, 0, false, true);

  /**
   * @param bound how long a change may wait until the node is no longer healthy
   */
  Health(Duration bound) {
    this.bound = bound;
  }

  /** Services were as the source said at that time, by {@link System#nanoTime}. */
  void confirm(long nanos) {
    Instant when = Instant.now().minusNanos(System.nanoTime() - nanos);
    view = new View(when, nanos, true, view.eligible());
  }

  /** Whether the node stays. */
  void eligible(boolean eligible) {
    View now = view;
    view = new View(now.confirmed(), now.confirmedNanos(), now.inForce(), eligible);
  }

  Seen look() {
    View now = view;
    boolean healthy = now.inForce() && System.nanoTime() - now.confirmedNanos() <= bound.toNanos();
    Instant time = Instant.now();
    return new Seen(healthy, now.eligible(), healthy ? time : now.confirmed(), time);
  }
}
