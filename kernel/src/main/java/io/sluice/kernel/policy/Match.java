// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which packets a rule is about: every part that is not empty must hold.
 *
 * @param family of the packet
 * @param protocol its number in the IP header
 * @param notProtocol likewise
 * @param icmp holds for ICMP (ICMPv6) alone
 * @param notIcmp holds for all but these messages; other protocols than ICMP (ICMPv6) do not match
 */
public record Match(
    Optional<Family> family,
    OptionalInt protocol,
    OptionalInt notProtocol,
    Optional<Icmp> icmp,
    Optional<Icmp> notIcmp,
    Place source,
    Place destination) {
  /** Every packet. */
  public static final Match ALL = of(OptionalInt.empty(), Place.ANY, Place.ANY);

  /** Whether it looks at a transport header, which fragments other than the first have not. */
  boolean readsTransport() {
    return icmp.isPresent()
        || notIcmp.isPresent()
        || source.readsTransport()
        || destination.readsTransport();
  }

  /** Packets of either family from one place to another. */
  public static Match of(OptionalInt protocol, Place source, Place destination) {
    return new Match(
        Optional.empty(),
        protocol,
        OptionalInt.empty(),
        Optional.empty(),
        Optional.empty(),
        source,
        destination);
  }
}
