// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AskPattern;
import io.sluice.actors.NodeGuardian;
import io.sluice.actors.NodeStatus;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.policy.PolicyManager;
import io.sluice.actors.promises.Promises;
import io.sluice.agent.dump.Dumps;
import io.sluice.agent.dump.Names;
import io.sluice.agent.dump.PolicyDump;
import io.sluice.agent.dump.PolicyRows;
import io.sluice.agent.dump.Rows;
import io.sluice.agent.explain.Explainer;
import io.sluice.agent.explain.KernelPaths;
import io.sluice.agent.explain.Question;
import io.sluice.cluster.management.Health;
import io.sluice.cluster.management.NodeView;
import io.sluice.cluster.membership.ClusterNode;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.cluster.shared.Follower;
import io.sluice.config.settings.AgentKeys;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.dataplane.DataplaneLoader;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What the running agent tells over HTTP: from its actors, and from the kernel. */
final class LiveNodeView implements NodeView {
  private static final Duration ANSWER = Duration.ofSeconds(8);
  private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(3);

  private final ActorSystem<NodeGuardian.Command> system;
  private final AgentKeys keys;
  private final DataplaneLoader dataplane;
  private final ClusterNode cluster;
  private final ResourceApi resources;
  private final Supplier<Snapshot> snapshots;
  private final boolean dsr;
  private final Executor kernel;
  private final long began = System.nanoTime();

  /**
   * @param snapshots what the source has said last
   * @param dsr whether the programs were loaded for direct server return
   */
  LiveNodeView(
      ActorSystem<NodeGuardian.Command> system,
      AgentKeys keys,
      DataplaneLoader dataplane,
      ClusterNode cluster,
      ResourceApi resources,
      Supplier<Snapshot> snapshots,
      boolean dsr) {
    this.system = system;
    this.keys = keys;
    this.dataplane = dataplane;
    this.cluster = cluster;
    this.resources = resources;
    this.snapshots = snapshots;
    this.dsr = dsr;
    this.kernel =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(MapActor.KERNEL_DISPATCHER));
  }

  /** To a tenth: nobody wants more. */
  private double uptimeSeconds() {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began) / 100 / 10.0;
  }

  @Override
  public CompletionStage<Health> live() {
    return AskPattern.<NodeGuardian.Command, NodeGuardian.Pong>ask(
            system, NodeGuardian.Ping::new, SIGN_OF_LIFE, system.scheduler())
        .handle(
            (pong, failure) ->
                failure == null
                    ? Health.WELL
                    : new Health(List.of("the node's guardian does not answer")));
  }

  private CompletionStage<NodeStatus> nodeStatus() {
    return AskPattern.ask(system, NodeGuardian.GetStatus::new, ANSWER, system.scheduler());
  }

  @Override
  public CompletionStage<Health> ready() {
    return nodeStatus()
        .handle(
            (status, failure) ->
                failure == null
                    ? new Health(status.unready())
                    : new Health(List.of("the node's guardian does not answer")));
  }

  @Override
  public CompletionStage<Object> status() {
    return nodeStatus()
        .thenApplyAsync(
            status ->
                StatusReport.of(
                    status, keys, dataplane, cluster.view(), cluster.restarts(), uptimeSeconds()),
            kernel);
  }

  @Override
  public ResourceApi resources() {
    return resources;
  }

  @Override
  public Optional<CompletionStage<Dump>> dump(String table) {
    if (table.equals(Rows.MAGLEV_NODES)) {
      CompletionStage<Follower.Views> views =
          AskPattern.ask(system, NodeGuardian.GetMaglevNodes::new, ANSWER, system.scheduler());
      return Optional.of(views.thenApply(v -> new Dump(Dumps.maglevNodes(v), 0)));
    }
    if (PolicyRows.TABLES.contains(table)
        || table.equals(PolicyRows.POLICIES)
        || table.equals(PolicyRows.ENDPOINTS)
        || table.startsWith(PolicyRows.CODE_PREFIX)) {
      return Optional.of(
          policy()
              .thenApplyAsync(
                  running ->
                      new Dump(
                          new PolicyDump(dataplane, running, snapshots.get())
                              .rows(table)
                              .orElseThrow(),
                          0),
                  kernel));
    }
    if (!Rows.TABLES.contains(table) && !table.equals(Rows.SERVICES)) {
      return Optional.empty();
    }
    return Optional.of(
        names()
            .thenApplyAsync(
                names -> {
                  Dumps.Part<?> part = new Dumps(dataplane, names).rows(table).orElseThrow();
                  return new Dump(part.rows(), part.omitted());
                },
                kernel));
  }

  @Override
  public CompletionStage<Object> explain(Map<String, String> asked) {
    Question question;
    try {
      question =
          Question.of(
              asked.getOrDefault("source", ""),
              asked.getOrDefault("destination", ""),
              asked.getOrDefault("protocol", ""),
              asked.getOrDefault("port", ""),
              asked.getOrDefault("sourcePort", ""),
              asked.getOrDefault("device", ""),
              new PodAddresses(snapshots.get()));
    } catch (IllegalArgumentException e) {
      return CompletableFuture.failedFuture(e);
    }
    return names()
        .thenCombineAsync(
            policy(),
            (names, running) ->
                new Explainer(
                        dataplane,
                        names,
                        Optional.of(dsr),
                        KernelPaths.here(),
                        Optional.of(running.policy()))
                    .explain(question),
            kernel);
  }

  private CompletionStage<PolicyManager.Running> policy() {
    return AskPattern.ask(system, NodeGuardian.GetPolicy::new, ANSWER, system.scheduler());
  }

  private CompletionStage<Names> names() {
    CompletionStage<Promises.Held> held =
        AskPattern.ask(system, NodeGuardian.GetServiceIds::new, ANSWER, system.scheduler());
    return held.thenApply(ids -> new ServiceNames(ids.ids(), snapshots.get(), keys.nodeName()));
  }
}
