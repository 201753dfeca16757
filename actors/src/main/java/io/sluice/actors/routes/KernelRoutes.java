// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostNet.HostRoute;
import io.sluice.actors.host.HostSettings;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.RouteKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;

/**
 * The kernel's routes of our protocol: those wanted, and those that are there. Blocks.
 *
 * <p>They lead to this node's workloads, and to other nodes' pod networks where those are reached
 * through the tunnel or on a subnet of ours.
 *
 * <p>Besides the workloads' addresses there is one for their IPv4 gateway, 169.254.1.1 on loopback:
 * the kernel answers for an address by proxy ARP only if it has a route to it by another interface,
 * which on a node without default route nothing else provides. Nothing is ever sent there.
 */
final class KernelRoutes {
  private static final int LOOPBACK_INDEX = 1;
  private static final Comparator<RouteKey> ORDER =
      Comparator.comparing(RouteKey::addr).thenComparing(RouteKey::prefixlen);

  private final HostNet net;
  private final Logger log;
  private final Map<String, Workload> workloads = new HashMap<>();

  /** By address, the interfaces of those workloads: while one moves, two may have it. */
  private final Map<Ip, Set<Integer>> places = new HashMap<>();

  private final Map<RouteKey, HostRoute> actual = new HashMap<>();
  private final Map<Family, Ip> sources = new EnumMap<>(Family.class);
  private final Set<RouteKey> foreign = new HashSet<>();
  private final Map<RouteKey, String> failures = new TreeMap<>(ORDER);
  private Map<RouteKey, HostRoute> remotes = Map.of();
  private Set<RouteKey> undecided = Set.of();
  private List<Ip> ownAddresses = List.of();
  private Set<Ip> spared = Set.of();
  private boolean mayRemove;

  KernelRoutes(HostNet net, Logger log) {
    this.net = net;
    this.log = log;
  }

  /** Remembers a workload without touching the kernel. */
  void want(String nic, Workload workload) {
    know(nic, Optional.of(workload));
  }

  /** Returns the workload that was there before. */
  private Optional<Workload> know(String nic, Optional<Workload> workload) {
    Optional<Workload> before =
        Optional.ofNullable(
            workload.isPresent() ? workloads.put(nic, workload.get()) : workloads.remove(nic));
    if (!workload.equals(before)) {
      before.ifPresent(
          gone ->
              gone.addresses()
                  .forEach(
                      ip ->
                          places.computeIfPresent(
                              ip,
                              (address, indexes) -> {
                                indexes.remove(gone.ifindex());
                                return indexes.isEmpty() ? null : indexes;
                              })));
      workload.ifPresent(
          here ->
              here.addresses()
                  .forEach(
                      ip ->
                          places.computeIfAbsent(ip, any -> new HashSet<>()).add(here.ifindex())));
    }
    return before;
  }

  /** Makes a workload reachable. */
  void put(String nic, Workload workload) {
    know(nic, Optional.of(workload)).ifPresent(this::drop);
    if (workload.addresses().stream().anyMatch(ip -> ip.family() == Family.IPV4)) {
      ensure(gateway());
    }
    for (Ip address : workload.addresses()) {
      ensure(route(address, workload.ifindex()));
    }
  }

  /** Removes a workload's routes, and all others of ours to the same interface. */
  void remove(String nic, int ifindex) {
    know(nic, Optional.empty()).ifPresent(this::drop);
    for (HostRoute route : List.copyOf(actual.values())) {
      if (route.ifindex() == ifindex && !isWanted(route)) {
        delete(route);
      }
    }
  }

  private void drop(Workload workload) {
    for (Ip address : workload.addresses()) {
      HostRoute route = actual.get(new RouteKey(address.family().bits(), address));
      if (route != null && !isWanted(route)) {
        delete(route);
      }
    }
  }

  private static RouteKey key(HostRoute route) {
    return new RouteKey(route.prefix(), route.destination());
  }

  private boolean isWanted(HostRoute route) {
    return route.destination().equals(HostSettings.GATEWAY4)
        || remotes.containsKey(key(route))
        || undecided.contains(key(route))
        || places.getOrDefault(route.destination(), Set.of()).contains(route.ifindex());
  }

  private void delete(HostRoute route) {
    net.removeRoute(route);
    actual.remove(key(route));
  }

