// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Topology;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.Node;
import io.sluice.multinode.harness.ServiceSpec;
import io.sluice.multinode.harness.Writers;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Agents die by SIGKILL in the middle of writes, under traffic: each in turn, two of three, all.
 * After each death all come back, and have what was acknowledged.
 */
@LabTest(nodes = 3, source = Topology.Source.CLUSTER, capture = false)
class KillTest {
  private static final int KILLS = Integer.getInteger("sluice.test.kills", 20);

  private static final String[][] VICTIMS = {
    {"node1"}, {"node2"}, {"node3"}, {"node1", "node2"}, {"node1", "node2", "node3"}
  };

  private static final ServiceSpec WEB =
      ServiceSpec.of("web", 10, "web-1", "web-4", "web-6").withMaglev();

  private final Cluster cluster;

  KillTest(Cluster cluster) {
    this.cluster = cluster;
  }

  private List<Traffic> load() {
    List<Traffic> load = new ArrayList<>();
    int source = 4000;
    for (String client : List.of("client", "client-2", "client-3")) {
      for (IpVersion version : IpVersion.values()) {
        String host = Cluster.host(client);
        String address = WEB.address(version);
        load.add(
            cluster.start(host, Traffic.Spec.newFlows("tcp", address, ServiceSpec.TCP_PORT, 50)));
        load.add(
            cluster.start(
                host,
                Traffic.Spec.lasting("udp", address, ServiceSpec.UDP_PORT, 1, 50)
                    .sourcePort(source++)));
        load.add(
            cluster.start(
                host, Traffic.Spec.lasting("tcp", address, ServiceSpec.TCP_PORT, 5, 200)));
      }
    }
    return load;
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-2")
  @Tag("INV-CL-2")
  void nothingAcknowledgedIsLostAndNoTrafficIs() {
    cluster.apply(WEB);
    cluster.awaitMembers();
    List<Traffic> load = load();
    try (Writers writers = Writers.start(cluster, "kill")) {
      for (int kill = 0; kill < KILLS; kill++) {
        writers.awaitAcknowledged(5);
        cluster.faults().killAll(VICTIMS[kill % VICTIMS.length]).heal();
        cluster.awaitMembers();
        writers.awaitAcknowledged(1);
      }
      writers.stop();
      cluster.awaitReady();
      cluster.awaitSameVersion();
      for (Node node : cluster.nodes()) {
        assertThat(writers.stored(node))
            .as("what was acknowledged, on %s", node)
            .containsAll(writers.acknowledged());
      }
    }
    cluster.awaitSame("generations of Maglev tables", KillTest::generations);
    for (Traffic traffic : load) {
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).as("%s to %s", report.protocol(), report.target()).isEmpty();
      assertThat(report.changes()).as("backends changed: %s", report.firstChanges()).isZero();
    }
  }

  private static Set<String> generations(Node node) {
    return node.dump("maglev").stream()
        .map(row -> row.path("service").asText() + row.path("generation") + row.path("digest"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * One who could not be told is told by what it finds: stored, or not, and the same everywhere.
   */
  @Test
  @Tag("INV-AG-2")
  void afterTheDeathOfAllEachWriteIsThereOnAllNodesOrOnNone() {
    cluster.awaitMembers();
    try (Writers writers = Writers.start(cluster, "all")) {
      writers.awaitAcknowledged(5);
      cluster.faults().killAll().heal();
      writers.stop();
      cluster.awaitMembers();
      cluster.awaitReady();
      Set<String> stored = cluster.awaitSame("stored resources", writers::stored);
      assertThat(stored).containsAll(writers.acknowledged());
    }
  }
}
