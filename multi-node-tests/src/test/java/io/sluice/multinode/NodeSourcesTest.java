// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/** A pod that sends from an allowed prefix to pods of another node, by the overlay. */
@LabTest(
    topology =
        """
        overlay: vxlan
        nodes: [{name: node1}, {name: node2}]
        pods:
        - {name: client, node: node1}
        - {name: web-1, node: node1}
        - {name: web-2, node: node2}
        """)
@Tag("INV-RPF-1")
class NodeSourcesTest {
  private static final String CLIENT = Cluster.host("client");
  private static final String LAB = "lab";
  private static final int PORT = 8080;
  private static final int UDP_PORT = 5353;
  private static final String SPOOFING =
      """
      apiVersion: projectcalico.org/v3
      kind: FelixConfiguration
      metadata: {name: default}
      spec: {workloadSourceSpoofing: Any}
      """;

  private final Cluster cluster;

  /** What the lab says of its pods. */
  private final String endpoints;

  private final List<String[]> added = new ArrayList<>();

  NodeSourcesTest(Cluster cluster) throws IOException {
    this.cluster = cluster;
    this.endpoints = Files.readString(cluster.lab().names().manifests().resolve(LAB + ".yaml"));
  }

  @BeforeEach
  void spoofing() {
    cluster.apply("spoofing", SPOOFING);
  }

  @AfterEach
  void undo() {
    cluster.apply(LAB, endpoints);
    cluster.delete("spoofing");
    added.forEach(a -> cluster.run(a[0], "ip", "addr", "del", a[1], "dev", a[2]));
  }

  private static String allowed(IpVersion version, int last) {
    return version.of("10.9.255." + last, "fd09::ff0" + last);
  }

  private static String refused(IpVersion version) {
    return version.of("10.10.0.1", "fd0a::1");
  }

  private void allow(String... networks) {
    String device = "  interfaceName: " + Addresses.hostInterface(cluster.pod("client")) + "\n";
    assertThat(endpoints).contains(device);
    String list = "  allowSpoofedSourcePrefixes: ['" + String.join("', '", networks) + "']\n";
    cluster.apply(LAB, endpoints.replace(device, device + list));
  }

  private void allow() {
    allow("10.9.0.0/16", "fd09::/32");
  }

  /** Gives a host an address that no route leads to. */
  private String address(String host, String device, String address) {
    String[] what = {host, address + (address.contains(":") ? "/128" : "/32"), device};
    // A duplicate is not looked for, or the address could not be used at once.
    if (address.contains(":")) {
      cluster.run(host, "ip", "addr", "add", what[1], "dev", device, "nodad");
    } else {
      cluster.run(host, "ip", "addr", "add", what[1], "dev", device);
    }
    added.add(what);
    return address;
  }

  private static int port(String protocol) {
    return protocol.equals("tcp") ? PORT : UDP_PORT;
  }

  private Traffic.Report send(
      String host, String source, String protocol, String to, IpVersion version) {
    return cluster
        .start(
            host,
            Traffic.Spec.newFlows(protocol, cluster.address(to, version), port(protocol), 100)
                .count(10)
                .timeout(500)
                .source(source))
        .await();
  }

  private void awaitAnswers(String source, String protocol, IpVersion version) {
    await()
        .atMost(Cluster.PATIENCE)
        .untilAsserted(
            () ->
                assertThat(send(CLIENT, source, protocol, "web-2", version).failures()).isEmpty());
  }

  private Traffic lasting(String source, String protocol, IpVersion version) {
    return cluster.start(
        CLIENT,
        Traffic.Spec.lasting(protocol, cluster.address("web-2", version), port(protocol), 3, 20)
            .timeout(1000)
            .source(source));
  }

  @AllProtocols
  void theOtherNodesPodSeesTheAddressAndItsAnswersArrive(String protocol, IpVersion version) {
    String source = address(CLIENT, "eth0", allowed(version, 7));
    long before = cluster.counted("rpf");
    assertThat(send(CLIENT, source, protocol, "web-2", version).answers()).isZero();
    assertThat(cluster.counted("rpf")).isGreaterThanOrEqualTo(before + 10);
    allow();
    awaitAnswers(source, protocol, version);
    Traffic.Report report = send(CLIENT, source, protocol, "web-2", version);
    assertThat(report.failures()).isEmpty();
    assertThat(report.backends()).containsOnlyKeys("default/web-2");
    assertThat(report.sources()).containsOnlyKeys(IpVersion.bracketed(source));
    // It takes two: a source, and a route that is somebody else's affair.
    String family = version.of("-4", "-6");
    for (String node : List.of("node1", "node2")) {
      assertThat(cluster.run(node, "ip", family, "route", "show", "table", "all"))
          .doesNotContain(version.of("10.9.", "fd09:"));
      assertThat(cluster.node(node).dump("routes"))
          .noneMatch(row -> row.path("cidr").asText().startsWith(version.of("10.9.", "fd09:")));
    }
    cluster.apply(LAB, endpoints);
    await()
        .atMost(Cluster.PATIENCE)
        .until(() -> send(CLIENT, source, protocol, "web-2", version).answers() == 0);
  }

