// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.PacketCount;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;

/**
 * Node ports asked by pods and nodes, and what services say of who may ask, who answers, and who is
 * remembered, over three nodes.
 */
@LabTest(
    topology =
        """
        nodes: [{name: node1}, {name: node2}, {name: node3}]
        pods:
        - {name: client, node: node1}
        - {name: web-1, node: node1}
        - {name: web-2, node: node2}
        - {name: web-3, node: node3}
        clients: [{name: client}, {name: client2}]
        """)
class NodePortFromInsideTest {
  private static final String POD = Cluster.host("client");
  private static final String OUTSIDE = "client";
  private static final String OUTSIDE2 = "client2";
  private static final List<String> NODES = List.of("node1", "node2", "node3");
  private static final ServiceSpec SOLO = service("web-1");
  private static final ServiceSpec ALL = service("web-1", "web-2", "web-3");

  private final Cluster cluster;

  NodePortFromInsideTest(Cluster cluster) {
    this.cluster = cluster;
  }

  private static ServiceSpec service(String... pods) {
    return ServiceSpec.of("inside", 91, pods).balancedAt(91).onNodePorts(30910);
  }

  @AfterEach
  void remove() {
    cluster.deleteEverywhere(SOLO);
  }

  private String node(String name, IpVersion version) {
    var node = cluster.topology().node(name);
    return version.of(Addresses.node4(node), Addresses.node6(node));
  }

  private String outside(String client, IpVersion version) {
    var host =
        cluster.topology().clients().stream().filter(c -> c.name().equals(client)).findFirst();
    return version.of(Addresses.client4(host.orElseThrow()), Addresses.client6(host.orElseThrow()));
  }

  private Traffic.Report ask(String host, String protocol, String address, int port, int times) {
    return cluster
        .start(host, Traffic.Spec.newFlows(protocol, address, port, 200).count(times).timeout(1000))
        .await();
  }

  private Traffic.Report askNode(String host, String protocol, IpVersion version, String node) {
    return ask(host, protocol, node(node, version), ALL.nodePort(protocol), 6);
  }

  private static void assertAnswered(Traffic.Report report, String... pods) {
    assertThat(report.failures()).as("%s", report.target()).isEmpty();
    Set<String> some = report.backends().keySet();
    assertThat(List.of(pods)).as("%s", report.target()).containsAll(some);
  }

  private static void assertSeen(Traffic.Report report, String address) {
    assertThat(report.sources())
        .as("%s", report.target())
        .containsOnlyKeys(IpVersion.bracketed(address));
  }

  private static void assertRefused(Traffic.Report report) {
    assertThat(report.failures()).as("%s", report.target()).containsOnlyKeys("ECONNREFUSED");
    assertThat(report.durationMs()).isLessThan(900);
  }

  /** Nobody says anything. */
  private static void assertDropped(Traffic.Report report) {
    assertThat(report.answers()).as("%s: %s", report.target(), report.backends()).isZero();
    assertThat(Set.of("CONNECT_TIMEOUT", "TIMEOUT", "LOST"))
        .as("%s", report.target())
        .containsAll(report.failures().keySet());
  }

  @AllProtocols
  @Tag("INV-SVC-7")
  void podsReachThePortOfEveryNodeWhereverTheBackendIs(String protocol, IpVersion version) {
    for (String backend : List.of("web-1", "web-2", "web-3")) {
      cluster.applyEverywhere(service(backend));
      for (String node : NODES) {
        Traffic.Report report = askNode(POD, protocol, version, node);
        assertAnswered(report, "default/" + backend);
        assertSeen(report, cluster.address("client", version));
      }
    }
  }

  /** The pod itself is behind the port. */
  @AllProtocols
  @Tag("INV-SVC-7")
  @Tag("INV-SVC-8")
  void aPodReachesItselfByThePortOfEveryNode(String protocol, IpVersion version) {
    cluster.applyEverywhere(SOLO);
    for (String node : NODES) {
      assertAnswered(askNode(Cluster.host("web-1"), protocol, version, node), "default/web-1");
    }
  }

  @AllProtocols
  @Tag("INV-SVC-7")
  void aNodeReachesItsOwnPortAndThoseOfOthers(String protocol, IpVersion version) {
    cluster.applyEverywhere(ALL);
    for (String node : NODES) {
      assertAnswered(
          askNode("node1", protocol, version, node),
          "default/web-1",
          "default/web-2",
          "default/web-3");
    }
  }

