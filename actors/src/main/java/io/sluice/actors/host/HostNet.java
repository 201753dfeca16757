// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.RootQdisc;
import io.sluice.kernel.net.Route;
import java.util.List;
import java.util.Optional;

/**
 * The host's network as far as the agent touches it: interfaces, addresses and routes of one
 * network namespace. An interface, so that actors can be tested without a kernel.
 *
 * <p>Calls block. Refusals are {@link io.sluice.kernel.bpf.KernelException}s with errno.
 */
public interface HostNet extends AutoCloseable {
  /**
   * The routing protocol number by which the kernel and people tell the agent's routes from
   * everybody else's; of the range left to administrators.
   */
  int ROUTE_PROTOCOL = Route.PROTOCOL_SLUICE;

  /** A network interface. */
  record Nic(int index, String name, boolean up) {}

  /**
   * An address of this host.
   *
   * @param usable false while duplicate address detection runs or after it failed
   */
  record HostAddress(int ifindex, Ip address, int prefix, boolean usable) {
    public boolean isLinkLocal() {
      return address.family() == Family.IPV4
          ? address.low() >>> 16 == 0xa9fe
          : address.high() >>> 54 == 0xfe80 >>> 6;
    }

    public boolean isLoopback() {
      return address.family() == Family.IPV4
          ? address.low() >>> 24 == 127
          : address.high() == 0 && address.low() == 1;
    }
  }

  /**
   * A route of ours in the main table.
   *
   * @param gateway the next hop; empty: the destination is on the link
   * @param source the preferred source of what this host itself sends there
   */
  record HostRoute(
      Ip destination, int prefix, int ifindex, Optional<Ip> gateway, Optional<Ip> source) {
    /** One on the link. */
    public HostRoute(Ip destination, int prefix, int ifindex, Optional<Ip> source) {
      this(destination, prefix, ifindex, Optional.empty(), source);
    }

    @Override
    public String toString() {
      return destination
          + "/"
          + prefix
          + gateway.map(ip -> " via " + ip).orElse("")
          + " dev "
          + ifindex
          + source.map(ip -> " src " + ip).orElse("");
    }
  }

  List<Nic> nics();

  /** All interfaces, with all that the kernel says of them. */
  List<Link> links();

  /** The interface of that name, if there is one. */
  Optional<Link> link(String name);

  /** Makes a flow-based VXLAN device of {@link Link.Vxlan#flowBased}, down. */
  Link createVxlan(String name, int port, int mtu);

  /** Removes an interface; false if there is none. */
  boolean deleteLink(int ifindex);

  void setUp(int ifindex, boolean up);

  void setMtu(int ifindex, int mtu);

  /** Whether an interface asks for neighbours. */
  void setArp(int ifindex, boolean arp);

  /** The text that says whose an interface is. */
  void setAlias(int ifindex, String alias);

  List<HostAddress> addresses();

  /** The addresses of one interface; none if it is not there. */
  List<HostAddress> addresses(int ifindex);

  /** The routes of {@link #ROUTE_PROTOCOL} in the main table, both families. */
  List<HostRoute> routes();

  /**
   * Creates a route.
   *
   * @param replace whether a route to the same destination, whoever's it is, is replaced
   * @return false if there is one, and it was left alone
   */
  boolean addRoute(HostRoute route, boolean replace);

  /** Removes a route of ours; false if there is none. */
  boolean removeRoute(HostRoute route);

  /** Adds an address, usable at once, without duplicate address detection. */
  void addAddress(int ifindex, Ip address, int prefix);

  /** Removes an address; false if there is none. */
  boolean removeAddress(int ifindex, Ip address, int prefix);

  /** The queueing disciplines at the roots of all interfaces. */
  List<RootQdisc> rootQdiscs();

  /** See {@link io.sluice.kernel.net.Netlink#putTbf}. */
  void putTbf(int ifindex, int handle, long rate, long burst, long limit);

  /** Gives an interface's root back to the kernel's default; false if it is another's. */
  boolean deleteRootQdisc(int ifindex, int handle);

  /**
   * Calls back, on a thread of its own, after interfaces or addresses have changed, or may have.
   * The callback says nothing of what changed: look.
   */
  AutoCloseable watch(Runnable changed);

  @Override
  void close();
}
