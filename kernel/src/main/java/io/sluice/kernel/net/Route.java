// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.List;
import java.util.Optional;

/**
 * A route of the kernel's tables. What the factories make equals what a dump of it gives.
 *
 * @param destination the prefix's address, host bits zero
 * @param prefix its length in bits
 * @param type RTN_*: {@link #TYPE_UNICAST}, {@link #TYPE_BLACKHOLE}…
 * @param gateway next hop, of either family; null if the destination is on the link
 * @param ifindex the interface it leaves by; 0 if none or several
 * @param table routing table
 * @param protocol who set it: {@link #PROTOCOL_SLUICE} for us
 * @param scope RT_SCOPE_*; always 0 for IPv6, which has none
 * @param priority the metric, the lowest wins; the kernel turns 0 into 1024 for IPv6
 * @param preferredSource source address for what the host itself sends; null for none
 * @param onlink whether the gateway is taken to be on the link, whatever the addresses say
 * @param hops several next hops; empty if there is one or none
 */
public record Route(
    Ip destination,
    int prefix,
    int type,
    Ip gateway,
    int ifindex,
    int table,
    int protocol,
    int scope,
    int priority,
    Ip preferredSource,
    boolean onlink,
    List<Hop> hops) {

  /**
   * The mark by which a restarted agent knows its own routes, addresses and neighbours, and by
   * which people find them ({@code ip route show proto 83}). Not in iproute2's rt_protos, nor in
   * use by a routing daemon that we know of; Calico's are 3, 80 and BIRD's.
   */
  public static final int PROTOCOL_SLUICE = 83;

  /** RTPROT_KERNEL: made by the kernel for an address. */
  public static final int PROTOCOL_KERNEL = 2;

  /** RT_TABLE_MAIN. */
  public static final int TABLE_MAIN = 254;

  /** RT_TABLE_LOCAL. */
  public static final int TABLE_LOCAL = 255;

  public static final int TYPE_UNICAST = 1;
  public static final int TYPE_LOCAL = 2;
  public static final int TYPE_BROADCAST = 3;

  /** Drops silently. */
  public static final int TYPE_BLACKHOLE = 6;

  /** Answers with ICMP unreachable. */
  public static final int TYPE_UNREACHABLE = 7;

  /** RTN_PROHIBIT: answers with ICMP prohibited. */
  public static final int TYPE_PROHIBIT = 8;

  /** RTN_THROW: goes on with the next rule. */
  public static final int TYPE_THROW = 9;

  public static final int SCOPE_UNIVERSE = 0;
  public static final int SCOPE_LINK = 253;
  public static final int SCOPE_HOST = 254;

  private static final int PRIORITY6 = 1024;

  public Route {
    if (!destination.equals(destination.masked(prefix))) {
      throw new IllegalArgumentException(
          "route to " + destination + "/" + prefix + " has host bits");
    }
    hops = List.copyOf(hops);
  }

  /**
   * One of several next hops.
   *
   * @param gateway null if on the link
   * @param weight from 1
   */
  public record Hop(int ifindex, Ip gateway, int weight) {}

  /** One of ours to a destination on a link. */
  public static Route onLink(Ip destination, int prefix, int ifindex) {
    int scope = destination.family() == Family.IPV4 ? SCOPE_LINK : SCOPE_UNIVERSE;
    return ours(destination, prefix, TYPE_UNICAST, null, ifindex, scope);
  }

  /** One of ours to a destination behind a gateway. */
  public static Route via(Ip destination, int prefix, Ip gateway, int ifindex) {
    return ours(destination, prefix, TYPE_UNICAST, gateway, ifindex, SCOPE_UNIVERSE);
  }

  /**
   * One of ours that leads nowhere.
   *
   * @param type {@link #TYPE_BLACKHOLE}, {@link #TYPE_UNREACHABLE}, {@link #TYPE_PROHIBIT} or
   *     {@link #TYPE_THROW}
   */
  public static Route nowhere(Ip destination, int prefix, int type) {
    return ours(destination, prefix, type, null, 0, SCOPE_UNIVERSE);
  }

  private static Route ours(
      Ip destination, int prefix, int type, Ip gateway, int ifindex, int scope) {
    return new Route(
        destination,
        prefix,
        type,
        gateway,
        ifindex,
        TABLE_MAIN,
        PROTOCOL_SLUICE,
        scope,
        destination.family() == Family.IPV4 ? 0 : PRIORITY6,
        null,
        false,
        List.of());
  }

  public Route withTable(int newTable) {
    return new Route(
        destination,
        prefix,
        type,
        gateway,
        ifindex,
        newTable,
        protocol,
        scope,
        priority,
        preferredSource,
        onlink,
        hops);
  }

  public Route withProtocol(int newProtocol) {
    return new Route(
        destination,
        prefix,
        type,
        gateway,
        ifindex,
        table,
        newProtocol,
        scope,
        priority,
        preferredSource,
        onlink,
        hops);
  }

  public Route withPriority(int newPriority) {
    return new Route(
        destination,
        prefix,
        type,
        gateway,
        ifindex,
        table,
        protocol,
        scope,
        newPriority,
        preferredSource,
        onlink,
        hops);
  }

  public Route withPreferredSource(Ip source) {
    return new Route(
        destination,
        prefix,
        type,
        gateway,
        ifindex,
        table,
        protocol,
        scope,
        priority,
        source,
        onlink,
        hops);
  }

  /** The gateway is taken to be on the link. */
  public Route withOnlink() {
    return new Route(
        destination,
        prefix,
        type,
        gateway,
        ifindex,
        table,
        protocol,
        scope,
        priority,
        preferredSource,
        true,
        hops);
  }

  /** Several next hops instead of one. */
  public Route withHops(List<Hop> newHops) {
    return new Route(
        destination,
        prefix,
        type,
        null,
        0,
        table,
        protocol,
        SCOPE_UNIVERSE,
        priority,
        preferredSource,
        onlink,
        newHops);
  }

  public Family family() {
    return destination.family();
  }

  /** Set by an agent, of this or an earlier run. */
  public boolean isOurs() {
    return protocol == PROTOCOL_SLUICE;
  }

  /** The next hop's address, if the destination is not on the link itself. */
  public Optional<Ip> nextHop() {
    return Optional.ofNullable(gateway);
  }

  /** For error texts, close to iproute2's. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder().append(destination).append('/').append(prefix);
    if (type != TYPE_UNICAST) {
      text.append(" type ").append(type);
    }
    if (gateway != null) {
      text.append(" via ").append(gateway);
    }
    if (ifindex != 0) {
      text.append(" dev ").append(ifindex);
    }
    hops.forEach(
        hop ->
            text.append(" nexthop ").append(hop.gateway()).append(" dev ").append(hop.ifindex()));
    return text.append(" table ").append(table).append(" proto ").append(protocol).toString();
  }
}
