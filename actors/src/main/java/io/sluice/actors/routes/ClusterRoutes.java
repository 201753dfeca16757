// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.actors.host.Addresses;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpPool;
import io.sluice.config.model.Node;
import io.sluice.config.model.Pod;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the resources say of where addresses live, but for this node's own workloads and addresses:
 * pools, other nodes and their workloads. Pure.
 *
 * <p>The programs look an address up by longest prefix and see one entry only, so that each entry
 * bears the flags of the pool around it.
 *
 * @param entries what belongs into the maps of both families
 * @param pools all pools, the longest prefix first
 * @param ownAddresses this node's addresses, as its Node resource has them, in order
 */
public record ClusterRoutes(Map<RouteKey, Route> entries, List<Pool> pools, List<Ip> ownAddresses) {
  /** When nothing is known. */
  public static final ClusterRoutes EMPTY = new ClusterRoutes(Map.of(), List.of(), List.of());

  /** A pool, and the flags that addresses in it have. */
  public record Pool(Ip address, int prefix, int flags) {
    boolean contains(Ip other, int otherPrefix) {
      return other.family() == address.family()
          && otherPrefix >= prefix
          && other.masked(prefix).equals(address);
    }
  }

  public ClusterRoutes {
    entries = Map.copyOf(entries);
    pools = List.copyOf(pools);
    ownAddresses = List.copyOf(ownAddresses);
  }

  /**
   * @param nodeName this node
   */
  public static ClusterRoutes of(Snapshot snapshot, String nodeName) {
    List<Pool> pools =
        snapshot.all(IpPool.class).stream()
            .map(ClusterRoutes::pool)
            .sorted(Comparator.comparingInt(Pool::prefix).reversed())
            .toList();
    Builder builder = new Builder(pools);
    for (Pool pool : pools) {
      builder.put(pool.address(), pool.prefix(), 0, Optional.empty());
    }
    Map<String, Node> remote = new HashMap<>();
    List<Ip> own = new ArrayList<>();
    for (Node node : snapshot.all(Node.class)) {
      if (node.meta().name().equals(nodeName)) {
        node.addresses().forEach(a -> own.add(Addresses.ip(a.address())));
      } else {
        remote.put(node.meta().name(), node);
      }
    }
    remote.values().forEach(node -> podCidrs(builder, node));
    strayPods(builder, snapshot, remote);
    remote.values().stream()
        .flatMap(node -> node.addresses().stream())
        .map(a -> Addresses.ip(a.address()))
        .forEach(ip -> builder.put(ip, ip.family().bits(), 0, Optional.empty()));
    return new ClusterRoutes(builder.entries, pools, own);
  }

  private static Pool pool(IpPool pool) {
    int flags = RouteFlags.ROUTE_IN_POOL | (pool.natOutgoing() ? RouteFlags.ROUTE_NAT_OUTGOING : 0);
    return new Pool(Addresses.ip(pool.cidr().address()), pool.cidr().prefix(), flags);
  }

  private static void podCidrs(Builder builder, Node node) {
    for (Cidr cidr : node.podCidrs()) {
      Ip address = Addresses.ip(cidr.address());
      builder.put(
          address, cidr.prefix(), RouteFlags.ROUTE_WORKLOAD, nextHop(node, address.family()));
    }
  }

  /** Workloads of other nodes whose addresses are not of their node's pod networks. */
  private static void strayPods(Builder builder, Snapshot snapshot, Map<String, Node> remote) {
    for (WorkloadEndpoint endpoint : snapshot.all(WorkloadEndpoint.class)) {
      endpoint
          .ipNetworks()
          .forEach(net -> stray(builder, remote.get(endpoint.node()), net.address()));
    }
    for (Pod pod : snapshot.all(Pod.class)) {
      if (!pod.hostNetwork() && !pod.finished()) {
        pod.podIps().forEach(ip -> stray(builder, remote.get(pod.nodeName()), ip));
      }
    }
  }

  private static void stray(Builder builder, Node node, IpAddress address) {
    if (node != null && node.podCidrs().stream().noneMatch(cidr -> cidr.contains(address))) {
      Ip ip = Addresses.ip(address);
      builder.put(ip, ip.family().bits(), RouteFlags.ROUTE_WORKLOAD, nextHop(node, ip.family()));
    }
  }

  private static Optional<Ip> nextHop(Node node, Family family) {
    return node.addresses().stream()
        .sorted(Comparator.comparing(Node.NodeAddress::type))
        .map(a -> Addresses.ip(a.address()))
        .filter(ip -> ip.family() == family)
        .findFirst();
  }

  /** The flags of the smallest pool that an address or network is in; 0 if it is in none. */
  public int poolFlags(Ip address, int prefix) {
    return poolFlags(pools, address, prefix);
  }

  private static int poolFlags(List<Pool> pools, Ip address, int prefix) {
    for (Pool pool : pools) {
      if (pool.contains(address, prefix)) {
        return pool.flags();
      }
    }
    return 0;
  }

  private static final class Builder {
    private final List<Pool> pools;
    private final Map<RouteKey, Route> entries = new HashMap<>();

    Builder(List<Pool> pools) {
      this.pools = pools;
    }

    void put(Ip address, int prefix, int flags, Optional<Ip> nextHop) {
      entries.put(
          new RouteKey(prefix, address),
          new Route(
              flags | poolFlags(pools, address, prefix),
              0,
              nextHop.orElse(Ip.any(address.family()))));
    }
  }
}
