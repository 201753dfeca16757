// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;

/**
 * What policy sees of a packet: struct pkt without what it does not look at.
 *
 * @param flags pkt.flags ({@link io.sluice.kernel.layout.PktFlags})
 * @param protocol its number in the IP header
 * @param source of the same family as {@code destination}
 * @param sourcePort 0 for protocols without ports
 * @param destinationPort likewise
 * @param icmpType 0 for other protocols than ICMP (ICMPv6)
 * @param icmpCode likewise
 */
public record PacketView(
    int flags,
    int protocol,
    Ip source,
    int sourcePort,
    Ip destination,
    int destinationPort,
    int icmpType,
    int icmpCode) {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int SCTP = 132;
  private static final int ICMP = 1;
  private static final int ICMPV6 = 58;

  public PacketView {
    if (source.family() != destination.family()) {
      throw new IllegalArgumentException(source + " and " + destination + " are of two families");
    }
  }

  /** Of a protocol with ports, without flags. */
  public static PacketView of(
      int protocol, Ip source, int sourcePort, Ip destination, int destinationPort) {
    return new PacketView(0, protocol, source, sourcePort, destination, destinationPort, 0, 0);
  }

  /** The same with other flags. */
  public PacketView withFlags(int others) {
    return new PacketView(
        others, protocol, source, sourcePort, destination, destinationPort, icmpType, icmpCode);
  }

  public Family family() {
    return source.family();
  }

  boolean hasPorts() {
    return protocol == TCP || protocol == UDP || protocol == SCTP;
  }

  boolean isIcmp() {
    return protocol == (family() == Family.IPV4 ? ICMP : ICMPV6);
  }
}
