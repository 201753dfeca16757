// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Lab;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.Node;
import io.sluice.multinode.harness.ServiceSpec;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Three nodes run the same Maglev tables, whatever happens to those who decide on them. */
@LabTest(nodes = 3)
class MaglevAgreementTest {
  private static final ServiceSpec WEB =
      ServiceSpec.of("mag", 40, "web-1", "web-4", "web-6").withMaglev();

  private final Cluster cluster;

  MaglevAgreementTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void apply() {
    cluster.awaitMembers();
    cluster.applyWithoutWaiting(WEB);
    awaitTables(WEB);
  }

  @AfterEach
  void delete() {
    cluster.delete(WEB.name());
    await().atMost(Cluster.CLUSTER_PATIENCE).until(() -> allEmpty());
  }

  private boolean allEmpty() {
    return cluster.nodes().stream()
        .filter(node -> node.agent().isPresent())
        .allMatch(node -> tables(node).isEmpty());
  }

  /** Each table of the service, with its present backends, generation and digest. */
  private static Set<String> tables(Node node) {
    return node.dump("maglev").stream()
        .filter(row -> row.path("service").asText().contains(WEB.name()))
        .filter(row -> !row.path("state").asText().equals("former"))
        .map(MaglevAgreementTest::text)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String text(JsonNode row) {
    return String.join(
        " ",
        row.path("protocol").asText(),
        row.path("backend").asText(),
        row.path("slots").asText(),
        "generation " + row.path("generation").asText(),
        row.path("digest").asText());
  }

  /** Returns when the nodes run the same tables, which have a row for each backend. */
  private Set<String> awaitTables(ServiceSpec service, String... nodes) {
    int rows = service.rows(cluster.topology()).size();
    return cluster.awaitSame(
        "tables",
        node -> {
          Set<String> tables = tables(node);
          assertThat(tables).as("tables of %s", node).hasSize(rows);
          return tables;
        },
        nodes);
  }

  @Test
  @Tag("INV-MAG-1")
  @Tag("INV-CL-2")
  void allNodesRunTheSameTablesAfterEachChange() {
    for (String[] pods :
        new String[][] {{"web-6", "web-1"}, {"web-2"}, {"web-4", "web-1", "web-6"}}) {
      cluster.applyWithoutWaiting(WEB.with(pods));
      awaitTables(WEB.with(pods));
      for (Node node : cluster.nodes()) {
        Lab.Output diff = node.sluice("dump", "maglev", "--diff");
        assertThat(diff.code()).as(diff.text()).isZero();
      }
    }
  }

  /** The same backends in another order, after others: the same table, of a later generation. */
  @Test
  @Tag("INV-MAG-1")
  void theOrderOfBackendsAndWhatWasBeforeMakeNoDifference() {
    Set<String> first = digests();
    cluster.applyWithoutWaiting(WEB.with("web-5"));
    awaitTables(WEB.with("web-5"));
    cluster.applyWithoutWaiting(WEB.with("web-6", "web-4", "web-1"));
    awaitTables(WEB);
    assertThat(digests()).isEqualTo(first);
  }

  private Set<String> digests() {
    return cluster.dump("maglev").stream()
        .map(row -> row.path("digest").asText())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The home of some table is among those who die, whoever it is. */
  @Test
  @Tag("INV-CL-2")
  @Tag("INV-AG-1")
  void aLostHomeLeavesTheTablesAndANewOneDecidesWithinSeconds() {
    for (String victim : new String[] {"node1", "node2", "node3"}) {
      String[] others =
          cluster.nodes().stream()
              .map(Node::name)
              .filter(name -> !name.equals(victim))
              .toArray(String[]::new);
      Set<String> before = awaitTables(WEB);
      cluster.faults().kill(victim);
      for (String other : others) {
        assertThat(tables(cluster.node(other))).isEqualTo(before);
      }
      cluster.applyWithoutWaiting(WEB.with("web-2", "web-5"));
      long began = System.nanoTime();
      awaitTables(WEB.with("web-2", "web-5"), others);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(25));
      cluster.faults().start(victim);
      cluster.awaitMembers();
      cluster.applyWithoutWaiting(WEB);
    }
    awaitTables(WEB);
  }

  /** All are gone at once, and remember what they had agreed on. */
  @Test
  @Tag("INV-CL-2")
  @Tag("INV-AG-2")
  void allKilledAtOnceComeBackToTheirGeneration() {
    Set<String> before = awaitTables(WEB);
    cluster.faults().killAll().heal();
    cluster.awaitMembers();
    assertThat(awaitTables(WEB)).isEqualTo(before);
  }
}
