// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostSettings;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What belongs into routes4 and routes6. Pure. Where two say something about the same prefix, the
 * nearer one counts: local workload, local address, another node, pool; and what an earlier agent
 * left counts last, until it is swept.
 */
final class BpfRoutes {
  private static final int LOCAL_WORKLOAD = RouteFlags.ROUTE_LOCAL | RouteFlags.ROUTE_WORKLOAD;

  private final Map<RouteKey, Route> found = new HashMap<>();
  private final Map<String, Workload> workloads = new HashMap<>();
  private final Set<Ip> hosts = new HashSet<>();
  private ClusterRoutes cluster = ClusterRoutes.EMPTY;
  private Ways ways = Ways.NONE;

  /** Takes what is in the maps for wanted until {@link #sweep}. */
  void adopt(Map<RouteKey, Route> entries) {
    found.putAll(entries);
  }

  void cluster(ClusterRoutes now, Ways nowWays) {
    cluster = now;
    ways = nowWays;
  }

  /** This host's addresses as pods may send to them; and the gateway, for pods do ping it. */
  void localHosts(Collection<HostNet.HostAddress> addresses) {
    hosts.clear();
    for (HostNet.HostAddress address : addresses) {
      if (!address.isLoopback()
          && (!address.isLinkLocal() || address.address().equals(HostSettings.GATEWAY6))) {
        hosts.add(address.address());
      }
    }
  }

  void put(String nic, Workload workload) {
    workloads.put(nic, workload);
    workload.addresses().forEach(address -> found.remove(key(address)));
  }

  /** Forgets a workload, and what was found of its interface. */
  void remove(String nic, int ifindex) {
    workloads.remove(nic);
    found.values().removeIf(route -> isLocalWorkload(route) && route.ifindex() == ifindex);
  }

  /** Forgets what was found, but for entries of workloads that are there to claim them. */
  void sweep(Set<Ip> expected) {
    found
        .entrySet()
        .removeIf(
            entry ->
                !isLocalWorkload(entry.getValue()) || !expected.contains(entry.getKey().addr()));
  }

  private static boolean isLocalWorkload(Route route) {
    return (route.flags() & LOCAL_WORKLOAD) == LOCAL_WORKLOAD;
  }

  /**
   * All entries of one family.
   *
   * @param inForce what programs have been told; while there is no tunnel, entries that would lead
   *     into it stay as they are in here, or away
   */
  Map<RouteKey, Route> wanted(Family family, boolean tunnel, Map<RouteKey, Route> inForce) {
    Map<RouteKey, Route> wanted = new HashMap<>(found);
    wanted.putAll(cluster.entries());
    for (Ways.Path path : ways.paths()) {
      boolean tunneled = path.way() == Ways.Way.TUNNEL;
      path.remote()
          .forEachEntry(
              tunneled ? RouteFlags.ROUTE_TUNNELED : 0,
              (key, route) -> {
                if (!tunneled || tunnel) {
                  wanted.put(key, route);
                } else if (inForce.containsKey(key)) {
                  wanted.put(key, inForce.get(key));
                }
              });
    }
    for (Ip host : hosts) {
      wanted.put(key(host), route(host, RouteFlags.ROUTE_LOCAL, 0));
    }
    for (Workload workload : workloads.values()) {
      for (Ip address : workload.addresses()) {
        wanted.put(key(address), route(address, LOCAL_WORKLOAD, workload.ifindex()));
      }
    }
    wanted.keySet().removeIf(key -> key.addr().family() != family);
    return wanted;
  }

  private static RouteKey key(Ip address) {
    return new RouteKey(address.family().bits(), address);
  }

  private Route route(Ip address, int flags, int ifindex) {
    int pool = cluster.poolFlags(address, address.family().bits());
    return new Route(flags | pool, ifindex, Ip.any(address.family()));
  }
}