  @AllProtocols
  void whatIsNotAllowedOrComesFromTheWrongNodeIsDroppedAndCounted(
      String protocol, IpVersion version) {
    awaitAnswersOnceAllowed(protocol, version);
    String beside = address(CLIENT, "eth0", refused(version));
    long own = cluster.counted("rpf");
    assertThat(send(CLIENT, beside, protocol, "web-2", version).answers()).isZero();
    assertThat(cluster.counted("rpf")).isGreaterThanOrEqualTo(own + 10);
    // Hosts send what they like: it is the other node that looks.
    String unknown = address("node1", "lo", version.of("10.10.0.2", "fd0a::2"));
    long there = cluster.node("node2").counted("tunnel_source");
    assertThat(send("node1", unknown, protocol, "web-2", version).answers()).isZero();
    assertThat(cluster.node("node2").counted("tunnel_source")).isGreaterThanOrEqualTo(there + 10);
    String wrong = address("node2", "lo", allowed(version, 8));
    long here = cluster.counted("tunnel_source");
    assertThat(send("node2", wrong, protocol, "web-1", version).answers()).isZero();
    assertThat(cluster.counted("tunnel_source")).isGreaterThanOrEqualTo(here + 10);
    assertThat(cluster.flowsOf(wrong)).isEmpty();
  }

  private String awaitAnswersOnceAllowed(String protocol, IpVersion version) {
    String source = address(CLIENT, "eth0", allowed(version, 7));
    allow();
    awaitAnswers(source, protocol, version);
    return source;
  }

  @BothVersions
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  void flowsLiveThroughChangesAndKillsOfTheAgents(IpVersion version) {
    String source = awaitAnswersOnceAllowed("tcp", version);
    allow("10.9.0.0/16", "fd09::/32", "10.8.0.0/16");
    Traffic tcp = lasting(source, "tcp", version);
    Traffic udp = lasting(source, "udp", version);
    await().atMost(Cluster.PATIENCE).until(() -> udp.progress().answers() > 50);
    // One network less: every flow looks again.
    allow();
    for (String node : List.of("node2", "node1")) {
      cluster.lab().agent(node).orElseThrow().kill();
      cluster.lab().startAgent(node);
      cluster.awaitReady();
    }
    for (Traffic traffic : List.of(tcp, udp)) {
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).as(report.protocol()).isEmpty();
      assertThat(report.answers()).isPositive();
    }
  }

  @BothVersions
  void theyEndWithThePermission(IpVersion version) {
    String source = awaitAnswersOnceAllowed("udp", version);
    Traffic tcp = lasting(source, "tcp", version);
    Traffic udp = lasting(source, "udp", version);
    await().atMost(Cluster.PATIENCE).until(() -> udp.progress().answers() > 50);
    cluster.apply(LAB, endpoints);
    // It ends by itself when none of its connections lives.
    await().atMost(Cluster.PATIENCE).until(() -> !tcp.running());
    assertThat(tcp.stop().failures()).isNotEmpty();
    assertThat(udp.stop().failures()).isNotEmpty();
    await()
        .atMost(Cluster.PATIENCE)
        .until(() -> send(CLIENT, source, "tcp", "web-2", version).answers() == 0);
  }

  private JsonNode explain(String node, String source, IpVersion version) {
    return cluster
        .node(node)
        .json(
            "/api/v1/explain?protocol=tcp&port=%d&source=%s&destination=%s"
                .formatted(PORT, source, cluster.address("web-2", version)));
  }

  @BothVersions
  void explainKnowsWhoMaySend(IpVersion version) {
    String source = awaitAnswersOnceAllowed("tcp", version);
    JsonNode there = explain("node2", source, version);
    assertThat(there.path("verdict").asText()).isEqualTo("allowed");
    assertThat(there.path("candidates").path(0).path("reply").asText()).isEqualTo("by the tunnel");
    JsonNode here = explain("node1", source, version);
    assertThat(here.path("verdict").asText()).isEqualTo("allowed");
    assertThat(here.path("candidates").path(0).path("path").asText())
        .isEqualTo("overlay, by the tunnel");
  }
}
