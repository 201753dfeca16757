// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.actors.host.Addresses;
import io.sluice.actors.routes.ClusterRoutes.Pool;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpPool;
import io.sluice.config.model.IpPool.VxlanMode;
import io.sluice.config.model.Node;
import io.sluice.config.model.Pod;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads {@link ClusterRoutes} off a view of the source, once. */
final class ClusterReader {
  private final Snapshot snapshot;
  private final boolean anySource;
  private final List<Pool> pools;
  private final List<Node> own = new ArrayList<>();
  private final Map<String, Node> others = new LinkedHashMap<>();
  private final Map<RouteKey, Route> entries = new HashMap<>();
  private final Map<RouteKey, Remote> remotes = new LinkedHashMap<>();
  private final Set<Ip> podAddresses = new HashSet<>();
  private final Set<NodeSourceKey> sources = new HashSet<>();
  private final Map<Ip, String> hosts = new HashMap<>();
  private final Set<Family> peers = EnumSet.noneOf(Family.class);
  private final List<String> problems = new ArrayList<>();

  ClusterReader(Snapshot snapshot, String nodeName, boolean anySource) {
    this.snapshot = snapshot;
    this.anySource = anySource;
    // A pool that is disabled gives no new addresses, but those that it gave are there.
    this.pools =
        snapshot.all(IpPool.class).stream()
            .map(ClusterReader::pool)
            .sorted(Comparator.comparingInt(Pool::prefix).reversed().thenComparing(Pool::name))
            .toList();
    // What two nodes claim is the older one's.
    snapshot.all(Node.class).stream()
        .sorted(
            Comparator.comparing((Node n) -> n.meta().creationTimestamp().orElse(Instant.MAX))
                .thenComparing(n -> n.meta().name()))
        .forEach(
            node -> {
              if (node.meta().name().equals(nodeName)) {
                own.add(node);
              } else {
                others.put(node.meta().name(), node);
              }
            });
  }

  private static Pool pool(IpPool pool) {
    int flags = RouteFlags.ROUTE_IN_POOL | (pool.natOutgoing() ? RouteFlags.ROUTE_NAT_OUTGOING : 0);
    return new Pool(
        pool.meta().name(),
        Addresses.ip(pool.cidr().address()),
        pool.cidr().prefix(),
        pool.vxlanMode(),
        flags);
  }

  ClusterRoutes read() {
    pools.forEach(
        pool ->
            entries.putIfAbsent(key(pool), route(pool.flags(), Ip.any(pool.address().family()))));
    others.values().forEach(this::podNetworks);
    workloads();
    others.values().forEach(this::hosts);
    List<Ip> addresses = new ArrayList<>();
    own.forEach(node -> node.addresses().forEach(a -> addresses.add(Addresses.ip(a.address()))));
    return new ClusterRoutes(
        entries,
        pools,
        addresses,
        peers,
        List.copyOf(remotes.values()),
        sources,
        tunnelAddresses(),
        problems);
  }

  private static RouteKey key(Pool pool) {
    return new RouteKey(pool.prefix(), pool.address());
  }

  private static Route route(int flags, Ip nextHop) {
    return new Route(flags, 0, nextHop);
  }

  /**
   * Another node itself, by each of its addresses; through a tunnel it is reached, and must come,
   * by the one that its pods are reached by. What two nodes claim is the older one's.
   */
  private void hosts(Node node) {
    for (Node.NodeAddress address : node.addresses()) {
      Ip ip = Addresses.ip(address.address());
      peers.add(ip.family());
      String owner = hosts.putIfAbsent(ip, node.meta().name());
      if (owner == null) {
        int flags =
            ClusterRoutes.smallest(pools, ip, ip.family().bits()).map(Pool::flags).orElse(0);
        Ip hop = nextHop(node, ip.family()).orElse(ip);
        entries.put(new RouteKey(ip.family().bits(), ip), route(flags, hop));
      } else if (!owner.equals(node.meta().name())) {
        problems.add(
            "address %s of %s is that of %s, which is older"
                .formatted(ip, node.meta().name(), owner));
      }
    }
    if (node.addresses().isEmpty()) {
      problems.add(
          "%s has no address (Node, status.addresses): traffic from outside is not forwarded to its pods"
              .formatted(node.meta().name()));
    }
  }

