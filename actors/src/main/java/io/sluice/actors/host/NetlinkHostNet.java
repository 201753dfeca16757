// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Address;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Netlink;
import io.sluice.kernel.net.NetlinkEvents;
import io.sluice.kernel.net.NetlinkEvents.Topic;
import io.sluice.kernel.net.RootQdisc;
import io.sluice.kernel.net.Route;
import io.sluice.kernel.net.RouteFilter;
import io.sluice.kernel.sys.Netns;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The host's network over rtnetlink. Thread-safe, as {@link Netlink} is. */
public final class NetlinkHostNet implements HostNet {
  private static final int EEXIST = 17;
  private static final int ADDRESS_DADFAILED = 0x08;

  private final Netlink netlink;
  private final Optional<Netns> netns;

  private NetlinkHostNet(Netlink netlink, Optional<Netns> netns) {
    this.netlink = netlink;
    this.netns = netns;
  }

  /** For the calling thread's network namespace. */
  public static NetlinkHostNet open() {
    return new NetlinkHostNet(Netlink.open(), Optional.empty());
  }

  /** For another network namespace, which must stay open. */
  public static NetlinkHostNet open(Netns netns) {
    return new NetlinkHostNet(Netlink.open(netns), Optional.of(netns));
  }

  @Override
  public List<Nic> nics() {
    return netlink.links().stream().map(NetlinkHostNet::nic).toList();
  }

  private static Nic nic(Link link) {
    return new Nic(link.index(), link.name(), link.isUp());
  }

  @Override
  public List<Link> links() {
    return netlink.links();
  }

  @Override
  public Optional<Link> link(String name) {
    return netlink.link(name).filter(link -> link.name().equals(name));
  }

  @Override
  public Link createVxlan(String name, int port, int mtu) {
    return netlink.createVxlan(name, port, mtu);
  }

  @Override
  public boolean deleteLink(int ifindex) {
    return netlink.deleteLink(ifindex);
  }

  @Override
  public void setUp(int ifindex, boolean up) {
    netlink.setUp(ifindex, up);
  }

  @Override
  public void setMtu(int ifindex, int mtu) {
    netlink.setMtu(ifindex, mtu);
  }

  @Override
  public List<RootQdisc> rootQdiscs() {
    return netlink.rootQdiscs();
  }

  @Override
  public void putTbf(int ifindex, int handle, long rate, long burst, long limit) {
    netlink.putTbf(ifindex, handle, rate, burst, limit);
  }

  @Override
  public boolean deleteRootQdisc(int ifindex, int handle) {
    return netlink.deleteRootQdisc(ifindex, handle);
  }

  @Override
  public void setArp(int ifindex, boolean arp) {
    netlink.setArp(ifindex, arp);
  }

  @Override
  public void setAlias(int ifindex, String alias) {
    netlink.setAlias(ifindex, alias);
  }

  @Override
  public List<HostAddress> addresses() {
    return netlink.addresses().stream().map(NetlinkHostNet::address).toList();
  }

  @Override
  public List<HostAddress> addresses(int ifindex) {
    return netlink.addresses(ifindex).stream().map(NetlinkHostNet::address).toList();
  }

  private static HostAddress address(Address address) {
    int unusable = Address.FLAG_TENTATIVE | ADDRESS_DADFAILED;
    return new HostAddress(
        address.ifindex(), address.address(), address.prefix(), (address.flags() & unusable) == 0);
  }

  @Override
  public List<HostRoute> routes() {
    return Arrays.stream(Family.values())
        .flatMap(family -> ours(family).stream())
        .map(
            route ->
                new HostRoute(
                    route.destination(),
                    route.prefix(),
                    route.ifindex(),
                    route.nextHop(),
                    Optional.ofNullable(route.preferredSource())))
        .toList();
  }

  private List<Route> ours(Family family) {
    return netlink.routes(RouteFilter.ours(family).inTable(Route.TABLE_MAIN));
  }

  @Override
  public boolean addRoute(HostRoute route, boolean replace) {
    if (replace) {
      netlink.replaceRoute(kernelRoute(route));
      return true;
    }
    try {
      netlink.addRoute(kernelRoute(route));
      return true;
    } catch (KernelException e) {
      if (e.errno() == EEXIST) {
        return false;
      }
      throw e;
    }
  }

  private static Route kernelRoute(HostRoute route) {
    Route plain =
        route
            .gateway()
            .map(gw -> Route.via(route.destination(), route.prefix(), gw, route.ifindex()))
            .orElseGet(() -> Route.onLink(route.destination(), route.prefix(), route.ifindex()));
    return route.source().map(plain::withPreferredSource).orElse(plain);
  }

  @Override
  public boolean removeRoute(HostRoute route) {
    return netlink.deleteRoute(kernelRoute(route));
  }

  @Override
  public void addAddress(int ifindex, Ip address, int prefix) {
    netlink.putAddress(Address.of(ifindex, address, prefix));
  }

  @Override
  public boolean removeAddress(int ifindex, Ip address, int prefix) {
    return netlink.deleteAddress(Address.of(ifindex, address, prefix));
  }

  @Override
  public AutoCloseable watch(Runnable changed) {
    Set<Topic> topics = Set.of(Topic.LINKS, Topic.ADDRESSES);
    return netns
        .map(other -> NetlinkEvents.open(other, topics, event -> changed.run()))
        .orElseGet(() -> NetlinkEvents.open(topics, event -> changed.run()));
  }

  @Override
  public void close() {
    netlink.close();
  }
}