  private HostRoute route(Ip address, int ifindex) {
    return new HostRoute(
        address,
        address.family().bits(),
        ifindex,
        Optional.ofNullable(sources.get(address.family())));
  }

  private static HostRoute gateway() {
    return new HostRoute(HostSettings.GATEWAY4, 32, LOOPBACK_INDEX, Optional.empty());
  }

  private void ensure(HostRoute want) {
    HostRoute have = actual.get(key(want));
    if (want.equals(have)) {
      return;
    }
    if (net.addRoute(want, have != null)) {
      actual.put(key(want), want);
      foreign.remove(key(want));
    } else if (foreign.add(key(want))) {
      log.warn(
          "route to {}: somebody else has one, which stays; remove it, or the host cannot reach"
              + " the workload if it leads elsewhere",
          text(key(want)));
    }
  }

  private static String text(RouteKey key) {
    return key.prefixlen() == key.addr().family().bits()
        ? key.addr().toString()
        : key.addr() + "/" + key.prefixlen();
  }

  /**
   * Other nodes' pod networks.
   *
   * @param wanted routes to have; those without a source get this node's address
   * @param spared networks whose routes, if they have any, stay as they are for now
   */
  void remotes(Map<RouteKey, HostRoute> wanted, Set<RouteKey> spared) {
    remotes = Map.copyOf(wanted);
    undecided = Set.copyOf(spared);
    ensureRemotes();
  }

  private void ensureRemotes() {
    failures.clear();
    foreign.removeIf(
        key -> !remotes.containsKey(key) && key.prefixlen() < key.addr().family().bits());
    remotes.forEach(
        (key, route) -> {
          try {
            ensure(route.source().isPresent() ? route : withSource(route));
          } catch (RuntimeException e) {
            // As when an interface goes at this moment: the next look repairs it.
            failures.put(key, e.getMessage());
          }
        });
    if (mayRemove) {
      sweepRoutes();
    }
  }

  private HostRoute withSource(HostRoute route) {
    return new HostRoute(
        route.destination(),
        route.prefix(),
        route.ifindex(),
        route.gateway(),
        Optional.ofNullable(sources.get(route.destination().family())));
  }

  /** What keeps other nodes' pods from being reached, a line each. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    foreign.stream()
        .filter(remotes::containsKey)
        .sorted(ORDER)
        .map(key -> "route to " + text(key) + ": somebody else has one, which stays")
        .forEach(problems::add);
    failures.forEach((key, why) -> problems.add("route to " + text(key) + ": " + why));
    return problems;
  }

  /**
   * This node's addresses by its Node resource: the first that the host has is what it sends from.
   */
  void sources(List<Ip> addresses) {
    ownAddresses = List.copyOf(addresses);
    refresh();
  }

  /** Keeps from removal only what is wanted, or is expected to be soon. */
  void sweep(Set<Ip> expected) {
    spared = Set.copyOf(expected);
    mayRemove = true;
    refresh();
  }

  /** Reads the kernel anew, and repairs what differs; a route that fails does not stop another. */
  void refresh() {
    actual.clear();
    net.routes().forEach(route -> actual.put(key(route), route));
    Map<Family, Ip> now = new EnumMap<>(Family.class);
    Set<Ip> present = new HashSet<>();
    net.addresses().stream()
        .filter(HostNet.HostAddress::usable)
        .forEach(a -> present.add(a.address()));
    ownAddresses.stream()
        .filter(present::contains)
        .forEach(address -> now.putIfAbsent(address.family(), address));
    sources.clear();
    sources.putAll(now);
    workloads.forEach(
        (nic, workload) -> {
          try {
            put(nic, workload);
          } catch (RuntimeException e) {
            log.debug("interface {}: {}", nic, e.getMessage());
          }
        });
    ensureRemotes();
  }

  private void sweepRoutes() {
    boolean gatewayNeeded = !workloads.isEmpty() || !spared.isEmpty();
    for (HostRoute route : List.copyOf(actual.values())) {
      boolean keep =
          route.destination().equals(HostSettings.GATEWAY4)
              ? gatewayNeeded
              : isWanted(route)
                  || spared.contains(route.destination())
                      && !places.containsKey(route.destination());
      if (!keep) {
        delete(route);
      }
    }
  }
}
