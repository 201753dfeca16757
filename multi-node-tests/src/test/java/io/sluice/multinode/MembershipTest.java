// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Lab;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.Fault;
import io.sluice.multinode.harness.LabTest;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is wrong with who wants to be a member gets a clear line; the others go on. */
@LabTest(nodes = 3)
class MembershipTest {
  private final Cluster cluster;

  MembershipTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void formed() {
    cluster.awaitMembers();
  }

  /** The node's agent begins anew with that configuration; mended at the test's end. */
  private Fault begins(String node, String settings) {
    cluster.faults().kill(node);
    Fault configured = cluster.faults().configure(node, settings);
    cluster.faults().start(node);
    return configured;
  }

  private void awaitReason(String node, String... parts) {
    await()
        .atMost(Cluster.CLUSTER_PATIENCE)
        .untilAsserted(
            () -> {
              String said =
                  String.join("\n", cluster.node(node).cluster().reasons())
                      + cluster.node(node).agentLog();
              assertThat(said).contains(parts);
            });
    assertThat(cluster.node(node).cluster().decides()).isFalse();
  }

  private void assertOthersGoOn() {
    cluster.awaitMembers("node1", "node2");
    cluster.awaitDecides("node1", true);
  }

  @Test
  @Tag("INV-CL-3")
  void aSeedThatIsNotThereIsNamedAndTheOthersAreEnough() {
    cluster.faults().killAll();
    cluster.faults().start("node3");
    awaitReason("node3", "192.168.101.2:25520", "192.168.102.2:25520");
    cluster.faults().start("node1");
    cluster.awaitMembers("node1", "node3");
    cluster.awaitDecides("node3", true);
  }

  @Test
  @Tag("INV-CL-3")
  void aSecondNodeOfOneNameIsRefused() {
    String name = cluster.node("node1").fullName();
    Fault configured = begins("node3", "sluice.node-name = \"" + name + "\"");
    awaitReason("node3", "node name " + name);
    assertOthersGoOn();
    configured.heal();
    cluster.awaitMembers();
  }

  @Test
  @Tag("INV-CL-3")
  void whoSpeaksTlsAloneIsNoMemberAndTheOthersGoOn() throws Exception {
    Fault configured = begins("node3", certificate("node3"));
    await()
        .atMost(Cluster.CLUSTER_PATIENCE)
        .until(
            () ->
                cluster.node("node3").get("/api/v1/status").isPresent()
                    && !cluster.node("node3").cluster().reasons().isEmpty());
    assertThat(cluster.node("node3").cluster().decides()).isFalse();
    assertOthersGoOn();
    configured.heal();
    cluster.awaitMembers();
  }

  /** All believe one authority; then one shows a certificate of another. */
  @Test
  @Tag("INV-CL-3")
  void nodesWithCertificatesOfOneAuthorityAreMembersAndAStrangerIsNot() throws Exception {
    cluster.faults().killAll();
    authority("ca");
    for (String node : Stream.of("node1", "node2", "node3").toList()) {
      cluster.faults().configure(node, signed(node, "ca", "ca"));
      cluster.faults().start(node);
    }
    cluster.awaitMembers();
    authority("strangers");
    cluster.faults().kill("node3");
    cluster.faults().configure("node3", signed("node3", "strangers", "ca"));
    cluster.faults().start("node3");
    await().atMost(Cluster.CLUSTER_PATIENCE).until(() -> cluster.lab().agent("node3").isEmpty());
    assertThat(cluster.node("node3").agentLog())
        .contains("node3.pem: is not signed by the CA in ", "ca.pem, but by CN=strangers");
    assertOthersGoOn();
  }

  private String certificate(String node) throws Exception {
    authority("alone");
    return signed(node, "alone", "alone");
  }

  private void authority(String name) throws Exception {
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%1$s -keyout %1$s.key -out %1$s.pem"
            .formatted(name));
  }

  /** Makes a node's certificate, of the name that all share, and says so to its agent. */
  private String signed(String node, String by, String believes) throws Exception {
    String address = io.sluice.lab.Addresses.node4(cluster.topology().node(node));
    openssl(
        ("req -newkey rsa:2048 -nodes -subj /CN=sluice -addext subjectAltName=IP:%2$s"
                + " -keyout %1$s.key -out %1$s.csr")
            .formatted(node, address));
    openssl(
        ("x509 -req -in %1$s.csr -CA %2$s.pem -CAkey %2$s.key -CAcreateserial -days 2"
                + " -copy_extensions copy -out %1$s.pem")
            .formatted(node, by));
    String folder = cluster.lab().names().folder().resolve("tls").toString();
    return """
        sluice.cluster.tls {
          certificate = "%1$s/%2$s.pem", key = "%1$s/%2$s.key", ca = "%1$s/%3$s.pem"
        }
        """
        .formatted(folder, node, believes);
  }

  private void openssl(String arguments) throws Exception {
    java.nio.file.Path folder = cluster.lab().names().folder().resolve("tls");
    java.nio.file.Files.createDirectories(folder);
    Lab.Output made =
        cluster
            .lab()
            .run("router", "sh", "-c", "cd " + folder + " && openssl " + arguments + " 2>&1");
    assertThat(made.code()).as("openssl %s: %s", arguments, made.text()).isZero();
  }
}
