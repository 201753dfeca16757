// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.Node;
import io.sluice.multinode.harness.PacketCount;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A router spreads connections from outside over three nodes; one of them is lost, and the router
 * spreads them anew, over those that are left, which do not know them. Backends are on the others.
 */
class MaglevFailoverTest {
  private static final String TOPOLOGY =
      """
      nodes: [{name: node1}, {name: node2}, {name: node3}]
      pods:
      - {name: web-1, node: node1}
      - {name: web-2, node: node1}
      - {name: web-3, node: node2}
      - {name: web-4, node: node2}
      """;

  @Nested
  @LabTest(topology = TOPOLOGY + "settings: {bpfExternalServiceMode: DSR}\n", capture = false)
  class DsrTest extends Failover {
    DsrTest(Cluster cluster) {
      super(cluster);
    }

    @Test
    @Tag("INV-MAG-3")
    void aThousandConnectionsOutliveTheNodeThatCarriesAThirdOfThem() {
      everyConnectionOutlivesTheNode(IpVersion.V4, 1000);
    }

    @Test
    @Tag("INV-MAG-3")
    void alsoOverIPv6() {
      everyConnectionOutlivesTheNode(IpVersion.V6, 200);
    }

    /** What was a third of the slots of some backends is another's now. */
    @Test
    @Tag("INV-MAG-3")
    void connectionsOlderThanAChangeOfBackendsKeepTheirs() {
      cluster.applyEverywhere(WEB.with("web-1", "web-2", "web-3"));
      awaitTables(3);
      Traffic traffic = begin(IpVersion.V4, 200);
      cluster.applyEverywhere(WEB);
      awaitTables(4);
      cluster.faults().lose(LOST);
      endWell(traffic, 200);
    }
  }

  @Nested
  @LabTest(topology = TOPOLOGY, capture = false)
  class TunnelTest extends Failover {
    TunnelTest(Cluster cluster) {
      super(cluster);
    }

    @Test
    @Tag("INV-MAG-3")
    void connectionsOutliveTheNodeThatCarriesAThirdOfThem() {
      everyConnectionOutlivesTheNode(IpVersion.V4, 200);
    }
  }

  /** What is the same in both modes. */
  abstract static class Failover {
    static final ServiceSpec WEB =
        ServiceSpec.of("web", 51, "web-1", "web-2", "web-3", "web-4").balancedAt(51).withMaglev();
    static final String LOST = "node3";
    private static final int INTERVAL_MILLIS = 500;

    /** TCP sends again and again meanwhile, each time after twice the time. */
    private static final int PATIENCE_MILLIS = 20_000;

    /** The first source port of the next connections: none is used again in this lab. */
    private static int ports = 20_000;

    final Cluster cluster;

    Failover(Cluster cluster) {
      this.cluster = cluster;
    }

    @AfterEach
    void remove() {
      cluster.delete(WEB.name());
    }

    void awaitTables(int backends) {
      cluster.awaitSame(
          "tables",
          node -> {
            Map<String, String> tables = new TreeMap<>();
            node.dump("maglev").stream()
                // Former backends have no slots.
                .filter(row -> row.path("slots").asInt() > 0)
                .forEach(
                    row ->
                        tables.put(
                            row.path("protocol").asText() + " " + row.path("backend").asText(),
                            row.path("digest").asText()));
            assertThat(tables).as("tables of %s", node).hasSize(4 * backends);
            return tables;
          });
    }

    /** Opens connections, and returns when each has been answered, and each node carries some. */
    Traffic begin(IpVersion version, int connections) {
      Map<String, String> rules = new TreeMap<>();
      String family = version.of("ip", "ip6");
      for (Node node : cluster.nodes()) {
        rules.put(
            node.name(),
            String.format(
                "oifname \"%s\" %s daddr %s tcp flags & (syn | ack) == syn",
                node.name(), family, WEB.balancer(version)));
      }
      try (PacketCount opened = PacketCount.of(cluster, rules)) {
        Traffic traffic =
            cluster.start(
                "client",
                Traffic.Spec.lasting(
                        "tcp", WEB.balancer(version), WEB.port("tcp"), connections, INTERVAL_MILLIS)
                    .sourcePort(ports)
                    .timeout(PATIENCE_MILLIS)
                    .size(200));
        ports += connections;
        await()
            .atMost(Cluster.PATIENCE)
            .until(() -> !traffic.running() || traffic.progress().answers() >= 2L * connections);
        assertThat(opened.seen().get(LOST))
            .as("connections by node: %s", opened.seen())
            .isBetween(connections / 5L, connections / 2L);
        return traffic;
      }
    }

    /** Every connection has been asked, and answered, several times since. */
    void endWell(Traffic traffic, int connections) {
      long before = traffic.progress().answers();
      await()
          .atMost(Cluster.PATIENCE)
          .until(
              () ->
                  !traffic.running() || traffic.progress().answers() >= before + 5L * connections);
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).doesNotContainKey("ECONNRESET");
      assertThat(report.failed())
          .as("of %s, lost: %s", connections, report.failures())
          .isLessThanOrEqualTo(connections / 1000);
      assertThat(report.changes()).as("%s", report.firstChanges()).isZero();
      assertThat(report.sources())
          .containsOnlyKeys(
              IpVersion.bracketed(
                  report.target().contains(":") ? Addresses.CLIENT6 : Addresses.CLIENT4));
    }

    void everyConnectionOutlivesTheNode(IpVersion version, int connections) {
      cluster.applyEverywhere(WEB);
      awaitTables(WEB.pods().size());
      Traffic traffic = begin(version, connections);
      cluster.faults().lose(LOST);
      endWell(traffic, connections);
    }
  }
}
