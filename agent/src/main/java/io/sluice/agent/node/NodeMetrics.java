// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import static io.sluice.agent.node.Samples.counter;
import static io.sluice.agent.node.Samples.gauge;
import static io.sluice.agent.node.Samples.gaugePoint;
import static io.sluice.agent.node.Samples.point;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.sluice.actors.NodeGuardian;
import io.sluice.actors.NodeStatus;
import io.sluice.actors.affinity.AffinityKeeper;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.function.ToDoubleFunction;

/**
 * Everything that {@code /metrics} shows, read when it is asked for: the dataplane's own counters
 * from the kernel, the rest from the actors. Blocks for as long as both take to answer.
 */
final class NodeMetrics implements MultiCollector {
  private static final Duration ANSWER = Duration.ofSeconds(8);

  private final ActorSystem<NodeGuardian.Command> system;
  private final Dataplane dataplane;

  NodeMetrics(ActorSystem<NodeGuardian.Command> system, Dataplane dataplane) {
    this.system = system;
    this.dataplane = dataplane;
  }

  void register(PrometheusRegistry registry) {
    registry.register(this);
  }

  @Override
  public MetricSnapshots collect() {
    List<MetricSnapshot> all = new ArrayList<>();
    packets(all);
    jvm(all);
    restarts(all);
    try {
      NodeStatus status =
          AskPattern.<NodeGuardian.Command, NodeStatus>ask(
                  system, NodeGuardian.GetStatus::new, ANSWER, system.scheduler())
              .toCompletableFuture()
              .join();
      node(status, all);
      status.conntrack().ifPresent(stats -> conntrack(stats, all));
      status.affinity().ifPresent(stats -> affinity(stats, all));
      status.policy().ifPresent(policy -> PolicyMetrics.policy(policy, all));
      maps(status.maps(), all);
      status.tables().ifPresent(tables -> tables(tables.drops(), all));
      status.maglev().ifPresent(maglev -> SharedMetrics.maglev(maglev, all));
      status.dsrOptOut().ifPresent(optOuts -> SharedMetrics.dsrOptOut(optOuts, all));
    } catch (CompletionException e) {
      all.add(gauge("sluice_up", "Whether the agent's actors answer", 0));
    }
    return new MetricSnapshots(all);
  }

  private void packets(List<MetricSnapshot> all) {
    var packets =
        CounterSnapshot.builder()
            .name("sluice_packets")
            .help("Packets by hook and by what became of them");
    var bytes =
        CounterSnapshot.builder()
            .name("sluice_bytes")
            .help("Bytes by hook and by what became of their packets");
    for (Dataplane.CounterRow row : dataplane.counters()) {
      Labels labels =
          Labels.of("hook", SluiceHook.name(row.hook()), "reason", SluiceReason.name(row.reason()));
      packets.dataPoint(point(labels, row.value().packets()));
      bytes.dataPoint(point(labels, row.value().bytes()));
    }
    all.add(packets.build());
    all.add(bytes.build());
  }

  private void restarts(List<MetricSnapshot> all) {
    var restarts =
        CounterSnapshot.builder()
            .name("sluice_actor_restarts")
            .help("Restarts of actors after a failure, by what they keep");
    Restarts.of(system)
        .counts()
        .forEach((actor, n) -> restarts.dataPoint(point(Labels.of("actor", actor), n)));
    all.add(restarts.build());
  }

  private static void node(NodeStatus status, List<MetricSnapshot> all) {
    all.add(gauge("sluice_up", "Whether the agent's actors answer", 1));
    all.add(gauge("sluice_ready", "Whether the node is ready", status.unready().isEmpty() ? 1 : 0));
    all.add(gauge("sluice_problems", "Problems that status shows", status.problems().size()));
    all.add(
        gauge(
            "sluice_source_in_sync",
            "Whether the source has been read whole",
            status.snapshot().inSync() ? 1 : 0));
    all.add(
        gauge(
            "sluice_source_change_timestamp_seconds",
            "When the source's latest view came, in seconds since 1970",
            status.changed().toEpochMilli() / 1e3));
    all.add(
        gauge(
            "sluice_source_version",
            "Views that the source has delivered since the start",
            status.snapshot().version()));
    all.add(gauge("sluice_resources", "Resources in force", status.snapshot().resources().size()));
    status
        .services()
        .ifPresent(
            services -> {
              all.add(
                  gauge(
                      "sluice_service_ports",
                      "Service ports in the kernel, each family's by itself",
                      services.services()));
              all.add(
                  gauge(
                      "sluice_service_sync_seconds",
                      "How long the last round of service changes took",
                      services.lastRound().toNanos() / 1e9));
              all.add(
                  counter("sluice_service_syncs", "Rounds of service changes", services.rounds()));
            });
    status
        .interfaces()
        .ifPresent(
            interfaces -> {
              Map<String, Integer> states = new TreeMap<>();
              interfaces
                  .interfaces()
                  .forEach(nic -> states.merge(nic.state().name(), 1, Integer::sum));
              var gauge =
                  GaugeSnapshot.builder()
                      .name("sluice_interfaces")
                      .help("Interfaces of workloads and host endpoints by state");
              states.forEach(
                  (state, n) -> gauge.dataPoint(gaugePoint(Labels.of("state", state), n)));
              all.add(gauge.build());
            });
  }

