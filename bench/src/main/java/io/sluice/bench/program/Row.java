// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.kernel.layout.Family;

/**
 * One path through the programs.
 *
 * @param name what is measured, for people
 * @param hook where the packet meets them, a constant of SluiceHook
 * @param packet one packet of the stream
 * @param flows the stream's flows, by source port
 * @param addresses the stream's destinations
 * @param opening how the stream's flows come to be
 * @param reason under which the programs count a packet that took this path, of SluiceReason
 * @param peer what Calico's chain takes for it on this kernel, ns over the same floor of 26; 0:
 *     unknown
 */
record Row(
    String name,
    Family family,
    int hook,
    byte[] packet,
    int flows,
    int addresses,
    Opening opening,
    int reason,
    int peer) {
  /** How flows come to be. */
  enum Opening {
    /** Once, by a handshake between the pods. */
    DIRECT,
    /** Once, by a handshake by way of the service. */
    BY_SERVICE,
    /** Each packet opens one: conntrack is emptied before each round. */
    EACH,
    /** Likewise, and each packet has passed host-ingress before. */
    EACH_AFTER_SOURCE
  }

  /** Calico's figures come from IPv4. */
  Row {
    peer = family == Family.IPV4 ? peer : 0;
  }
}
