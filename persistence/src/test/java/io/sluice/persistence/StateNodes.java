// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.awaitility.Awaitility.await;

import akka.actor.Address;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.Cluster;
import akka.cluster.MemberStatus;
import akka.persistence.state.DurableStateStoreRegistry;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** Nodes of one cluster in this JVM, numbered from 0, each with a data folder that outlives it. */
final class StateNodes implements AutoCloseable {
  static final Duration SOON = Duration.ofSeconds(40);

  private static final Config SETTINGS =
      ConfigFactory.parseString(
          """
          akka {
            loglevel = ERROR
            stdout-loglevel = ERROR
            actor.provider = cluster
            coordinated-shutdown.run-by-actor-system-terminate = off
            coordinated-shutdown.run-by-jvm-shutdown-hook = off
            remote.artery {
              canonical { hostname = "127.0.0.1", port = 0 }
              advanced.outbound-message-queue-size = 10000
            }
            cluster {
              jmx.multi-mbeans-in-same-jvm = on
              shutdown-after-unsuccessful-join-seed-nodes = off
              gossip-interval = 200ms
              leader-actions-interval = 200ms
              unreachable-nodes-reaper-interval = 200ms
              periodic-tasks-initial-delay = 200ms
              failure-detector {
                heartbeat-interval = 300ms
                acceptable-heartbeat-pause = 2s
                expected-response-after = 300ms
              }
            }
          }
          sluice-replicated-state {
            timeout = 3s
            distributed-data.gossip-interval = 300ms
          }
          """);

  private final Path folder;
  private final int quorum;
  private final TreeMap<Integer, ActorSystem<Void>> running = new TreeMap<>();

  StateNodes(Path folder, int quorum) {
    this.folder = folder;
    this.quorum = quorum;
  }

  Path folder(int node) {
    return folder.resolve("node" + node);
  }

  /** Starts them at once; they join those that run. */
  StateNodes start(int... nodes) {
    for (int node : nodes) {
      begin(node, folder(node));
    }
    awaitMembers();
    return this;
  }

  void begin(int node, Path data) {
    begin(node, SharedState.config(data, quorum, new SharedState.Store.Replicated()));
  }

  void begin(int node, Config config) {
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.empty(),
            "state",
            SETTINGS.withFallback(config).withFallback(ConfigFactory.load()));
    Address first =
        running.isEmpty()
            ? Cluster.get(system).selfAddress()
            : Cluster.get(running.firstEntry().getValue()).selfAddress();
    running.put(node, system);
    Cluster.get(system).join(first);
  }

  /** Until all that run see each other, and nobody else. */
  void awaitMembers() {
    await()
        .atMost(SOON)
        .until(
            () ->
                running.values().stream()
                    .allMatch(
                        system -> {
                          List<MemberStatus> seen = new ArrayList<>();
                          Cluster.get(system)
                              .state()
                              .getMembers()
                              .forEach(member -> seen.add(member.status()));
                          return seen.size() == running.size()
                              && seen.stream().allMatch(MemberStatus.up()::equals)
                              && Cluster.get(system).state().getUnreachable().isEmpty();
                        }));
  }

  void awaitCounting(int... nodes) {
    for (int node : nodes) {
      await().atMost(SOON).until(() -> status(node).counting());
    }
  }

  /** Ends one as if its machine was switched off; the others do not know yet. */
  void crash(int node) {
    ActorSystem<Void> system = running.remove(node);
    system.terminate();
    await().atMost(SOON).until(() -> system.whenTerminated().isCompleted());
  }

  /** Ends one, and has the others put it out of the cluster. */
  void remove(int node) {
    Address address = Cluster.get(running.get(node)).selfAddress();
    crash(node);
    if (!running.isEmpty()) {
      running.values().forEach(system -> Cluster.get(system).down(address));
      awaitMembers();
    }
  }

  ActorSystem<Void> system(int node) {
    return running.get(node);
  }

  SharedState.Status status(int node) {
    return SharedState.status(system(node)).orElseThrow();
  }

  DurableStateUpdateStore<Object> store(int node) {
    return store(system(node));
  }

  @SuppressWarnings("unchecked")
  static DurableStateUpdateStore<Object> store(ActorSystem<?> system) {
    return (DurableStateUpdateStore<Object>)
        DurableStateStoreRegistry.get(system)
            .getDurableStateStoreFor(DurableStateUpdateStore.class, "");
  }

  /** All end at once. */
  void stopAll() {
    List<ActorSystem<Void>> systems = new ArrayList<>(running.values());
    running.clear();
    systems.forEach(ActorSystem::terminate);
    await()
        .atMost(SOON)
        .until(() -> systems.stream().allMatch(one -> one.whenTerminated().isCompleted()));
  }

  @Override
  public void close() {
    stopAll();
  }
}