  private void podNetworks(Node node) {
    for (Cidr cidr : node.podCidrs()) {
      RouteKey net = new RouteKey(cidr.prefix(), Addresses.ip(cidr.address()));
      Remote holder = remotes.get(net);
      if (own.stream().anyMatch(us -> us.podCidrs().contains(cidr))) {
        problems.add("pod network %s of %s is this node's own".formatted(cidr, node.meta().name()));
      } else if (holder != null) {
        problems.add(
            "pod network %s of %s is that of %s, which is older"
                .formatted(cidr, node.meta().name(), holder.node()));
      } else {
        remotes.put(net, remote(node, net));
      }
    }
  }

  private Remote remote(Node node, RouteKey net) {
    Ip address = net.addr();
    Optional<Pool> around = ClusterRoutes.smallest(pools, address, net.prefixlen());
    VxlanMode mode = around.map(Pool::mode).orElse(VxlanMode.NEVER);
    Map<RouteKey, Integer> flags = new HashMap<>();
    flags.put(net, RouteFlags.ROUTE_WORKLOAD | around.map(Pool::flags).orElse(0));
    for (Pool pool : pools) {
      if (pool.prefix() > net.prefixlen()
          && pool.address().family() == address.family()
          && pool.address().masked(net.prefixlen()).equals(address)) {
        flags.put(key(pool), RouteFlags.ROUTE_WORKLOAD | pool.flags());
        if (pool.mode() != mode) {
          problems.add(
              "pool %s lies within the pod network %s/%d of %s, which it does not cover: its vxlanMode %s does not count there"
                  .formatted(
                      pool.name(), address, net.prefixlen(), node.meta().name(), pool.mode()));
        }
      }
    }
    return new Remote(net, node.meta().name(), nextHop(node, address.family()), mode, flags);
  }

  private static Optional<Ip> nextHop(Node node, Family family) {
    return node.addresses().stream()
        .sorted(Comparator.comparing(Node.NodeAddress::type))
        .map(a -> Addresses.ip(a.address()))
        .filter(ip -> ip.family() == family)
        .findFirst();
  }

  /**
   * All workloads' addresses; those of other nodes outside of their node's pod networks. What they
   * may send from is said by their WorkloadEndpoint alone, if they have one.
   */
  private void workloads() {
    Set<String> podsOfEndpoints = new HashSet<>();
    for (WorkloadEndpoint endpoint : snapshot.all(WorkloadEndpoint.class)) {
      podsOfEndpoints.add(endpoint.meta().namespace() + "/" + endpoint.pod());
      endpoint.ipNetworks().forEach(net -> workload(endpoint.node(), net.address()));
      sources(endpoint.node(), endpoint.allowedSources());
    }
    for (Pod pod : snapshot.all(Pod.class)) {
      if (!pod.hostNetwork() && !pod.finished()) {
        pod.podIps().forEach(ip -> workload(pod.nodeName(), ip));
        if (!pod.podIps().isEmpty() && !podsOfEndpoints.contains(pod.key().path())) {
          sources(pod.nodeName(), pod.allowedSources());
        }
      }
    }
  }

  /** A node's packets come from the address that its pods are reached by. */
  private void sources(String nodeName, List<Cidr> allowed) {
    Node node = others.get(nodeName);
    if (!anySource || node == null) {
      return;
    }
    for (Cidr cidr : allowed) {
      Ip network = Addresses.ip(cidr.address());
      int bits = network.family().bits() + cidr.prefix();
      nextHop(node, network.family())
          .ifPresent(hop -> sources.add(new NodeSourceKey(bits, hop, network)));
    }
  }

  private void workload(String nodeName, IpAddress address) {
    Ip ip = Addresses.ip(address);
    podAddresses.add(ip);
    Node node = others.get(nodeName);
    if (node != null && node.podCidrs().stream().noneMatch(cidr -> cidr.contains(address))) {
      RouteKey net = new RouteKey(ip.family().bits(), ip);
      remotes.putIfAbsent(net, remote(node, net));
    }
  }

  /** The first address of this node's first pod network of a family, which IPAMs hand to nobody. */
  private Map<Family, Ip> tunnelAddresses() {
    Map<Family, Ip> addresses = new EnumMap<>(Family.class);
    own.stream()
        .flatMap(node -> node.podCidrs().stream())
        .map(cidr -> Addresses.ip(cidr.address()))
        .forEach(ip -> addresses.putIfAbsent(ip.family(), ip));
    addresses.values().removeIf(podAddresses::contains);
    return addresses;
  }
}
