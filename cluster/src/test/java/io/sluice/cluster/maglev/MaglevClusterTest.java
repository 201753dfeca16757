// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.MemberStatus;
import akka.cluster.sharding.ShardRegion.CurrentShardRegionState;
import akka.cluster.sharding.typed.ClusterShardingQuery;
import akka.cluster.sharding.typed.GetShardRegionState;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.shared.Digest;
import io.sluice.cluster.shared.Follower;
import io.sluice.cluster.shared.Messages;
import io.sluice.config.model.IpFamily;
import io.sluice.persistence.SharedState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes of a cluster in one process; what entities store is in a database that all reach. */
class MaglevClusterTest {
  private static final String SERVICE = "default/web/80/TCP/4";
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  private final List<Node> nodes = new ArrayList<>();

  /** A node, and what an agent would remember of the one service. */
  private static final class Node {
    final String name;
    final ActorSystem<Void> system;
    final ActorRef<Follower.Command> follower;
    final ActorRef<Follower.Event> user;
    volatile BackendSet set;
    volatile long revision;
    volatile Follower.Update installed;
    volatile Follower.Stands stands;

    Node(String name, Config config) {
      this.name = name;
      system = ActorSystem.create(Behaviors.empty(), "sluice", config);
      MaglevTable.init(system);
      follower = system.systemActorOf(MaglevTable.follower(system, name), "f", props());
      user =
          system.systemActorOf(
              Behaviors.receiveMessage(
                  (Follower.Event event) -> {
                    if (event instanceof Follower.Update update) {
                      assertThat(update.generation()).isGreaterThanOrEqualTo(generation());
                      installed = update;
                    } else if (event instanceof Follower.Stands now) {
                      stands = now;
                    }
                    return Behaviors.same();
                  }),
              "u",
              props());
    }

    private static Props props() {
      return Props.empty();
    }

    long generation() {
      return installed == null ? 0 : installed.generation();
    }

    String digest() {
      return installed == null ? "" : installed.digest();
    }

    boolean knowsFormer(byte[] former) {
      return Arrays.equals(installed.former(), former);
    }

    /** What an agent does once a second. */
    void tell() {
      byte[] value = set.bytes();
      Follower.Wish wish =
          new Follower.Wish(value, Digest.of(value), generation(), generation(), digest());
      follower.tell(new Follower.Wants(revision, Map.of(SERVICE, wish), Set.of(), user));
    }

    boolean isHome() {
      CurrentShardRegionState state =
          AskPattern.<ClusterShardingQuery, CurrentShardRegionState>ask(
                  ClusterSharding.get(system).shardState(),
                  replyTo -> new GetShardRegionState(MaglevTable.TYPE, replyTo),
                  Duration.ofSeconds(5),
                  system.scheduler())
              .toCompletableFuture()
              .join();
      return state.getShards().stream().anyMatch(shard -> shard.getEntityIds().contains(SERVICE));
    }

    void stop() {
      system.terminate();
      await()
          .atMost(PATIENCE)
          .until(() -> system.getWhenTerminated().toCompletableFuture().isDone());
    }
  }

  private Config config(String node) {
    return ConfigFactory.parseString(
            """
            akka {
              loglevel = WARNING
              actor.provider = cluster
              remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
              cluster {
                jmx.enabled = off
                gossip-interval = 200 ms
                leader-actions-interval = 200 ms
                downing-provider-class = "akka.cluster.sbr.SplitBrainResolverProvider"
                split-brain-resolver.stable-after = 1 s
                failure-detector { acceptable-heartbeat-pause = 1 s, heartbeat-interval = 300 ms }
                sharding { number-of-shards = 10, retry-interval = 200 ms }
              }
              # A system that ends does not say so: as if its process had been killed.
              coordinated-shutdown.run-by-actor-system-terminate = off
              coordinated-shutdown.run-by-jvm-shutdown-hook = off
            }
            """)
        .withFallback(
            SharedState.config(folder.resolve(node), 2, new SharedState.Store.Replicated()))
        .withFallback(ConfigFactory.load());
  }

