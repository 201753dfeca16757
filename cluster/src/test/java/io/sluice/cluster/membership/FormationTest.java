// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import io.sluice.config.settings.ClusterKeys;
import io.sluice.config.settings.ClusterKeys.Seed;
import io.sluice.config.settings.ClusterKeys.Store;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nodes that find each other, whatever order they start in, and never make two clusters. */
@Timeout(120)
final class FormationTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final List<Seed> seeds = new ArrayList<>();
  private final ClusterNode[] nodes = new ClusterNode[5];

  FormationTest() throws IOException {
    for (int i = 0; i < 3; i++) {
      String host = "127.0.1." + (i + 1);
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName(host))) {
        seeds.add(new Seed(host, free.getLocalPort()));
      }
    }
  }

  private ClusterKeys keys(Seed here, List<Seed> others) {
    return new ClusterKeys(
        here.host(),
        here.port(),
        others,
        ClusterKeys.Formation.SEEDS,
        "sluice",
        others.size() / 2 + 1,
        Optional.empty(),
        Store.REPLICATED);
  }

  private void start(int i) {
    start(i, "n" + i);
  }

  private void start(int i, String name) {
    nodes[i] = new ClusterNode(keys(seeds.get(i), seeds), name, ConfigFactory.empty(), List.of());
    nodes[i].start();
  }

  private void stop(int i) {
    nodes[i].close();
    nodes[i] = null;
  }

  @AfterEach
  void stopAll() {
    for (ClusterNode node : nodes) {
      if (node != null) {
        node.close();
      }
    }
  }

  private static Set<String> up(ClusterNode node) {
    return node.view().members().stream()
        .filter(member -> member.status().equals("Up") && member.reachable())
        .map(MembershipView.Member::node)
        .collect(Collectors.toSet());
  }

  /** One cluster: each sees the same members. */
  private void awaitOneCluster(int... members) {
    Set<String> names =
        java.util.Arrays.stream(members).mapToObj(i -> "n" + i).collect(Collectors.toSet());
    for (int i : members) {
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                assertThat(up(nodes[i])).isEqualTo(names);
                assertThat(nodes[i].view().decides()).isTrue();
                assertThat(nodes[i].view().reasons()).isEmpty();
              });
    }
  }

  @ParameterizedTest
  @CsvSource({"0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0"})
  void anyOrderOfStartsMakesOneCluster(int first, int second, int third) {
    start(first);
    start(second);
    start(third);

    awaitOneCluster(0, 1, 2);
  }

  @Test
  @Tag("INV-CL-1")
  void aLoneNodeOfThreeDecidesNothingAndSaysWhomItMisses() {
    start(0);

    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(nodes[0].view().reasons())
                    .containsExactly(
                        "looking for the cluster: 1 of 3 seeds are there, this node included, 2 are"
                            + " needed; no answer from "
                            + seeds.get(1)
                            + " (nothing listens there), "
                            + seeds.get(2)
                            + " (nothing listens there)"));
    assertThat(nodes[0].view().decides()).isFalse();
    assertThat(nodes[0].view().members()).isEmpty();
  }

  /** Akka's own seed nodes need the first one to be there; a quorum does not. */
  @Test
  void theQuorumBeginsWithoutTheFirstSeed() {
    start(1);
    start(2);
    awaitOneCluster(1, 2);

    start(0);
    awaitOneCluster(0, 1, 2);
  }

  @Test
  void allGoAndComeBackInAnotherOrder() {
    start(0);
    start(1);
    start(2);
    awaitOneCluster(0, 1, 2);
    stop(0);
    stop(1);
    stop(2);

    start(2);
    start(1);
    awaitOneCluster(1, 2);
    start(0);
    awaitOneCluster(0, 1, 2);
  }

  @Test
  void aSecondNodeOfTheSameNameIsRefusedAndSaysSo() {
    start(0);
    start(1);
    awaitOneCluster(0, 1);
    start(2, "n1");

    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(nodes[2].view().reasons())
                    .containsExactly(
                        "node name n1 is that of the node at "
                            + seeds.get(1)
                            + ", too: give one of them another node-name"));
    awaitOneCluster(0, 1);
  }

  @Test
  void aSecondNodeAtTheSameAddressIsRefusedAtOnce() {
    start(0);
    nodes[3] = new ClusterNode(keys(seeds.get(0), seeds), "n3", ConfigFactory.empty(), List.of());

    assertThatThrownBy(nodes[3]::start)
        .isInstanceOf(ClusterException.class)
        .hasMessageStartingWith(
            "cannot listen for other nodes on " + seeds.get(0) + " (cluster.host, cluster.port): ");
  }

  @Test
  void aNodeAloneIsAClusterOfItself() {
    nodes[4] = new ClusterNode(ClusterKeys.ALONE, "n4", ConfigFactory.empty(), List.of());
    nodes[4].start();

    awaitOneCluster(4);
  }

  /** It said that it is a member, and was downed or killed before it could be joined. */
  @Test
  @Tag("INV-CL-1")
  void aMemberThatVanishesWhileOthersJoinItHoldsNobodyUp() {
    Seed there = seeds.get(2);
    ActorSystem<Formation.Command> vanishing =
        ActorSystem.create(
            Behaviors.setup(
                context -> {
                  context.spawn(claimsToBeAMember(there), Formation.NAME);
                  return Behaviors.empty();
                }),
            ClusterConfig.SYSTEM,
            ClusterConfig.of(keys(there, seeds), "n2", ConfigFactory.empty()));
    start(0);
    await()
        .atMost(PATIENCE)
        .until(() -> nodes[0].view().reasons().toString().contains("2 of 3 seeds are there"));
    vanishing.terminate();
    await()
        .atMost(PATIENCE)
        .until(() -> vanishing.getWhenTerminated().toCompletableFuture().isDone());
    start(1);

    awaitOneCluster(0, 1);
  }

  private static Behavior<Formation.Command> claimsToBeAMember(Seed at) {
    Who self = new Who("n2", at.toString(), 7);
    return Behaviors.receive(Formation.Command.class)
        .onMessage(
            Formation.Hello.class,
            hello -> {
              hello
                  .replyTo()
                  .tell(
                      new Formation.Here(
                          self, hello.sent(), System.currentTimeMillis(), List.of(self)));
              return Behaviors.same();
            })
        .build();
  }
}
