// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.bench.traffic.Site.Sender;

/** Who carries packets to services: one column. */
interface Peer extends AutoCloseable {
  /** For people, and in JSON. */
  String name();

  /** Where its ends are. */
  Site site();

  /**
   * Has these services from now on, all of them.
   *
   * @throws Unavailable if it cannot work on this machine
   */
  void apply(Services services) throws Unavailable;

  /** Where a sender finds the service that is measured. */
  default Target target(Services services, Sender sender) {
    return sender == Sender.POD
        ? new Target(services.address(services.measured()), Services.PORT)
        : new Target(site().nodeAddress(), Services.NODE_PORT);
  }

  /** An address and a port. */
  record Target(String address, int port) {}

  /** Why a peer is not measured. */
  final class Unavailable extends Exception {
    private static final long serialVersionUID = 1L;

    Unavailable(String message) {
      super(message);
    }
  }

  @Override
  default void close() {
    site().close();
  }
}
