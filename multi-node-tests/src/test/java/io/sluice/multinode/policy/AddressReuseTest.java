// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Topology;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/**
 * A pod on one node, with the address of a pod that is gone: the other node has approved flows of
 * that one's, and the next is asked about the very same ports as somebody new.
 */
@LabTest(
    topology =
        """
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: client, node: node1, labels: {role: client}}
        - {name: far, node: node2, labels: {role: open}}
        - {name: seat, node: node2}
        """)
class AddressReuseTest {
  private static final int PORT = 8080;
  private static final String CLIENT = Cluster.host("client");
  private static final String SEAT = Cluster.host("seat");
  private static final String OPEN = "open";
  private static final String CLOSED = "closed";
  private static final AtomicInteger PODS = new AtomicInteger();

  /** The client speaks with what is open, and lets nothing else speak to it. */
  private static final String POLICY =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: client}
      spec:
        selector: role == 'client'
        types: [Ingress, Egress]
        ingress: [{action: Allow, source: {selector: role == 'open'}}]
        egress: [{action: Allow, destination: {selector: role == 'open'}}]
      """;

  private final Cluster cluster;
  private final List<Traffic> steady = new ArrayList<>();

  AddressReuseTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void freeSeat() {
    Topology topology = cluster.topology();
    cluster.lab().describe(topology.withPods(topology.pods().subList(0, 2)));
    cluster.lab().unplug(seat());
    Access.enforce(cluster, POLICY);
  }

  @AfterEach
  void plugSeat() {
    cluster.delete("seat");
    if (cluster.lab().run(SEAT, "ip", "link", "show", "eth0").code() != 0) {
      cluster.lab().plug(seat());
    }
    cluster.lab().describe(cluster.topology());
    cluster.delete(Access.NAME);
  }

  private Topology.Pod seat() {
    return cluster.pod("seat");
  }

  /** Another pod takes the seat, whoever has it, in one step; all nodes know when this returns. */
  private void take(String role) {
    String name = "pod-" + PODS.incrementAndGet();
    if (cluster.lab().run(SEAT, "ip", "link", "show", "eth0").code() == 0) {
      cluster.lab().unplug(seat());
    }
    Access.enforce(cluster, "seat", Seat.manifest(cluster, seat(), name, role));
    cluster.lab().plug(seat(), Seat.device(seat(), name));
    Seat.awaitReady(cluster, "node2", Seat.device(seat(), name));
  }

  private static Traffic.Spec flows(String protocol, String address, int port) {
    return Traffic.Spec.lasting(protocol, address, PORT, 3, 20).sourcePort(port).timeout(1000);
  }

  private Traffic answered(String host, Traffic.Spec spec) {
    Traffic traffic = cluster.start(host, spec);
    await().atMost(Cluster.PATIENCE).until(() -> traffic.progress().answers() > 20);
    return traffic;
  }

  /** Between pods that stay, both ways and by both protocols, all the time. */
  private void startSteady(IpVersion version) {
    String client = cluster.address("client", version);
    String far = cluster.address("far", version);
    for (String protocol : List.of("tcp", "udp")) {
      steady.add(answered(CLIENT, Traffic.Spec.lasting(protocol, far, PORT, 3, 20)));
      steady.add(
          answered(Cluster.host("far"), Traffic.Spec.lasting(protocol, client, PORT, 3, 20)));
    }
  }

  private void assertSteady() {
    for (Traffic traffic : steady) {
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).as("of %s", report).isEmpty();
    }
    steady.clear();
  }

  /** The client is gone without a word: its connections are open for all that anybody knows. */
  private void leaveOpen(Traffic connections, String address) {
    String family = address.contains(":") ? "-6" : "-4";
    cluster.run(CLIENT, "ip", family, "route", "add", "blackhole", address);
    connections.stop();
    cluster.run(CLIENT, "ip", family, "route", "del", "blackhole", address);
  }

  /** Segments and datagrams that came to the seat, whether or not somebody listened. */
  private long tcpAndUdpSeen() {
    return cluster
        .run(SEAT, "nstat", "-asz", "TcpInSegs", "UdpInDatagrams", "Udp6InDatagrams")
        .lines()
        .filter(line -> !line.startsWith("#"))
        .mapToLong(line -> Long.parseLong(line.trim().split("\\s+")[1]))
        .sum();
  }

  /** The very same ports again, as somebody who starts anew. */
  private void assertSilent(String host, String address) {
    for (String protocol : List.of("tcp", "udp")) {
      Traffic.Spec again = flows(protocol, address, protocol.equals("tcp") ? 42000 : 41000);
      Traffic.Report report = cluster.start(host, again.duration(1500)).await();
      assertThat(report.attempts()).as(protocol).isPositive();
      assertThat(report.answers()).as(protocol).isZero();
    }
  }

  @BothVersions
  @Tag("INV-POL-1")
  void whoGetsTheAddressOfAPodThatTheClientSpeaksWithIsSomebodyNew(IpVersion version) {
    String address = cluster.address("seat", version);
    take(OPEN);
    startSteady(version);
    leaveOpen(answered(CLIENT, flows("tcp", address, 42000).reset()), address);
    Traffic datagrams = answered(CLIENT, flows("udp", address, 41000));
    take(CLOSED);
    long sent = datagrams.progress().attempts();
    await().atMost(Cluster.PATIENCE).until(() -> datagrams.progress().attempts() > sent + 50);
    long before = datagrams.progress().answers();
    await().atMost(Cluster.PATIENCE).until(() -> datagrams.progress().attempts() > sent + 200);
    assertThat(datagrams.stop().answers()).isEqualTo(before);
    long seen = tcpAndUdpSeen();
    assertSilent(CLIENT, address);
    assertThat(tcpAndUdpSeen()).as("segments and datagrams that arrived").isEqualTo(seen);
    assertSteady();
    take(OPEN);
    for (String protocol : List.of("tcp", "udp")) {
      assertThat(cluster.ask(CLIENT, protocol, address, PORT, 5).failures()).isEmpty();
    }
  }

  @BothVersions
  @Tag("INV-POL-1")
  void whoGetsTheAddressOfAPodThatSpokeToTheClientIsSomebodyNew(IpVersion version) {
    String address = cluster.address("client", version);
    take(OPEN);
    startSteady(version);
    Traffic datagrams = answered(SEAT, flows("udp", address, 41000));
    Traffic connections = answered(SEAT, flows("tcp", address, 42000));
    take(CLOSED);
    datagrams.stop();
    connections.stop();
    assertSilent(SEAT, address);
    assertSteady();
    take(OPEN);
    for (String protocol : List.of("tcp", "udp")) {
      assertThat(cluster.ask(SEAT, protocol, address, PORT, 5).failures()).isEmpty();
    }
  }

  /** Its policy does not know the address any more, and yet it is not met with silence. */
  @BothVersions
  @Tag("INV-POL-1")
  @Tag("INV-CT-4")
  void connectionsToAPodOfAnotherNodeThatIsGoneAreReset(IpVersion version) {
    String address = cluster.address("seat", version);
    take(OPEN);
    startSteady(version);
    Traffic connections = answered(CLIENT, flows("tcp", address, 42000).timeout(10_000));
    cluster.lab().unplug(seat());
    cluster.delete("seat");
    // Silence would end in TIMEOUT.
    Traffic.Report report = connections.await();
    assertThat(report.failures()).containsOnlyKeys("ECONNRESET");
    take(CLOSED);
    assertSilent(CLIENT, address);
    assertSteady();
  }
}
