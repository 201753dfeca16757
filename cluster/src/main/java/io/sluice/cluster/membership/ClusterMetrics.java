// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.actor.ActorRef;
import akka.actor.ActorSystem;
import akka.actor.typed.javadsl.Adapter;
import akka.cluster.sharding.ClusterSharding;
import akka.cluster.sharding.ShardRegion;
import akka.cluster.sharding.ShardRegion.CurrentShardRegionState;
import akka.pattern.Patterns;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;

/**
 * The cluster, as this node sees it, and what has its home here. A node tells of its own shards
 * alone: all nodes' metrics together are the whole, and no node has to ask the others.
 */
public final class ClusterMetrics implements MultiCollector {
  private static final Duration ANSWER = Duration.ofSeconds(2);
  private static final List<String> STATUSES =
      List.of("Joining", "WeaklyUp", "Up", "Leaving", "Exiting", "Down");

  private final ClusterNode node;

  public ClusterMetrics(ClusterNode node) {
    this.node = node;
  }

  @Override
  public MetricSnapshots collect() {
    MembershipView view = node.view();
    List<MetricSnapshot> all = new ArrayList<>();
    Map<String, Integer> members = new TreeMap<>();
    STATUSES.forEach(status -> members.put(status, 0));
    view.members().forEach(member -> members.merge(member.status(), 1, Integer::sum));
    all.add(gauge("sluice_cluster_members", "Members of the cluster by status", "status", members));
    all.add(
        gauge(
            "sluice_cluster_members_unreachable",
            "Members that this node does not hear of",
            view.members().stream().filter(member -> !member.reachable()).count()));
    all.add(
        gauge(
            "sluice_cluster_decides",
            "Whether this side of the cluster may decide",
            view.decides() ? 1 : 0));
    all.add(gauge("sluice_cluster_quorum", "The fewest members that may decide", view.quorum()));
    all.add(
        CounterSnapshot.builder()
            .name("sluice_cluster_restarts")
            .help("How often this node was cut off, and looked for the others anew")
            .dataPoint(CounterDataPointSnapshot.builder().value(node.restarts()).build())
            .build());
    node.system().ifPresent(system -> shards(Adapter.toClassic(system), all));
    return new MetricSnapshots(all);
  }

  private static void shards(ActorSystem system, List<MetricSnapshot> all) {
    ClusterSharding sharding = ClusterSharding.get(system);
    Map<String, Integer> shards = new TreeMap<>();
    Map<String, Integer> entities = new TreeMap<>();
    for (String type : sharding.getShardTypeNames()) {
      try {
        CurrentShardRegionState state = ask(sharding.shardRegion(type));
        shards.put(type, state.getShards().size());
        entities.put(type, state.getShards().stream().mapToInt(s -> s.getEntityIds().size()).sum());
      } catch (CompletionException e) {
        // It is on its way to another home; the next scrape tells.
      }
    }
    all.add(gauge("sluice_cluster_shards", "Shards that have their home here", "type", shards));
    all.add(
        gauge(
            "sluice_cluster_entities",
            "Shared entities that have their home here",
            "type",
            entities));
  }

  private static CurrentShardRegionState ask(ActorRef region) {
    return (CurrentShardRegionState)
        Patterns.ask(region, ShardRegion.getShardRegionStateInstance(), ANSWER)
            .toCompletableFuture()
            .join();
  }

  private static GaugeSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
        .build();
  }

  private static GaugeSnapshot gauge(
      String name, String help, String label, Map<String, Integer> values) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    values.forEach(
        (key, value) ->
            gauge.dataPoint(
                GaugeDataPointSnapshot.builder()
                    .labels(Labels.of(label, key))
                    .value(value)
                    .build()));
    return gauge.build();
  }
}
