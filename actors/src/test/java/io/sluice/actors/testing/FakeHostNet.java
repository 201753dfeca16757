// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.actors.host.HostNet;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Mac;
import io.sluice.kernel.net.RootQdisc;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** A network in memory. */
public final class FakeHostNet implements HostNet {
  /** What is there, for tests to change. */
  public final List<Nic> nics = new CopyOnWriteArrayList<>();

  public final List<HostAddress> addresses = new CopyOnWriteArrayList<>();

  /** What has changed, in order. */
  public final List<String> changes = new CopyOnWriteArrayList<>();

  /** Destinations that somebody else has a route to. */
  public final List<Ip> foreign = new CopyOnWriteArrayList<>();

  /** Interfaces with all that the kernel says of them, for tests to change. */
  public final List<Link> links = new CopyOnWriteArrayList<>();

  /** What has changed about them, in order. */
  public final List<String> linkChanges = new CopyOnWriteArrayList<>();

  /** Called back by {@link #hint}. */
  private final List<Runnable> watchers = new CopyOnWriteArrayList<>();

  /** How often all routes were read. */
  public final AtomicInteger routeDumps = new AtomicInteger();

  private final Map<RouteKey, HostRoute> routes = new LinkedHashMap<>();
  private int lastIndex = 100;

  /** Queueing disciplines, for tests to change. */
  public final List<RootQdisc> qdiscs = new CopyOnWriteArrayList<>();

  @Override
  public List<RootQdisc> rootQdiscs() {
    return List.copyOf(qdiscs);
  }

  @Override
  public void putTbf(int ifindex, int handle, long rate, long burst, long limit) {
    qdiscs.removeIf(q -> q.ifindex() == ifindex);
    qdiscs.add(new RootQdisc(ifindex, handle, RootQdisc.TBF, rate, limit));
    linkChanges.add("tbf " + ifindex + " " + rate + " " + burst);
  }

  @Override
  public boolean deleteRootQdisc(int ifindex, int handle) {
    linkChanges.add("no-tbf " + ifindex);
    return qdiscs.removeIf(q -> q.ifindex() == ifindex && q.handle() == handle);
  }

  @Override
  public List<Nic> nics() {
    return List.copyOf(nics);
  }

  @Override
  public List<HostAddress> addresses() {
    return List.copyOf(addresses);
  }

  @Override
  public List<HostAddress> addresses(int ifindex) {
    return addresses.stream().filter(address -> address.ifindex() == ifindex).toList();
  }

  @Override
  public synchronized List<HostRoute> routes() {
    routeDumps.incrementAndGet();
    return new ArrayList<>(routes.values());
  }

  /** As a link that goes down does. */
  public synchronized void loseRoutes(int ifindex) {
    routes.values().removeIf(route -> route.ifindex() == ifindex);
  }

  @Override
  public synchronized boolean addRoute(HostRoute route, boolean replace) {
    if (foreign.contains(route.destination()) && !replace) {
      return false;
    }
    routes.put(key(route), route);
    changes.add("+ " + route);
    return true;
  }

  @Override
  public synchronized boolean removeRoute(HostRoute route) {
    changes.add("- " + route);
    return routes.remove(key(route)) != null;
  }

  @Override
  public void addAddress(int ifindex, Ip address, int prefix) {
    addresses.add(new HostAddress(ifindex, address, prefix, true));
  }

  @Override
  public boolean removeAddress(int ifindex, Ip address, int prefix) {
    return addresses.removeIf(a -> a.ifindex() == ifindex && a.address().equals(address));
  }

  @Override
  public AutoCloseable watch(Runnable changed) {
    watchers.add(changed);
    return () -> watchers.remove(changed);
  }

  /** As the kernel does after a change. */
  public void hint() {
    watchers.forEach(Runnable::run);
  }

  private static RouteKey key(HostRoute route) {
    return new RouteKey(route.prefix(), route.destination());
  }

  @Override
  public List<Link> links() {
    return List.copyOf(links);
  }

  @Override
  public Optional<Link> link(String name) {
    return links.stream().filter(link -> link.name().equals(name)).findFirst();
  }

  /** An interface as the kernel would tell of it. */
  public static Link link(
      int index, String name, String kind, int mtu, int flags, Link.Vxlan vxlan) {
    return new Link(index, name, kind, Mac.ZERO, mtu, flags, 6, 0, -1, 0, "", vxlan);
  }

  @Override
  public Link createVxlan(String name, int port, int mtu) {
    linkChanges.add("create " + name + " " + port + " " + mtu);
    Link link = link(++lastIndex, name, "vxlan", mtu, 0, Link.Vxlan.flowBased(port));
    links.add(link);
    return link;
  }

  @Override
  public boolean deleteLink(int ifindex) {
    linkChanges.add("delete " + ifindex);
    addresses.removeIf(address -> address.ifindex() == ifindex);
    loseRoutes(ifindex);
    return links.removeIf(link -> link.index() == ifindex);
  }

  private void change(int ifindex, String what, UnaryOperator<Link> change) {
    linkChanges.add(what);
    links.replaceAll(link -> link.index() == ifindex ? change.apply(link) : link);
  }

  private static Link with(Link old, int mtu, int flags, String alias) {
    return new Link(
        old.index(),
        old.name(),
        old.kind(),
        old.mac(),
        mtu,
        flags,
        6,
        0,
        -1,
        0,
        alias,
        old.vxlan());
  }

  @Override
  public void setUp(int ifindex, boolean up) {
    change(
        ifindex,
        up ? "up" : "down",
        l -> with(l, l.mtu(), up ? l.flags() | 1 : l.flags() & ~1, l.alias()));
  }

  @Override
  public void setMtu(int ifindex, int mtu) {
    change(ifindex, "mtu " + mtu, l -> with(l, mtu, l.flags(), l.alias()));
  }

  @Override
  public void setArp(int ifindex, boolean arp) {
    int flag = Link.FLAG_NOARP;
    change(
        ifindex,
        arp ? "arp" : "noarp",
        l -> with(l, l.mtu(), arp ? l.flags() & ~flag : l.flags() | flag, l.alias()));
  }

  @Override
  public void setAlias(int ifindex, String alias) {
    change(ifindex, "alias " + alias, l -> with(l, l.mtu(), l.flags(), alias));
  }

  @Override
  public void close() {
    // nothing is open
  }
}
