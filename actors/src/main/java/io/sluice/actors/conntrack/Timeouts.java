// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import java.time.Duration;
import java.util.Objects;

/**
 * How long a flow may be silent before it counts as dead.
 *
 * @param creationGrace no entry younger than this is judged at all
 * @param tcpSynSent TCP that has not seen a SYN from both sides
 * @param tcpEstablished TCP that has
 * @param tcpFinsSeen TCP that both sides have closed
 * @param tcpResetSeen TCP that one side has reset
 * @param udp UDP, answered or not
 * @param icmp ICMP and ICMPv6 echo
 * @param generic every other protocol
 */
public record Timeouts(
    Duration creationGrace,
    Duration tcpSynSent,
    Duration tcpEstablished,
    Duration tcpFinsSeen,
    Duration tcpResetSeen,
    Duration udp,
    Duration icmp,
    Duration generic) {
  /** What a FelixConfiguration that says nothing means; FINs as a kernel without the sysctl. */
  public static final Timeouts DEFAULTS =
      new Timeouts(
          Duration.ofSeconds(10),
          Duration.ofSeconds(20),
          Duration.ofHours(1),
          Duration.ofSeconds(120),
          Duration.ofSeconds(40),
          Duration.ofSeconds(60),
          Duration.ofSeconds(5),
          Duration.ofMinutes(10));

  public Timeouts {
    Objects.requireNonNull(creationGrace);
    Objects.requireNonNull(tcpSynSent);
    Objects.requireNonNull(tcpEstablished);
    Objects.requireNonNull(tcpFinsSeen);
    Objects.requireNonNull(tcpResetSeen);
    Objects.requireNonNull(udp);
    Objects.requireNonNull(icmp);
    Objects.requireNonNull(generic);
  }
}
