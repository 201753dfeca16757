// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/**
 * What a pod sends to its own node, where the host endpoint for all interfaces is asked about it.
 */
@LabTest(nodes = 1, settings = "defaultEndpointToHostAction=Return")
class ToHostTest {
  private static final int PORT = 8087;
  private static final int CLOSED = 8086;
  private static final int FAILSAFE = 22;

  private static final String POLICY =
      """
      apiVersion: projectcalico.org/v3
      kind: HostEndpoint
      metadata: {name: node1-all, labels: {edge: every}}
      spec: {node: %s, interfaceName: '*'}
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: tohost}
      spec:
        selector: edge == 'every'
        types: [Ingress, Egress]
        ingress: [{action: Allow, protocol: %s, destination: {ports: [%d]}}]
        egress: [{action: Allow}]
      """;

  /** Of the pod itself. */
  private static final String OWN =
      """
      ---
      apiVersion: projectcalico.org/v3
      kind: NetworkPolicy
      metadata: {name: own, namespace: default}
      spec:
        selector: app == 'client'
        types: [Egress]
        egress: [{action: Deny, protocol: %s, destination: {ports: [%d]}}, {action: Allow}]
      """;

  private final Cluster cluster;

  ToHostTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void servers() {
    for (int port : new int[] {PORT, CLOSED, FAILSAFE}) {
      cluster.serve("node1", port);
    }
  }

  @AfterEach
  void withoutPolicy() {
    cluster.delete(Access.NAME);
    for (IpVersion version : IpVersion.values()) {
      awaitAnswers("tcp", version, CLOSED);
    }
  }

  private String policy(String protocol) {
    String node = cluster.lab().names().host(cluster.topology().node("node1"));
    return POLICY.formatted(node, protocol.toUpperCase(Locale.ROOT), PORT);
  }

  private long answers(String protocol, IpVersion version, int port) {
    var node = cluster.topology().node("node1");
    String address = version.of(Addresses.node4(node), Addresses.node6(node));
    return cluster
        .start(
            Cluster.host("client"),
            Traffic.Spec.newFlows(protocol, address, port, 50).timeout(300).count(3))
        .await()
        .answers();
  }

  private void awaitAnswers(String protocol, IpVersion version, int port) {
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(() -> assertThat(answers(protocol, version, port)).isEqualTo(3));
  }

  private long hits(String policy) {
    return cluster.node("node1").dump("policy").stream()
        .filter(row -> row.path("about").asText().startsWith("then "))
        .filter(row -> row.path("policy").asText().equals(policy))
        .mapToLong((JsonNode row) -> row.path("hits").asLong())
        .max()
        .orElse(-1);
  }

  @AllProtocols
  @Tag("INV-POL-1")
  @Tag("INV-POL-3")
  void itsOwnPolicyAndThenTheHostsAreAsked(String protocol, IpVersion version) {
    awaitAnswers(protocol, version, CLOSED);
    Access.enforce(cluster, policy(protocol));
    long before = cluster.node("node1").counted("to_host");
    assertThat(answers(protocol, version, CLOSED)).isZero();
    cluster.awaitCounted("node1", "to_host", before);
    assertThat(answers(protocol, version, PORT)).isEqualTo(3);
    assertThat(hits("GlobalNetworkPolicy tohost")).isEqualTo(3);
    assertThat(answers("tcp", version, FAILSAFE)).isEqualTo(3);
    assertThat(
            cluster
                .ask(Cluster.host("client"), protocol, cluster.address("web-1", version), 8080, 3)
                .failures())
        .as("to another pod")
        .isEmpty();
    Access.enforce(
        cluster, policy(protocol) + OWN.formatted(protocol.toUpperCase(Locale.ROOT), PORT));
    assertThat(answers(protocol, version, PORT)).as("its own policy denies").isZero();
    assertThat(answers(protocol, version, CLOSED)).as("the host's does").isZero();
  }
}