  @TempDir Path folder;

  @BeforeEach
  void form() throws Exception {
    for (String name : List.of("one", "two", "three")) {
      nodes.add(new Node(name, config(name)));
    }
    var first = Cluster.get(nodes.get(0).system).selfMember().address();
    nodes.forEach(node -> Cluster.get(node.system).manager().tell(Join.create(first)));
    await().atMost(PATIENCE).until(() -> nodes.stream().allMatch(this::seesAllUp));
  }

  private boolean seesAllUp(Node node) {
    List<MemberStatus> members = new ArrayList<>();
    Cluster.get(node.system).state().getMembers().forEach(m -> members.add(m.status()));
    return members.size() == nodes.size() && Set.copyOf(members).equals(Set.of(MemberStatus.up()));
  }

  @AfterEach
  void stop() {
    nodes.forEach(Node::stop);
  }

  private static BackendSet set(int from, int to, long seed) {
    List<Backend> backends = new ArrayList<>(LutTest.backends(to).subList(from, to));
    Collections.shuffle(backends, new Random(seed)); // each node sees another order
    return BackendSet.of(IpFamily.IPV4, backends);
  }

  private void see(Node node, int from, int to, long revision) {
    node.set = set(from, to, nodes.indexOf(node));
    node.revision = revision;
  }

  private void agreeOn(long generation, BackendSet set) {
    String digest = Lut.compute(set).digest();
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              nodes.forEach(Node::tell);
              return nodes.stream()
                  .allMatch(
                      node ->
                          node.generation() >= generation
                              && node.digest().equals(digest)
                              && node.stands != null
                              && node.stands.nodes() == nodes.size()
                              && node.stands.behind() == 0);
            });
  }

  @Test
  @Tag("INV-MAG-1")
  @Tag("INV-MAG-3")
  @Tag("INV-CL-2")
  void allNodesRunTheSameTableAlsoWhenItsHomeIsLost() {
    nodes.forEach(node -> see(node, 0, 20, 100));
    agreeOn(1, set(0, 20, 9));
    assertThat(nodes).allMatch(node -> node.generation() == 1);

    see(nodes.get(1), 1, 20, 101); // one node's source is first to know
    agreeOn(2, set(1, 20, 9));
    nodes.forEach(node -> see(node, 1, 20, 101));
    agreeOn(2, set(1, 20, 9));
    assertThat(nodes).allMatch(node -> node.generation() == 2);

    Node home = nodes.stream().filter(Node::isHome).findFirst().orElseThrow();
    home.stop();
    nodes.remove(home);
    see(nodes.get(0), 2, 20, 102);
    see(nodes.get(1), 2, 20, 102);
    agreeOn(3, set(2, 20, 9));
    assertThat(nodes).allMatch(node -> node.generation() == 3);
    FormerSets former =
        FormerSets.NONE.with(1, set(0, 20, 9).bytes(), 1, set(1, 20, 9).bytes(), 999);
    byte[] both = former.with(1, set(1, 20, 9).bytes(), 1, set(2, 20, 9).bytes(), 999).bytes();
    assertThat(nodes).as("also by a new home").allMatch(node -> node.knowsFormer(both));
    assertThat(nodes.stream().filter(Node::isHome)).hasSize(1);

    Messages.View view = view();
    assertThat(view.generation()).isEqualTo(3);
    assertThat(view.revision()).isEqualTo(102);
    assertThat(view.nodes()).hasSize(2).allMatch(node -> node.generation() == 3 && node.agrees());
  }

  private Messages.View view() {
    Follower.Views views =
        AskPattern.<Follower.Command, Follower.Views>ask(
                nodes.get(0).follower,
                replyTo -> new Follower.GetViews(List.of(SERVICE), replyTo),
                Duration.ofSeconds(5),
                nodes.get(0).system.scheduler())
            .toCompletableFuture()
            .join();
    assertThat(views.silent()).isEmpty();
    return views.views().get(0);
  }
}
