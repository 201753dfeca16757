// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.actors.host.HostNet;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** A network in memory. */
public final class FakeHostNet implements HostNet {
  /** What is there, for tests to change. */
  public final List<Nic> nics = new CopyOnWriteArrayList<>();

  public final List<HostAddress> addresses = new CopyOnWriteArrayList<>();

  /** What has changed, in order. */
  public final List<String> changes = new CopyOnWriteArrayList<>();

  /** Destinations that somebody else has a route to. */
  public final List<Ip> foreign = new CopyOnWriteArrayList<>();

  private final Map<Ip, HostRoute> routes = new LinkedHashMap<>();

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
    routes.put(route.destination(), route);
    changes.add("+ " + route);
    return true;
  }

  @Override
  public synchronized boolean removeRoute(HostRoute route) {
    changes.add("- " + route);
    return routes.remove(route.destination()) != null;
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
    return () -> {};
  }

  @Override
  public void close() {
    // nothing is open
  }
}
