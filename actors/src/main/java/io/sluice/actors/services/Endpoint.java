// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Ip;
import java.util.Comparator;

/**
 * Where a backend listens.
 *
 * @param local on this node: a pod of its own, or the host itself
 */
public record Endpoint(Ip ip, int port, boolean local) implements Comparable<Endpoint> {
  private static final Comparator<Endpoint> ORDER =
      Comparator.comparing(Endpoint::ip)
          .thenComparingInt(Endpoint::port)
          .thenComparing(Endpoint::local);

  /** On another node. */
  public Endpoint(Ip ip, int port) {
    this(ip, port, false);
  }

  /** The key of the promise of a backend ID. */
  String key(int service) {
    return service + "/" + ip + "/" + port;
  }

  /**
   * The key of the other ID that a backend may have: it has the one and the other in turn when
   * flows to it must end although it stays ({@link SyncRound}).
   */
  String otherKey(int service) {
    return key(service) + "/2";
  }

  @Override
  public int compareTo(Endpoint other) {
    return ORDER.compare(this, other);
  }
}
