// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.actors.host.HostNet.HostAddress;
import io.sluice.config.model.IpPool.VxlanMode;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.RouteKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * How packets get to the pods of other nodes, given the addresses that this host has now. Pure.
 *
 * @param paths one for each network, in their order
 * @param own this node's own address of each family: the first of its Node resource that this host
 *     has
 * @param underlay the interfaces that bear those, by index
 * @param problems what keeps pods from being reached, a line each
 */
public record Ways(
    List<Path> paths, Map<Family, Ip> own, Set<Integer> underlay, List<String> problems) {
  /** Nowhere to go. */
  public static final Ways NONE = new Ways(List.of(), Map.of(), Set.of(), List.of());

  /** A way that packets take. */
  public enum Way {
    /** Encapsulated, whatever lies between. */
    TUNNEL,
    /** To the node itself, which is on a subnet of ours. */
    DIRECT,
    /** As the routes of the underlay say, which somebody else has to see to. */
    UNDERLAY,
    /** Not at all: it is to be encapsulated, and nobody knows to where. */
    NOWHERE
  }

  /**
   * @param ifindex the interface of a direct way; else 0
   */
  public record Path(Remote remote, Way way, int ifindex) {}

  public Ways {
    paths = List.copyOf(paths);
    own = Map.copyOf(own);
    underlay = Set.copyOf(underlay);
    problems = List.copyOf(problems);
  }

  /**
   * @param addresses of this host
   */
  public static Ways of(ClusterRoutes cluster, Collection<HostAddress> addresses) {
    Map<Family, HostAddress> own = own(cluster.ownAddresses(), addresses);
    List<Path> paths = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (Remote remote : cluster.remotes()) {
      Path path = path(remote, own.get(remote.family()));
      paths.add(path);
      if (path.way() == Way.NOWHERE) {
        problems.add(
            "%s: the node has no %s address (Node, status.addresses): its pods cannot be reached by VXLAN"
                .formatted(remote, name(remote.family())));
      }
    }
    for (Family family : Family.values()) {
      boolean tunnel =
          paths.stream().anyMatch(p -> p.way() == Way.TUNNEL && p.remote().family() == family);
      if (tunnel && !own.containsKey(family)) {
        problems.add(
            "this host has no %s address of its Node resource: other nodes refuse what comes from here by VXLAN"
                .formatted(name(family)));
      }
    }
    Set<Integer> underlay =
        own.values().stream().map(HostAddress::ifindex).collect(Collectors.toSet());
    Map<Family, Ip> addressesOfOurs = new EnumMap<>(Family.class);
    own.forEach((family, address) -> addressesOfOurs.put(family, address.address()));
    return new Ways(paths, addressesOfOurs, underlay, problems);
  }

  private static String name(Family family) {
    return family == Family.IPV4 ? "IPv4" : "IPv6";
  }

  /** The first of the node's addresses that the host has, with its subnet. */
  private static Map<Family, HostAddress> own(List<Ip> wanted, Collection<HostAddress> present) {
    Map<Family, HostAddress> own = new EnumMap<>(Family.class);
    for (Ip address : wanted) {
      present.stream()
          .filter(a -> a.usable() && a.address().equals(address))
          .findFirst()
          .ifPresent(a -> own.putIfAbsent(address.family(), a));
    }
    return own;
  }

  private static Path path(Remote remote, HostAddress own) {
    if (remote.nextHop().isEmpty()) {
      return new Path(remote, remote.mode() == VxlanMode.NEVER ? Way.UNDERLAY : Way.NOWHERE, 0);
    }
    boolean near = own != null && isNear(own, remote.nextHop().get());
    return switch (remote.mode()) {
      case ALWAYS -> new Path(remote, Way.TUNNEL, 0);
      case CROSS_SUBNET -> near ? direct(remote, own) : new Path(remote, Way.TUNNEL, 0);
      case NEVER -> near ? direct(remote, own) : new Path(remote, Way.UNDERLAY, 0);
    };
  }

  private static Path direct(Remote remote, HostAddress own) {
    return new Path(remote, Way.DIRECT, own.ifindex());
  }

  private static boolean isNear(HostAddress own, Ip other) {
    return own.prefix() < own.address().family().bits()
        && own.address().masked(own.prefix()).equals(other.masked(own.prefix()));
  }

  /** What of them takes a tunnel; and where there is another node, a tunnel is needed anyway. */
  TunnelNeed need(ClusterRoutes cluster) {
    Set<Family> overlay = EnumSet.noneOf(Family.class);
    paths.stream()
        .filter(path -> path.way() == Way.TUNNEL)
        .forEach(path -> overlay.add(path.remote().family()));
    Set<Family> families = EnumSet.noneOf(Family.class);
    families.addAll(cluster.peers());
    families.addAll(overlay);
    Map<Family, Ip> addresses = new HashMap<>(cluster.tunnelAddresses());
    addresses.keySet().retainAll(overlay);
    return families.isEmpty()
        ? TunnelNeed.NONE
        : new TunnelNeed(families, overlay, addresses, underlay);
  }

  /** Nodes by the way to them; one that has several is in each. */
  Map<Way, Integer> nodes() {
    Map<Way, Set<String>> names = new TreeMap<>();
    paths.forEach(
        path -> names.computeIfAbsent(path.way(), w -> new TreeSet<>()).add(path.remote().node()));
    return names.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().size()));
  }

  /** The networks that take a way. */
  Set<RouteKey> nets(Way way) {
    return paths.stream()
        .filter(path -> path.way() == way)
        .map(path -> path.remote().net())
        .collect(Collectors.toSet());
  }
}
