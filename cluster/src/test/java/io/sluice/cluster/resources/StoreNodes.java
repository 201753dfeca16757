// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.Address;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.Cluster;
import akka.cluster.MemberStatus;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.membership.ClusterConfig;
import io.sluice.cluster.resources.ResourceApi.Manifests;
import io.sluice.cluster.resources.ResourceApi.Reply;
import io.sluice.config.settings.ClusterKeys;
import io.sluice.config.source.Snapshot;
import io.sluice.persistence.SharedState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;

/** Nodes of one cluster in this JVM, each with its data folder, its source and its store. */
final class StoreNodes implements AutoCloseable {
  static final Duration SOON = Duration.ofSeconds(60);

  private static final Config FAST =
      ConfigFactory.parseString(
          """
          akka {
            loglevel = WARNING
            coordinated-shutdown.run-by-actor-system-terminate = off
            cluster {
              split-brain-resolver.stable-after = 2s
              failure-detector { heartbeat-interval = 300ms, acceptable-heartbeat-pause = 2s }
            }
          }
          """);

  private final Path folder;
  private final int quorum;
  private final TreeMap<Integer, Node> running = new TreeMap<>();

  StoreNodes(Path folder, int quorum) {
    this.folder = folder;
    this.quorum = quorum;
  }

  /** One node, with what its source has told. */
  static final class Node {
    final String name;
    final ClusterSource source;
    final List<Snapshot> told = new CopyOnWriteArrayList<>();
    final SharedResources resources;
    ActorSystem<Void> system;

    Node(String name, Path folder, Duration patience) {
      this.name = name;
      source = new ClusterSource(folder);
      resources =
          new SharedResources(
              name, Optional.of(source), this::view, ForkJoinPool.commonPool(), patience);
      source.start(told::add);
    }

    Snapshot view() {
      return told.isEmpty() ? Snapshot.EMPTY : told.get(told.size() - 1);
    }

    Reply apply(String yaml) {
      return done(
          resources.apply(
              new Manifests("test.yaml", yaml.getBytes(StandardCharsets.UTF_8)), false));
    }

    Reply delete(String yaml) {
      return done(
          resources.delete(
              new Manifests("test.yaml", yaml.getBytes(StandardCharsets.UTF_8)), false));
    }

    static Reply done(java.util.concurrent.CompletionStage<Reply> reply) {
      try {
        return reply.toCompletableFuture().get(60, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }
  }

  Path folder(int node) {
    return folder.resolve("node" + node);
  }

  StoreNodes start(int... nodes) {
    for (int node : nodes) {
      Node made = new Node("node" + node, folder(node), Duration.ofSeconds(15));
      made.system =
          ActorSystem.create(
              Behaviors.empty(),
              "sluice-cluster",
              FAST.withFallback(
                  ClusterConfig.of(
                      ClusterKeys.ALONE,
                      made.name,
                      SharedState.config(
                          folder(node), quorum, new SharedState.Store.Replicated()))));
      Address first =
          Cluster.get(running.isEmpty() ? made.system : running.firstEntry().getValue().system)
              .selfAddress();
      running.put(node, made);
      Cluster.get(made.system).join(first);
      made.resources.started(made.system);
    }
    awaitMembers();
    return this;
  }

  private void awaitMembers() {
    await()
        .atMost(SOON)
        .until(
            () ->
                running.values().stream()
                    .allMatch(
                        node -> {
                          List<MemberStatus> seen = new ArrayList<>();
                          Cluster.get(node.system)
                              .state()
                              .getMembers()
                              .forEach(member -> seen.add(member.status()));
                          return seen.size() == running.size()
                              && seen.stream().allMatch(MemberStatus.up()::equals)
                              && Cluster.get(node.system).state().getUnreachable().isEmpty();
                        }));
  }

  Node node(int node) {
    return running.get(node);
  }

  List<Node> all() {
    return List.copyOf(running.values());
  }

  /** Which of them is the store's home. */
  int home() {
    return running.entrySet().stream()
        .filter(e -> isHome(e.getValue().system))
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  private static boolean isHome(ActorSystem<Void> system) {
    var state =
        akka.actor.typed.javadsl.AskPattern
            .<akka.cluster.sharding.typed.ClusterShardingQuery,
                akka.cluster.sharding.ShardRegion.CurrentShardRegionState>
                ask(
                    akka.cluster.sharding.typed.javadsl.ClusterSharding.get(system).shardState(),
                    replyTo ->
                        new akka.cluster.sharding.typed.GetShardRegionState(
                            ResourceStore.TYPE, replyTo),
                    Duration.ofSeconds(5),
                    system.scheduler())
            .toCompletableFuture()
            .join();
    return state.getShards().stream()
        .anyMatch(shard -> shard.getEntityIds().contains(ResourceStore.ID));
  }

  /** Ends one as if its machine was switched off. */
  void crash(int node) {
    Node gone = running.remove(node);
    gone.resources.ended();
    gone.system.terminate();
    await().atMost(SOON).until(() -> gone.system.whenTerminated().isCompleted());
  }

  /** Until all have been told that version, in sync. */
  void awaitVersion(long version) {
    for (Node node : running.values()) {
      await()
          .atMost(SOON)
          .pollInterval(Duration.ofMillis(5))
          .until(() -> node.view().inSync() && node.view().revision() >= version);
    }
  }

  /** Each was told versions in order, and never again not to be in sync. */
  void assertOrder() {
    for (Node node : running.values()) {
      for (int i = 1; i < node.told.size(); i++) {
        Snapshot before = node.told.get(i - 1);
        Snapshot after = node.told.get(i);
        assertThat(after.version()).isEqualTo(before.version() + 1);
        assertThat(after.revision()).isGreaterThanOrEqualTo(before.revision());
        assertThat(after.inSync() || !before.inSync()).isTrue();
      }
    }
  }

  void stopAll() {
    List<Node> nodes = all();
    running.clear();
    nodes.forEach(node -> node.resources.ended());
    nodes.forEach(node -> node.system.terminate());
    nodes.forEach(
        node -> {
          await().atMost(SOON).until(() -> node.system.whenTerminated().isCompleted());
          node.source.close();
        });
  }

  @Override
  public void close() {
    stopAll();
  }
}
