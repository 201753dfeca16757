// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

/** What {@link NetlinkEvents} tells its listener. */
public sealed interface NetlinkEvent {
  /** Whether an object is there after the event. */
  enum Change {
    /** New or changed: the event holds its whole present state. */
    PRESENT,
    /** Gone: the event holds its last state. */
    GONE
  }

  /** An interface came, changed or went. */
  record LinkChanged(Change change, Link link) implements NetlinkEvent {}

  record AddressChanged(Change change, Address address) implements NetlinkEvent {}

  record RouteChanged(Change change, Route route) implements NetlinkEvent {}

  record NeighbourChanged(Change change, Neighbour neighbour) implements NetlinkEvent {}

  /**
   * Events were lost, because they came faster than the listener took them. Whoever keeps a copy of
   * the kernel's state must dump it anew; events that follow are newer than the loss.
   */
  record Resync() implements NetlinkEvent {}
}