  private static void conntrack(ConntrackKeeper.Stats stats, List<MetricSnapshot> all) {
    all.add(
        families(stats, "sluice_conntrack_entries", "Entries at the last scan", t -> t.entries()));
    all.add(families(stats, "sluice_conntrack_max_entries", "The most entries", t -> t.capacity()));
    all.add(
        familyCounters(
            stats, "sluice_conntrack_deleted", "Entries expired, twins too", t -> t.deleted()));
    all.add(
        familyCounters(
            stats,
            "sluice_conntrack_evicted",
            "Estimate of live entries that the kernel evicted for want of room",
            t -> t.evicted()));
    all.add(counter("sluice_conntrack_scans", "Scans of both tables", stats.scans()));
    all.add(
        counter(
            "sluice_conntrack_denied",
            "Flows that a change of policy has ended (policyEstablishedFlows: End)",
            stats.denied()));
    all.add(
        counter(
            "sluice_conntrack_handed_over",
            "Entries ended because an address of theirs has another owner, or none",
            stats.handedOver()));
    all.add(
        gauge(
            "sluice_conntrack_scan_seconds",
            "How long the last scan took",
            stats.scanMillis() / 1e3));
  }

  private static void affinity(AffinityKeeper.Stats stats, List<MetricSnapshot> all) {
    var entries =
        GaugeSnapshot.builder()
            .name("sluice_affinity_entries")
            .help("Clients with a backend of their own, at the last scan");
    var deleted =
        CounterSnapshot.builder()
            .name("sluice_affinity_deleted")
            .help("Elements deleted, by what is no more: their service, their backend, their time");
    stats
        .families()
        .forEach(
            (family, table) -> {
              String number = String.valueOf(family.number());
              entries.dataPoint(gaugePoint(Labels.of("family", number), table.entries()));
              Map.of(
                      "service", table.ofServices(),
                      "backend", table.ofBackends(),
                      "age", table.old())
                  .forEach(
                      (cause, n) ->
                          deleted.dataPoint(point(Labels.of("family", number, "cause", cause), n)));
            });
    all.add(entries.build());
    all.add(deleted.build());
  }

  private static GaugeSnapshot families(
      ConntrackKeeper.Stats stats,
      String name,
      String help,
      ToDoubleFunction<ConntrackKeeper.Stats.Table> value) {
    var gauge = GaugeSnapshot.builder().name(name).help(help);
    stats
        .families()
        .forEach(
            (family, table) ->
                gauge.dataPoint(
                    gaugePoint(
                        Labels.of("family", String.valueOf(family.number())),
                        value.applyAsDouble(table))));
    return gauge.build();
  }

  private static CounterSnapshot familyCounters(
      ConntrackKeeper.Stats stats,
      String name,
      String help,
      ToDoubleFunction<ConntrackKeeper.Stats.Table> value) {
    var counter = CounterSnapshot.builder().name(name).help(help);
    stats
        .families()
        .forEach(
            (family, table) ->
                counter.dataPoint(
                    point(
                        Labels.of("family", String.valueOf(family.number())),
                        value.applyAsDouble(table))));
    return counter.build();
  }

  private static void maps(List<MapActor.Occupancy> maps, List<MetricSnapshot> all) {
    var entries = GaugeSnapshot.builder().name("sluice_map_entries").help("Entries by map");
    var max = GaugeSnapshot.builder().name("sluice_map_max_entries").help("The most, by map");
    var refused =
        CounterSnapshot.builder()
            .name("sluice_map_refused")
            .help("Entries refused for want of room, by map");
    for (MapActor.Occupancy map : maps) {
      Labels labels = Labels.of("map", map.map());
      entries.dataPoint(gaugePoint(labels, map.entries()));
      max.dataPoint(gaugePoint(labels, map.maxEntries()));
      refused.dataPoint(point(labels, map.refused()));
    }
    all.add(entries.build());
    all.add(max.build());
    all.add(refused.build());
  }

  private static void tables(Map<String, Long> drops, List<MetricSnapshot> all) {
    var dropped =
        CounterSnapshot.builder()
            .name("sluice_table_dropped_packets")
            .help("Packets dropped by the agent's nftables table, by cause");
    drops.forEach((cause, n) -> dropped.dataPoint(point(Labels.of("cause", cause), n)));
    all.add(dropped.build());
  }

  private static void jvm(List<MetricSnapshot> all) {
    var memory = ManagementFactory.getMemoryMXBean();
    all.add(gauge("jvm_memory_used_bytes", "Heap in use", memory.getHeapMemoryUsage().getUsed()));
    all.add(gauge("jvm_memory_max_bytes", "The most heap", memory.getHeapMemoryUsage().getMax()));
    all.add(
        gauge(
            "jvm_threads_current",
            "Threads",
            ManagementFactory.getThreadMXBean().getThreadCount()));
    double seconds = 0;
    long runs = 0;
    for (GarbageCollectorMXBean gc : ManagementFactory.getGarbageCollectorMXBeans()) {
      seconds += Math.max(0, gc.getCollectionTime()) / 1e3;
      runs += Math.max(0, gc.getCollectionCount());
    }
    all.add(counter("jvm_gc_collections", "Garbage collections", runs));
    all.add(counter("jvm_gc_collection_seconds", "Time in garbage collections", seconds));
    all.add(
        gauge(
            "process_start_time_seconds",
            "When the agent started, in seconds since 1970",
            ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3));
  }
}
