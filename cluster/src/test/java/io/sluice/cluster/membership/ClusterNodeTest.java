// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.typed.ActorSystem;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Down;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The life of a node's place in the cluster. */
@Timeout(120)
final class ClusterNodeTest {
  private final TestNodes nodes = new TestNodes("127.0.4");
  private final List<String> told = new CopyOnWriteArrayList<>();

  private final Part part =
      new Part() {
        @Override
        public void started(ActorSystem<?> cluster) {
          told.add("started");
        }

        @Override
        public void ended() {
          told.add("ended");
        }
      };

  @AfterEach
  void stop() {
    nodes.close();
  }

  private ClusterNode start(int i) {
    return nodes.start(
        "n" + i,
        nodes.bySeeds(i, Optional.empty()),
        ConfigFactory.parseMap(Map.of("akka.cluster.app-version", "1.2." + i)),
        part);
  }

  /** What the split-brain resolver does to a minority. */
  @Test
  @Tag("INV-CL-1")
  void aNodeThatWasDownedComesBackByItselfAsAnother() {
    ClusterNode first = start(1);
    start(2);
    ClusterNode third = start(3);
    nodes.awaitOneCluster("n1", "n2", "n3");
    told.clear();
    ActorSystem<Void> before = third.system().orElseThrow();

    Cluster cluster = Cluster.get(first.system().orElseThrow());
    cluster.manager().tell(new Down(Cluster.get(before).selfMember().address()));
    await().atMost(TestNodes.PATIENCE).until(() -> third.restarts() == 1);
    nodes.awaitOneCluster("n1", "n2", "n3");

    assertThat(third.system().orElseThrow()).isNotSameAs(before);
    assertThat(before.whenTerminated().isCompleted()).isTrue();
    assertThat(told).containsExactly("ended", "started");
    assertThat(first.restarts()).isZero();
  }

  @Test
  void viewAndMetricsTellOfTheMembers() {
    ClusterNode first = start(1);
    start(2);
    nodes.awaitOneCluster("n1", "n2");

    MembershipView view = first.view();
    assertThat(view.quorum()).isEqualTo(2);
    assertThat(view.members())
        .extracting(MembershipView.Member::node, MembershipView.Member::version)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple("n1", "1.2.1"),
            org.assertj.core.groups.Tuple.tuple("n2", "1.2.2"));
    assertThat(view.members().stream().filter(MembershipView.Member::self))
        .extracting(MembershipView.Member::node)
        .containsExactly("n1");
    assertThat(view.members().stream().filter(MembershipView.Member::oldest)).hasSize(1);

    assertThat(metric(first, "sluice_cluster_members", "Up")).isEqualTo(2);
    assertThat(metric(first, "sluice_cluster_members", "Down")).isZero();
    assertThat(metric(first, "sluice_cluster_decides", "")).isEqualTo(1);
    assertThat(metric(first, "sluice_cluster_members_unreachable", "")).isZero();
  }

  private static double metric(ClusterNode node, String name, String label) {
    for (MetricSnapshot snapshot : new ClusterMetrics(node).collect()) {
      if (snapshot.getMetadata().getName().equals(name)) {
        return snapshot.getDataPoints().stream()
            .filter(p -> label.isEmpty() || label.equals(p.getLabels().get("status")))
            .map(GaugeDataPointSnapshot.class::cast)
            .findFirst()
            .orElseThrow()
            .getValue();
      }
    }
    throw new AssertionError("there is no " + name);
  }
}
