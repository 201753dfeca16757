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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/** A node's own interface whose packets the kernel's conntrack is to know. */
@LabTest(
    topology =
        """
        nodes: [{name: node1}]
        pods: [{name: web-1, node: node1}]
        clients: [{name: client}]
        overlay: none
        settings: {bpfForceTrackPacketsFromIfaces: "docker+,eth0"}
        """)
class ForceTrackTest {
  private static final String CLIENT = "client";
  private static final int PORT = 8089;

  /** Denied before the kernel has made an skb, if XDP were asked. */
  private static final String UNTRACKED =
      """
      apiVersion: projectcalico.org/v3
      kind: HostEndpoint
      metadata: {name: node1-eth0, labels: {edge: outer}}
      spec: {node: %s, interfaceName: eth0}
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: untracked}
      spec:
        selector: edge == 'outer'
        doNotTrack: true
        applyOnForward: true
        types: [Ingress]
        ingress: [{action: Deny}]
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: open}
      spec:
        order: 20
        selector: edge == 'outer'
        types: [Ingress, Egress]
        ingress: [{action: Allow}]
        egress: [{action: Allow}]
      """;

  private final Cluster cluster;

  ForceTrackTest(Cluster cluster) {
    this.cluster = cluster;
  }

  /** Somebody who asks the kernel's conntrack, as container engines' rules do. */
  @BeforeEach
  void withThirdParty() {
    cluster.run(
        "node1",
        "nft",
        "table inet third { chain c { type filter hook input priority 0; ct state new counter; }; }");
  }

  @AfterEach
  void clean() {
    cluster.run("node1", "nft", "delete table inet third");
    cluster.delete(Access.NAME);
  }

  private long answers(String protocol, IpVersion version) {
    var node = cluster.topology().node("node1");
    String address = version.of(Addresses.node4(node), Addresses.node6(node));
    return cluster
        .start(CLIENT, Traffic.Spec.newFlows(protocol, address, PORT, 50).timeout(300).count(3))
        .await()
        .answers();
  }

  @AllProtocols
  @Tag("INV-XDP-2")
  void theKernelTracksWhatComesByIt(String protocol, IpVersion version) {
    cluster.serve("node1", PORT);
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(() -> assertThat(answers(protocol, version)).isEqualTo(3));
    String family = version.of("ipv4", "ipv6");
    assertThat(cluster.run("node1", "cat", "/proc/net/nf_conntrack").lines())
        .anySatisfy(
            line -> assertThat(line).startsWith(family).contains(protocol, "dport=" + PORT));
  }

  @AllProtocols
  @Tag("INV-XDP-2")
  void xdpIsNotAskedAboutIt(String protocol, IpVersion version) {
    cluster.serve("node1", PORT);
    Access.enforce(
        cluster, UNTRACKED.formatted(cluster.lab().names().host(cluster.topology().node("node1"))));
    for (int i = 0; i < 3; i++) {
      assertThat(answers(protocol, version)).isEqualTo(3);
    }
    assertThat(cluster.node("node1").counted("untracked")).isZero();
  }
}
