// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Bulk;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Two nodes whose pods reach each other by VXLAN alone: the router between them knows no pods, and
 * what is not encapsulated is lost. Pods have the MTU of the underlay, which the tunnel has not.
 */
@LabTest(
    topology =
        """
        overlay: vxlan
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: client, node: node1}
        - {name: web-1, node: node1}
        - {name: client-2, node: node2}
        - {name: web-2, node: node2}
        """)
class OverlayTest {
  private static final String CLIENT = Cluster.host("client");
  private static final String CLIENT2 = Cluster.host("client-2");
  private static final String DEVICE = "vxlan.sluice";
  private static final int PORT = 8080;
  private static final int UDP_PORT = 5353;
  private static final int BULK_PORT = 9000;
  private static final int MEGABYTE = 1 << 20;

  /** Each with its only pod on the other node for one of the clients. */
  private static final ServiceSpec ON1 = ServiceSpec.of("on1", 11, "web-1");

  private static final ServiceSpec ON2 = ServiceSpec.of("on2", 12, "web-2");
  private static final ServiceSpec BOTH = ServiceSpec.of("both", 13, "web-1", "web-2");
  private static final ServiceSpec BULK =
      ServiceSpec.of("bulk", 14, "web-2")
          .offering(new ServiceSpec.Port("bulk", "TCP", BULK_PORT, BULK_PORT));

  private final Cluster cluster;

  OverlayTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @AfterEach
  void undo() {
    offload("on");
    for (ServiceSpec service : List.of(ON1, ON2, BOTH, BULK)) {
      cluster.delete(service.name());
    }
  }

  private void offload(String state) {
    for (String host : List.of(CLIENT, Cluster.host("web-2"))) {
      cluster.run(host, "ethtool", "-K", "eth0", "tx", state, "tso", state, "gso", state);
    }
  }

  private static int port(String protocol) {
    return protocol.equals("tcp") ? PORT : UDP_PORT;
  }

  private static String nodeAddress(Cluster cluster, String node, IpVersion version) {
    var where = cluster.topology().node(node);
    return version.of(Addresses.node4(where), Addresses.node6(where));
  }

  @AllProtocols
  @Tag("INV-ENC-1")
  void podsOfTwoNodesReachEachOther(String protocol, IpVersion version) {
    for (String[] pair : new String[][] {{"client", "web-2"}, {"client-2", "web-1"}}) {
      Traffic.Report report =
          cluster.ask(
              Cluster.host(pair[0]),
              protocol,
              cluster.address(pair[1], version),
              port(protocol),
              20);
      assertThat(report.failures()).isEmpty();
      assertThat(report.backends()).containsOnlyKeys("default/" + pair[1]);
      assertThat(report.sources())
          .containsOnlyKeys(IpVersion.bracketed(cluster.address(pair[0], version)));
    }
  }

  @BothVersions
  @Tag("INV-ENC-1")
  void podsOfTwoNodesPingEachOther(IpVersion version) {
    cluster.run(CLIENT, "ping", "-c3", "-i0.2", "-W2", cluster.address("web-2", version));
    cluster.run(CLIENT2, "ping", "-c3", "-i0.2", "-W2", cluster.address("web-1", version));
  }

  @AllProtocols
  @Tag("INV-SVC-1")
  @Tag("INV-ENC-1")
  void aServiceReachesItsPodsOnTheOtherNodeFromBothSides(String protocol, IpVersion version) {
    cluster.apply(ON1);
    cluster.apply(ON2);
    cluster.apply(BOTH);
    Traffic.Report there = cluster.ask(CLIENT, protocol, ON2, version, 20);
    assertThat(there.failures()).isEmpty();
    assertThat(there.backends()).containsOnlyKeys("default/web-2");
    assertThat(there.sources())
        .containsOnlyKeys(IpVersion.bracketed(cluster.address("client", version)));
    // The other node's maps may be a moment later.
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(
            () -> assertThat(cluster.ask(CLIENT2, protocol, ON1, version, 1).failures()).isEmpty());
    assertThat(cluster.ask(CLIENT2, protocol, ON1, version, 20).backends())
        .containsOnlyKeys("default/web-1");
    Traffic.Report both = cluster.ask(CLIENT, protocol, BOTH, version, 40);
    assertThat(both.failures()).isEmpty();
    assertThat(both.backends()).containsOnlyKeys("default/web-1", "default/web-2");
  }