  @AllProtocols
  @Tag("INV-SVC-10")
  void externalTrafficPolicyLocalHoldsForThoseOutside(String protocol, IpVersion version) {
    ServiceSpec local = service("web-2").having("externalTrafficPolicy", "Local");
    cluster.applyEverywhere(local);
    Traffic.Report there = askNode(OUTSIDE, protocol, version, "node2");
    assertAnswered(there, "default/web-2");
    assertSeen(there, outside(OUTSIDE, version));
    assertDropped(askNode(OUTSIDE, protocol, version, "node1"));
    // Who is inside is served by the cluster.
    assertAnswered(askNode(POD, protocol, version, "node1"), "default/web-2");
    String balancer = local.balancer(version);
    assertAnswered(ask(POD, protocol, balancer, local.port(protocol), 5), "default/web-2");
  }

  @AllProtocols
  @Tag("INV-SVC-10")
  void sourceRangesSayWhoMayAskTheLoadBalancer(String protocol, IpVersion version) {
    ServiceSpec ranged =
        ALL.having("loadBalancerSourceRanges", List.of("192.168.98.0/24", "fd00:99:2::/64"));
    cluster.applyEverywhere(ranged);
    String balancer = ranged.balancer(version);
    int port = ranged.port(protocol);
    assertAnswered(
        ask(OUTSIDE2, protocol, balancer, port, 10),
        "default/web-1",
        "default/web-2",
        "default/web-3");
    assertDropped(ask(OUTSIDE, protocol, balancer, port, 5));
    // The node port is not meant.
    assertAnswered(
        askNode(OUTSIDE, protocol, version, "node1"),
        "default/web-1",
        "default/web-2",
        "default/web-3");
  }

  /** Whatever node a flow comes by. */
  @AllProtocols
  @Tag("INV-SVC-4")
  void aClientOfASessionStaysWithItsBackend(String protocol, IpVersion version) {
    ServiceSpec session = ALL.having("sessionAffinity", "ClientIP");
    cluster.applyEverywhere(session);
    for (String client : List.of(OUTSIDE, OUTSIDE2)) {
      Traffic.Report report =
          ask(client, protocol, session.balancer(version), session.port(protocol), 30);
      assertThat(report.failures()).isEmpty();
      assertThat(report.backends()).as("of %s", client).hasSize(1);
      String first = report.backends().keySet().iterator().next().substring("default/".length());
      String[] others =
          ALL.pods().stream().filter(pod -> !pod.equals(first)).toArray(String[]::new);
      cluster.applyEverywhere(session.with(others));
      Traffic.Report moved =
          ask(client, protocol, session.balancer(version), session.port(protocol), 30);
      assertThat(moved.failures()).isEmpty();
      assertThat(moved.backends()).as("of %s", client).hasSize(1);
      assertThat(moved.backends()).as("of %s", client).doesNotContainKey("default/" + first);
      cluster.applyEverywhere(session);
    }
  }

  @AllProtocols
  @Tag("INV-SVC-6")
  void withoutBackendsEverybodyIsRefusedAtOnce(String protocol, IpVersion version) {
    ServiceSpec none = ALL.with();
    cluster.applyEverywhere(none);
    for (String host : List.of(OUTSIDE, POD, "node1")) {
      for (String node : List.of("node1", "node2")) {
        assertRefused(ask(host, protocol, node(node, version), none.nodePort(protocol), 2));
      }
      assertRefused(ask(host, protocol, none.balancer(version), none.port(protocol), 2));
    }
  }

  /** A node that gets a flow from another gives it to a pod of its own, never to a third node. */
  @AllProtocols
  @Tag("INV-DSR-2")
  void aFlowIsForwardedOnce(String protocol, IpVersion version) {
    cluster.applyEverywhere(ALL);
    cluster.faults().spreadOver("node1");
    String between = "ip saddr %s ip daddr %s udp dport 4789";
    String ip2 = node("node2", IpVersion.V4);
    String ip3 = node("node3", IpVersion.V4);
    Map<String, String> rules =
        Map.of("there", String.format(between, ip2, ip3), "back", String.format(between, ip3, ip2));
    try (PacketCount count = PacketCount.of(cluster, rules)) {
      Traffic.Report report = ask(OUTSIDE, protocol, ALL.balancer(version), ALL.port(protocol), 60);
      assertThat(report.failures()).isEmpty();
      assertThat(report.backends())
          .containsOnlyKeys("default/web-1", "default/web-2", "default/web-3");
      assertSeen(report, outside(OUTSIDE, version));
      assertThat(count.seen()).isEmpty();
    }
  }
}
