// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Lab;
import io.sluice.lab.Topology;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.Fault;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.Node;
import io.sluice.multinode.harness.ServiceSpec;
import io.sluice.multinode.harness.Writers;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice apply}, delete and get, against any node. */
@LabTest(nodes = 3, source = Topology.Source.CLUSTER)
class ApplyTest {
  private static final String ONE = "/api/v1/resources/namespace/";

  @TempDir Path temporary;
  private final Cluster cluster;

  ApplyTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void formed() {
    cluster.awaitMembers();
  }

  private Lab.Output command(String node, String verb, String yaml) throws Exception {
    Path file = Files.writeString(temporary.resolve("manifest.yaml"), yaml);
    return cluster.node(node).sluice(verb, "-f", file.toString());
  }

  private Lab.Answer post(String node, String yaml) {
    return cluster.node(node).request("POST", "/api/v1/apply", yaml).orElseThrow();
  }

  private void assertNothingStored(String name) {
    long version = cluster.awaitSameVersion();
    for (Node node : cluster.nodes()) {
      assertThat(node.get(ONE + name)).as("%s at version %d", node, version).isEmpty();
    }
  }

  @Test
  @Tag("INV-CL-2")
  void whatIsAppliedOnAnyNodeIsInForceOnAll() throws Exception {
    int number = 50;
    for (Node node : cluster.nodes()) {
      ServiceSpec service = ServiceSpec.of("from-" + node, number++, "web-1", "web-4", "web-6");
      Lab.Output applied = command(node.name(), "apply", service.yaml(cluster.topology()));
      assertThat(applied.code()).as(applied.text()).isZero();
      cluster.awaitSameVersion();
      for (String client : new String[] {"client", "client-2", "client-3"}) {
        for (IpVersion version : IpVersion.values()) {
          assertThat(cluster.ask(Cluster.host(client), "tcp", service, version, 10).failures())
              .isEmpty();
        }
      }
      Lab.Output deleted = command(node.name(), "delete", service.yaml(cluster.topology()));
      assertThat(deleted.code()).as(deleted.text()).isZero();
    }
  }

  /** Who applies and then gets sees what was applied; so do the others, with the same version. */
  @Test
  @Tag("INV-CL-2")
  void allNodesHaveTheSameInTheSameOrder() {
    try (Writers writers = Writers.start(cluster, "order")) {
      writers.awaitAcknowledged(60);
      writers.stop();
      cluster.awaitSameVersion();
      String all =
          cluster.awaitSame(
              "resources",
              node -> node.json("/api/v1/resources/namespace").path("items").toString());
      assertThat(all).contains(writers.acknowledged().iterator().next());
    }
  }

  @Test
  @Tag("INV-CL-3")
  void aStaleResourceVersionIsRefusedAndWhatIsStoredStays() {
    String yaml = Writers.manifest("stale");
    assertThat(post("node1", yaml).status()).isEqualTo(200);
    JsonNode first = cluster.node("node1").json(ONE + "stale");
    String version = first.path("metadata").path("resourceVersion").asText();
    String newer = yaml.replace("first", "second");
    assertThat(post("node2", newer).status()).isEqualTo(200);
    String stale = yaml.replace("labels", "resourceVersion: '" + version + "', labels");
    Lab.Answer answer = post("node3", stale);
    assertThat(answer.status()).isEqualTo(409);
    assertThat(answer.body()).contains("resourceVersion");
    cluster.awaitSameVersion();
    assertThat(cluster.node("node3").json(ONE + "stale").toString()).contains("second");
  }

  @Test
  @Tag("INV-CL-3")
  void whatIsTooLargeUnknownOrWrongIsRefusedAndNothingOfItsFileIsStored() throws Exception {
    String good = Writers.manifest("good") + "---\n";
    String large =
        Writers.manifest("large")
            .replace("first", "x, a: " + "x".repeat(1040 << 10))
            .replace("labels", "annotations");
    for (String bad :
        new String[] {
          large,
          "apiVersion: projectcalico.org/v3\nkind: NetworkSett\nmetadata: {name: x}\n",
          ServiceSpec.of("wrong", 99)
              .yaml(cluster.topology())
              .replace("\"port\":80", "\"port\":70000"),
          "kind: [",
        }) {
      Lab.Answer answer = post("node2", good + bad);
      assertThat(answer.status()).as(answer.body()).isBetween(400, 499);
      Lab.Output refused = command("node2", "apply", good + bad);
      assertThat(refused.code()).as(refused.text()).isEqualTo(1);
      assertThat(refused.text()).doesNotContain("Exception");
    }
    assertNothingStored("good");
  }

  @Test
  @Tag("INV-CL-1")
  @Tag("INV-CL-3")
  void withoutAMajorityNothingIsAcceptedAndNothingOfItAppearsAfterwards() {
    Fault cut = cluster.faults().cutClusterPort("node3");
    cluster.awaitDecides("node3", false);
    Lab.Answer refused = post("node3", Writers.manifest("minority"));
    assertThat(refused.status()).as(refused.body()).isEqualTo(503);
    assertThat(post("node1", Writers.manifest("majority")).status()).isEqualTo(200);
    cut.heal();
    cluster.awaitMembers();
    assertNothingStored("minority");
    assertThat(cluster.node("node3").get(ONE + "majority")).isPresent();
  }

  /** A store that was damaged on one node is rebuilt from the others. */
  @Test
  @Tag("INV-AG-2")
  void aNodeThatLostItsDiskHasItBackFromTheOthers() {
    assertThat(post("node1", Writers.manifest("kept")).status()).isEqualTo(200);
    Fault killed = cluster.faults().kill("node2");
    cluster.faults().damageStore("node2", "**.db", io.sluice.multinode.harness.Damage.NOISE);
    killed.heal();
    cluster.awaitMembers();
    cluster.awaitReady();
    cluster.awaitSameVersion();
    assertThat(cluster.node("node2").get(ONE + "kept")).isPresent();
  }
}