  @AllProtocols
  @Tag("INV-ENC-1")
  void aHostReachesPodsOfTheOtherNode(String protocol, IpVersion version) {
    String pod = cluster.address("web-2", version);
    Traffic.Report report = cluster.ask("node1", protocol, pod, port(protocol), 10);
    assertThat(report.failures()).isEmpty();
    assertThat(report.sources())
        .containsOnlyKeys(IpVersion.bracketed(version.of("10.244.1.0", "fd00:244:1::")));
    cluster.run("node1", "ping", "-c2", "-i0.2", "-W2", pod);
  }

  @AllProtocols
  void aPodReachesTheOtherNodeItself(String protocol, IpVersion version) {
    cluster.serve("node2", 7000);
    String node = nodeAddress(cluster, "node2", version);
    assertThat(cluster.ask(CLIENT, protocol, node, 7000, 10).failures()).isEmpty();
  }

  @ParameterizedTest(name = "{0}, offloads {1}")
  @CsvSource({"V4, on", "V4, off", "V6, on", "V6, off"})
  @Tag("INV-ENC-2")
  void muchDataArrivesAsItWasSent(IpVersion version, String offloads) throws Exception {
    cluster.apply(BULK);
    offload(offloads);
    try (Bulk server = Bulk.serve(cluster, Cluster.host("web-2"), BULK_PORT)) {
      String pod = cluster.address("web-2", version);
      assertThat(Bulk.echoed(cluster, CLIENT, pod, BULK_PORT, 10 * MEGABYTE)).isTrue();
      String service = BULK.address(version);
      assertThat(Bulk.echoed(cluster, CLIENT, service, BULK_PORT, 10 * MEGABYTE)).isTrue();
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  /** Of the largest packet that its own link takes, and of the largest that the tunnel takes. */
  @BothVersions
  @Tag("INV-ENC-2")
  void whatIsTooBigForTheTunnelIsToldItsMtu(IpVersion version) {
    String pod = cluster.address("web-2", version);
    int headers = version == IpVersion.V4 ? 28 : 48;
    int mtu = version == IpVersion.V4 ? 1450 : 1430;
    for (int size : new int[] {1500, mtu + 1}) {
      // What an earlier packet was told must not keep this one from being sent.
      cluster.run(CLIENT, "ip", version.of("-4", "-6"), "route", "flush", "cache");
      Lab.Output tooBig = ping(pod, size - headers);
      assertThat(tooBig.code()).isNotZero();
      assertThat(tooBig.text().lines().skip(1).findFirst().orElseThrow())
          .startsWith("From ")
          .containsPattern("mtu ?= ?" + mtu);
    }
    assertThat(ping(pod, mtu - headers).code()).isZero();
    assertThat(cluster.run(CLIENT, "ip", "route", "get", pod)).contains("mtu " + mtu);
  }

  private Lab.Output ping(String address, int size) {
    return cluster
        .lab()
        .run(CLIENT, "ping", "-c2", "-i0.2", "-W2", "-M", "do", "-s", "" + size, address);
  }

  @Test
  @Tag("INV-ENC-1")
  void aDeviceThatIsDeletedUnderTrafficIsRepaired() {
    String pod = cluster.address("web-2", IpVersion.V4);
    Traffic lasting =
        cluster.start(CLIENT, Traffic.Spec.lasting("tcp", pod, PORT, 5, 50).timeout(10_000));
    Traffic fixed =
        cluster.start(
            CLIENT,
            Traffic.Spec.lasting("udp", pod, UDP_PORT, 1, 20).sourcePort(4000).timeout(200));
    for (int i = 0; i < 3; i++) {
      String before = cluster.run("node1", "cat", "/sys/class/net/" + DEVICE + "/ifindex");
      cluster.run("node1", "ip", "link", "del", DEVICE);
      awaitRoute();
      assertThat(cluster.run("node1", "cat", "/sys/class/net/" + DEVICE + "/ifindex"))
          .isNotEqualTo(before);
      await()
          .atMost(Cluster.PATIENCE)
          .untilAsserted(
              () -> assertThat(cluster.ask(CLIENT, "tcp", pod, PORT, 1).failures()).isEmpty());
      cluster.run("node1", "ip", "link", "set", DEVICE, "down");
      awaitRoute();
    }
    // Connections outlive it: TCP sends again, and entries find the new device.
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(
            () -> assertThat(cluster.ask(CLIENT, "udp", pod, UDP_PORT, 60).failures()).isEmpty());
    assertThat(lasting.stop().failures()).isEmpty();
    Traffic.Report udp = fixed.stop();
    assertThat(udp.answers()).isPositive();
    assertThat(udp.backends().get("default/web-2").lastMs())
        .as("the flow of before works on")
        .isGreaterThan(udp.durationMs() - 500);
  }

  private void awaitRoute() {
    await()
        .atMost(Cluster.PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(
            () -> {
              for (IpVersion version : IpVersion.values()) {
                String net = version.of("10.244.2.0/24", "fd00:244:2::/64");
                String flag = version.of("-4", "-6");
                assertThat(cluster.run("node1", "ip", flag, "route", "show", net)).contains(DEVICE);
              }
            });
  }

  @Test
  @Tag("INV-ENC-1")
  @Tag("INV-AG-1")
  void aDeviceOfAnotherShapeIsReplacedAtTheStart() {
    cluster.lab().agent("node1").orElseThrow().kill();
    cluster.run("node1", "ip", "link", "del", DEVICE);
    cluster.run(
        "node1",
        "sh",
        "-c",
        "ip link add vxlan.sluice type vxlan id 7 dstport 4789 local 127.0.0.1");
    cluster.lab().startAgent("node1");
    cluster.awaitReady();
    assertThat(cluster.run("node1", "ip", "-d", "link", "show", DEVICE))
        .contains("external", "nolearning", "mtu 1450");
    String told = "vxlan.sluice was somebody else's vxlan with port 4789, vni 7";
    await().atMost(Cluster.PATIENCE).until(() -> cluster.agentLog().contains(told));
    assertThat(cluster.agentLog()).containsOnlyOnce(told);
    for (IpVersion version : IpVersion.values()) {
      String pod = cluster.address("web-2", version);
      assertThat(cluster.ask(CLIENT, "tcp", pod, PORT, 5).failures()).isEmpty();
    }
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  void killsOfTheAgentsDisturbNoConnectionOldOrNew() {
    cluster.apply(ON2);
    List<Traffic> load = new ArrayList<>();
    for (IpVersion version : IpVersion.values()) {
      String pod = cluster.address("web-2", version);
      String service = ON2.address(version);
      load.add(cluster.start(CLIENT, Traffic.Spec.lasting("tcp", service, 80, 10, 50)));
      load.add(
          cluster.start(
              CLIENT,
              Traffic.Spec.lasting("udp", pod, UDP_PORT, 1, 20)
                  .sourcePort(version == IpVersion.V4 ? 4004 : 4006)));
      // From another pod: from the same one, a new flow may get the ports of one of the service's.
      load.add(cluster.start(Cluster.host("web-1"), Traffic.Spec.newFlows("tcp", pod, PORT, 50)));
      load.add(cluster.start("node1", Traffic.Spec.newFlows("tcp", pod, PORT, 20)));
    }
    String device = cluster.run("node1", "ip", "link", "show", DEVICE);
    for (String node : List.of("node1", "node2", "node1")) {
      cluster.lab().agent(node).orElseThrow().kill();
      cluster.lab().startAgent(node);
      cluster.awaitReady();
    }
    for (Traffic traffic : load) {
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).as("%s to %s", report.protocol(), report.target()).isEmpty();
      assertThat(report.answers()).isPositive();
    }
    assertThat(cluster.run("node1", "ip", "link", "show", DEVICE)).isEqualTo(device);
  }

  @Test
  void theStatusShowsTheTunnel() {
    assertThat(cluster.status().path("overlay").toString())
        .isEqualTo(
            "{\"device\":\"vxlan.sluice\",\"port\":4789,\"vni\":4096,\"mtu4\":1450,\"mtu6\":1430,"
                + "\"addresses\":[\"10.244.1.0\",\"fd00:244:1::\"],\"tunnelNodes\":1,"
                + "\"directNodes\":0,\"underlayNodes\":0}");
    assertThat(cluster.dump("routes"))
        .anySatisfy(
            row -> {
              assertThat(row.path("cidr").asText()).isEqualTo("10.244.2.0/24");
              assertThat(row.path("flags").toString()).contains("tunneled");
              assertThat(row.path("device").asText()).isEqualTo(DEVICE);
              assertThat(row.path("nextHop").asText())
                  .isEqualTo(nodeAddress(cluster, "node2", IpVersion.V4));
            });
  }
}
