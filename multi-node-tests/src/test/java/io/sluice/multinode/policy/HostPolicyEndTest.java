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
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/**
 * Flows of a node's own interface that a change of policy denies end, where the setting says so: to
 * the host, from the host, and forwarded through it, in and out, also to another node.
 */
@LabTest(
    topology =
        """
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: web-1, node: node1}
        - {name: web-2, node: node2}
        clients: [{name: client}]
        overlay: none
        settings: {policyEstablishedFlows: End}
        """)
class HostPolicyEndTest {
  private static final String CLIENT = "client";
  private static final int PORT = 8088;

  /** What the client serves. */
  private static final int OUTSIDE = 8099;

  private static final int OTHER = 8077;
  private static final int FAILSAFE = 22;
  private static final ServiceSpec HERE = ServiceSpec.of("here", 42, "web-1").onNodePorts(30420);
  private static final ServiceSpec THERE = ServiceSpec.of("there", 43, "web-2").onNodePorts(30430);

  /** How late an answer may be that was on its way when the flow was ended, ms. */
  private static final long ON_ITS_WAY = 300;

  private static final String POLICY =
      """
      apiVersion: projectcalico.org/v3
      kind: HostEndpoint
      metadata: {name: node1-eth0, labels: {edge: outer}}
      spec: {node: %s, interfaceName: eth0}
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: ended}
      spec:
        selector: edge == 'outer'
        applyOnForward: true
        types: [Ingress, Egress]
        ingress: [%s{action: Allow}]
        egress: [%s{action: Allow}]
      """;

  private final Cluster cluster;

  HostPolicyEndTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void servers() {
    for (int port : new int[] {PORT, OTHER, FAILSAFE}) {
      cluster.serve("node1", port);
    }
    cluster.serve(CLIENT, OUTSIDE);
    cluster.applyEverywhere(HERE);
    cluster.applyEverywhere(THERE);
  }

  @AfterEach
  void withoutPolicy() {
    cluster.delete(Access.NAME);
  }

  private void enforce(String in, String out) {
    String node = cluster.lab().names().host(cluster.topology().node("node1"));
    Access.enforce(cluster, POLICY.formatted(node, in, out));
  }

  private static String deny(String protocol, int... ports) {
    String list = java.util.Arrays.toString(ports);
    return "{action: Deny, protocol: %s, destination: {ports: %s}}, "
        .formatted(protocol.toUpperCase(Locale.ROOT), list);
  }

  private Traffic flow(String from, String protocol, String address, int port) {
    return cluster.start(from, Traffic.Spec.lasting(protocol, address, port, 1, 20).timeout(1000));
  }

  private double ended() {
    return cluster.node("node1").metric("sluice_conntrack_denied_total");
  }

  private static long lastAnswer(Traffic.Report report) {
    return report.startedEpochMs()
        + report.backends().values().stream().mapToLong(Traffic.Count::lastMs).max().orElse(0);
  }

  @AllProtocols
  @Tag("INV-POL-1")
  @Tag("INV-POL-3")
  void establishedFlowsThatAreDeniedByNowEndAndOthersGoOn(String protocol, IpVersion version) {
    var node1 = cluster.topology().node("node1");
    String node = version.of(Addresses.node4(node1), Addresses.node6(node1));
    String outside = version.of(Addresses.CLIENT4, Addresses.CLIENT6);
    enforce("", "");
    Map<String, Traffic> denied = new LinkedHashMap<>();
    denied.put("to the host", flow(CLIENT, protocol, node, PORT));
    denied.put("to a pod", flow(CLIENT, protocol, node, HERE.nodePort(protocol)));
    denied.put("to another node", flow(CLIENT, protocol, node, THERE.nodePort(protocol)));
    denied.put("from the host", flow("node1", protocol, outside, OUTSIDE));
    denied.put("from a pod", flow(Cluster.host("web-1"), protocol, outside, OUTSIDE));
    Traffic failsafe = flow(CLIENT, "tcp", node, FAILSAFE);
    Traffic other = flow(CLIENT, protocol, node, OTHER);
    for (Traffic flow : denied.values()) {
      await().atMost(Cluster.PATIENCE).until(() -> flow.progress().answers() >= 20);
    }
    await()
        .atMost(Cluster.PATIENCE)
        .until(() -> failsafe.progress().answers() >= 20 && other.progress().answers() >= 20);
    final double before = ended();
    int backend = protocol.equals("tcp") ? 8080 : 5353;
    enforce(deny(protocol, PORT, FAILSAFE, backend), deny(protocol, OUTSIDE));
    await().atMost(Cluster.PATIENCE).until(() -> ended() >= before + denied.size());
    final long seen = System.currentTimeMillis();
    for (Traffic alive : new Traffic[] {failsafe, other}) {
      final long answers = alive.progress().answers();
      await().atMost(Cluster.PATIENCE).until(() -> alive.progress().answers() >= answers + 50);
    }
    denied.forEach(
        (what, flow) -> assertThat(lastAnswer(flow.stop())).as(what).isLessThan(seen + ON_ITS_WAY));
    assertThat(failsafe.stop().failures()).isEmpty();
    assertThat(other.stop().failures()).isEmpty();
  }
}
