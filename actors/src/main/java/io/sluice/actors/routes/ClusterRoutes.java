// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.config.model.IpPool.VxlanMode;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the resources say of where addresses live, but for this node's own workloads and addresses:
 * pools, other nodes and their workloads. Pure.
 *
 * <p>The programs look an address up by longest prefix and see one entry only, so that each entry
 * bears the flags of the pool around it. How a node's pods are reached depends on this host's
 * addresses, too: see {@link Ways}.
 *
 * @param entries what belongs into the maps of both families, whatever the ways
 * @param pools all pools, the longest prefix first
 * @param ownAddresses this node's addresses, as its Node resource has them, in order
 * @param peers the families in which another node has an address
 * @param remotes where the pods of other nodes are
 * @param sources what pods of other nodes may send from besides their own addresses, by node
 * @param tunnelAddresses what this node's own packets are sent from through a tunnel
 * @param problems what of this cannot be as it is written, a line each
 */
public record ClusterRoutes(
    Map<RouteKey, Route> entries,
    List<Pool> pools,
    List<Ip> ownAddresses,
    Set<Family> peers,
    List<Remote> remotes,
    Set<NodeSourceKey> sources,
    Map<Family, Ip> tunnelAddresses,
    List<String> problems) {
  /** When nothing is known. */
  public static final ClusterRoutes EMPTY =
      new ClusterRoutes(
          Map.of(), List.of(), List.of(), Set.of(), List.of(), Set.of(), Map.of(), List.of());

  /** A pool, when it is encapsulated, and the flags that addresses in it have. */
  public record Pool(String name, Ip address, int prefix, VxlanMode mode, int flags) {
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
    peers = Set.copyOf(peers);
    remotes = List.copyOf(remotes);
    sources = Set.copyOf(sources);
    tunnelAddresses = Map.copyOf(tunnelAddresses);
    problems = List.copyOf(problems);
  }

  /**
   * @param nodeName this node
   * @param anySource whether workloads may ask to send from other addresses than their own
   */
  public static ClusterRoutes of(Snapshot snapshot, String nodeName, boolean anySource) {
    return new ClusterReader(snapshot, nodeName, anySource).read();
  }

  /** The same where they may not. */
  static ClusterRoutes of(Snapshot snapshot, String nodeName) {
    return of(snapshot, nodeName, false);
  }

  /** The flags of the smallest pool that an address or network is in; 0 if it is in none. */
  public int poolFlags(Ip address, int prefix) {
    return smallest(pools, address, prefix).map(Pool::flags).orElse(0);
  }

  /**
   * @param pools the longest prefix first
   */
  static Optional<Pool> smallest(List<Pool> pools, Ip address, int prefix) {
    return pools.stream().filter(pool -> pool.contains(address, prefix)).findFirst();
  }
}
