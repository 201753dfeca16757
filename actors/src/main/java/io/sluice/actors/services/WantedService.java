// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.Weights;
import io.sluice.kernel.layout.FrontendKey;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the maps should say of one service port in one family.
 *
 * @param frontends where it is reached, with FrontendFlags
 * @param cluster the backends that any client may get, sorted; one of some weight several times
 * @param local those that clients get who may get this node's alone, likewise
 * @param keepsLast never without backends once it had some: the API server's own (SVC-6)
 * @param affinitySeconds how long a client keeps its backend without new flows; 0: not at all
 * @param sourceRanges who may use the frontends that have FRONTEND_SOURCE_RANGES
 * @param maglev whether backends are chosen by a table that all nodes share, and with which weights
 */
public record WantedService(
    ServiceName name,
    Map<FrontendKey, Integer> frontends,
    List<Endpoint> cluster,
    List<Endpoint> local,
    boolean keepsLast,
    int affinitySeconds,
    Set<Cidr> sourceRanges,
    Optional<Weights> maglev) {
  public WantedService {
    frontends = Map.copyOf(frontends);
    cluster = List.copyOf(cluster);
    local = List.copyOf(local);
    sourceRanges = Set.copyOf(sourceRanges);
  }

  /**
   * With backends of one weight; those on this node are its local ones. Sorts them, and drops
   * duplicates.
   */
  public static WantedService of(
      ServiceName name,
      Map<FrontendKey, Integer> frontends,
      Collection<Endpoint> backends,
      boolean keepsLast) {
    List<Endpoint> cluster = List.copyOf(new TreeSet<>(backends));
    List<Endpoint> local = cluster.stream().filter(Endpoint::local).toList();
    return new WantedService(
        name, frontends, cluster, local, keepsLast, 0, Set.of(), Optional.empty());
  }

  /** The same with other backends, as they are given. */
  public WantedService with(List<Endpoint> clusterWindow, List<Endpoint> localWindow) {
    return new WantedService(
        name,
        frontends,
        clusterWindow,
        localWindow,
        keepsLast,
        affinitySeconds,
        sourceRanges,
        maglev);
  }

  /** The same, by a Maglev table. */
  public WantedService with(Optional<Weights> table) {
    return new WantedService(
        name, frontends, cluster, local, keepsLast, affinitySeconds, sourceRanges, table);
  }

  /** The same, with clients that keep their backend. */
  public WantedService withAffinity(int seconds) {
    return new WantedService(
        name, frontends, cluster, local, keepsLast, seconds, sourceRanges, maglev);
  }

  /** The same, for some clients alone where a frontend asks for that. */
  public WantedService withSourceRanges(Set<Cidr> ranges) {
    return new WantedService(
        name, frontends, cluster, local, keepsLast, affinitySeconds, ranges, maglev);
  }

  /** The cluster's backends, each once. */
  List<Endpoint> backends() {
    return cluster.stream().distinct().toList();
  }
}
