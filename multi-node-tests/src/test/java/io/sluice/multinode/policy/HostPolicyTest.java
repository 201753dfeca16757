// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/** Policy of a node's own interface, with a client outside of the cluster. */
@LabTest(
    topology =
        """
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: web-1, node: node1}
        - {name: web-2, node: node2}
        clients: [{name: client}]
        overlay: none
        """)
class HostPolicyTest {
  private static final String CLIENT = "client";
  private static final int PORT = 8088;
  private static final int FAILSAFE = 22;
  private static final ServiceSpec SERVICE = ServiceSpec.of("web", 41, "web-1").onNodePorts(30410);

  /** Nodes speak to each other, and node1 to everybody; all else is for the tests to allow. */
  private static final String BASE =
      """
      apiVersion: projectcalico.org/v3
      kind: HostEndpoint
      metadata: {name: node1-eth0, labels: {edge: outer}}
      spec: {node: %s, interfaceName: eth0}
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: base}
      spec:
        order: 10
        selector: edge == 'outer'
        types: [Ingress, Egress]
        ingress:
        - {action: Allow, source: {nets: ['%s/32']}}
        - {action: Allow, source: {nets: ['%s/128']}}
        egress: [{action: Allow}]
      """;

  private final Cluster cluster;

  HostPolicyTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void servers() {
    cluster.serve("node1", PORT);
    cluster.serve("node1", FAILSAFE);
    cluster.applyEverywhere(SERVICE);
  }

  @AfterEach
  void withoutPolicy() {
    cluster.delete(Access.NAME);
    for (IpVersion version : IpVersion.values()) {
      awaitAnswers("tcp", version, PORT);
    }
  }

  private String node(String name, IpVersion version) {
    var node = cluster.topology().node(name);
    return version.of(Addresses.node4(node), Addresses.node6(node));
  }

  private String base() {
    return BASE.formatted(
        cluster.lab().names().host(cluster.topology().node("node1")),
        node("node2", IpVersion.V4),
        node("node2", IpVersion.V6));
  }

  private void enforce(String... policies) {
    StringBuilder yaml = new StringBuilder(base());
    for (String policy : policies) {
      yaml.append("---\n").append(policy);
    }
    Access.enforce(cluster, yaml.toString());
  }

  /** A policy of the interface, about what enters by it. */
  private static String policy(String more, String rule) {
    return """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: tested}
        spec:
          order: 5
          selector: edge == 'outer'
          types: [Ingress]
          ingress: [%s]
        %s
        """
        .formatted(rule, more.isEmpty() ? "" : more.indent(2).stripTrailing());
  }

  private static String rule(String action, String protocol, int port) {
    return "{action: %s, protocol: %s, destination: {ports: [%d]}}"
        .formatted(action, protocol.toUpperCase(java.util.Locale.ROOT), port);
  }

  private long answers(String protocol, IpVersion version, int port) {
    return cluster
        .start(
            CLIENT,
            Traffic.Spec.newFlows(protocol, node("node1", version), port, 50).timeout(300).count(3))
        .await()
        .answers();
  }

  private void awaitAnswers(String protocol, IpVersion version, int port) {
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(() -> assertThat(answers(protocol, version, port)).isEqualTo(3));
  }

  private void awaitSilence(String protocol, IpVersion version, int port) {
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(() -> assertThat(answers(protocol, version, port)).isZero());
    assertThat(answers(protocol, version, port)).isZero();
  }

  @AllProtocols
  @Tag("INV-POL-1")
  @Tag("INV-POL-3")
  void theHostItselfIsReachedByWhatPolicyOrFailsafesAllow(String protocol, IpVersion version) {
    awaitAnswers(protocol, version, PORT);
    enforce();
    awaitSilence(protocol, version, PORT);
    assertThat(answers("tcp", version, FAILSAFE)).isEqualTo(3);
    enforce(policy("", rule("Allow", protocol, PORT)));
    awaitAnswers(protocol, version, PORT);
    enforce(policy("", "{action: Deny}"));
    awaitSilence(protocol, version, PORT);
    assertThat(answers("tcp", version, FAILSAFE)).isEqualTo(3);
    // The node's own pods are reached by it always.
    assertThat(
            cluster.ask("node1", protocol, cluster.address("web-1", version), 8080, 3).failures())
        .isEmpty();
  }

  @AllProtocols
  @Tag("INV-SVC-1")
  void whatIsForwardedIsJudgedWhereThePolicySaysSo(String protocol, IpVersion version) {
    int port = SERVICE.nodePort(protocol);
    int target = protocol.equals("tcp") ? 8080 : 5353;
    enforce();
    awaitSilence(protocol, version, PORT);
    assertThat(answers(protocol, version, port)).as("not applied on forward").isEqualTo(3);
    String others = ", {action: Allow}";
    enforce(policy("applyOnForward: true", rule("Deny", protocol, target) + others));
    awaitSilence(protocol, version, port);
    enforce(policy("applyOnForward: true", rule("Allow", protocol, target)));
    awaitAnswers(protocol, version, port);
    enforce(policy("preDNAT: true\napplyOnForward: true", rule("Deny", protocol, port)));
    long before = cluster.node("node1").counted("pre_dnat");
    awaitSilence(protocol, version, port);
    cluster.awaitCounted("node1", "pre_dnat", before);
  }

  @AllProtocols
  @Tag("INV-XDP-1")
  void xdpDropsAndAcceptsBeforeAllElse(String protocol, IpVersion version) {
    enforce(policy("doNotTrack: true\napplyOnForward: true", rule("Allow", protocol, PORT)));
    awaitAnswers(protocol, version, PORT);
    long before = cluster.node("node1").counted("untracked");
    enforce(
        policy(
            "doNotTrack: true\napplyOnForward: true",
            rule("Deny", protocol, SERVICE.nodePort(protocol))));
    awaitSilence(protocol, version, SERVICE.nodePort(protocol));
    cluster.awaitCounted("node1", "untracked", before);
    awaitSilence(protocol, version, PORT);
  }
}
