// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pods that come, go, and pretend to be others. */
@LabTest
class InterfacesTest {
  private static final String CLIENT = Cluster.host("client");
  private static final String LATE = "web-3";
  private static final int PORT = 8080;
  private static final ServiceSpec ONE = ServiceSpec.of("one", 60, LATE);

  private final Cluster cluster;
  private final String device;

  InterfacesTest(Cluster cluster) {
    this.cluster = cluster;
    this.device = Addresses.hostInterface(cluster.pod(LATE));
  }

  @AfterEach
  void bringBack() {
    if (cluster.lab().agent("node1").isEmpty()) {
      cluster.lab().startAgent("node1");
      cluster.awaitReady();
    }
    if (cluster.lab().run("node1", "ip", "link", "show", device).code() != 0) {
      cluster.lab().plug(cluster.pod(LATE));
    }
    awaitReady();
  }

  private String state() {
    return cluster.dump("ifstate").stream()
        .filter(row -> row.path("name").asText().equals(device))
        .map(row -> row.path("state").asText())
        .findFirst()
        .orElse("absent");
  }

  private void awaitReady() {
    await()
        .atMost(Cluster.PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(state()).contains("ready4").contains("ready6"));
  }

  private void unplug() {
    cluster.lab().unplug(cluster.pod(LATE));
    await().atMost(Cluster.PATIENCE).until(() -> state().equals("absent"));
  }

  /**
   * Programs do not guard the interface yet, and a route leads to it all the same, as a CNI plugin
   * may have made it: only the agent's table stands before the pod.
   */
  @AllProtocols
  @Tag("INV-GAP-1")
  @Tag("INV-POL-1")
  void nothingReachesAPodBeforeItsProgramsDo(String protocol, IpVersion version) {
    unplug();
    cluster.lab().agent("node1").orElseThrow().kill();
    cluster.lab().plug(cluster.pod(LATE));
    String address = cluster.address(LATE, version);
    cluster.run("node1", "ip", "route", "replace", address, "dev", device);
    long before = tcpAndUdpSeen();
    Traffic.Report early =
        cluster
            .start(
                CLIENT, Traffic.Spec.newFlows(protocol, address, PORT, 200).count(200).timeout(300))
            .await();
    assertThat(early.answers()).isZero();
    assertThat(tcpAndUdpSeen()).isEqualTo(before);
    Traffic flood = cluster.start(CLIENT, Traffic.Spec.newFlows(protocol, address, PORT, 200));
    cluster.run("node1", "ip", "route", "del", address, "dev", device);
    cluster.lab().startAgent("node1");
    cluster.awaitReady();
    awaitReady();
    Traffic.Report after = cluster.ask(CLIENT, protocol, address, PORT, 50);
    assertThat(after.failures()).isEmpty();
    assertThat(tcpAndUdpSeen()).isGreaterThan(before);
    flood.stop();
  }

  /** Segments and datagrams that came to the pod, whether or not somebody listened. */
  private long tcpAndUdpSeen() {
    String counters =
        cluster.run(
            Cluster.host(LATE), "nstat", "-asz", "TcpInSegs", "UdpInDatagrams", "Udp6InDatagrams");
    return counters
        .lines()
        .filter(line -> !line.startsWith("#"))
        .mapToLong(line -> Long.parseLong(line.trim().split("\\s+")[1]))
        .sum();
  }

  @AllProtocols
  @Tag("INV-GAP-1")
  void aPodThatIsPluggedInUnderAFloodIsReachedFromThenOn(String protocol, IpVersion version) {
    unplug();
    String address = cluster.address(LATE, version);
    Traffic flood =
        cluster.start(CLIENT, Traffic.Spec.newFlows(protocol, address, PORT, 300).timeout(500));
    await().atMost(Cluster.PATIENCE).until(() -> flood.progress().attempts() > 100);
    cluster.lab().plug(cluster.pod(LATE));
    awaitReady();
    Traffic.Report after = cluster.ask(CLIENT, protocol, address, PORT, 100);
    assertThat(after.failures()).isEmpty();
    Traffic.Report all = flood.stop();
    assertThat(all.backends()).containsOnlyKeys("default/" + LATE);
  }

  @AllProtocols
  @Tag("INV-RPF-1")
  void aPodCannotSendFromAnAddressThatIsNotItsOwn(String protocol, IpVersion version) {
    String stolen = version.of("10.244.1.77", "fd00:244:1::77");
    String[] owner = {"addr", "add", stolen + version.of("/32", "/128"), "dev", "eth0"};
    cluster.lab().run(CLIENT, "ip", owner[0], owner[1], owner[2], owner[3], owner[4], "nodad");
    long before = cluster.counted("rpf");
    Traffic.Report report =
        cluster
            .start(
                CLIENT,
                Traffic.Spec.newFlows(protocol, cluster.address("web-1", version), PORT, 50)
                    .count(10)
                    .timeout(300)
                    .source(stolen))
            .await();
    assertThat(report.answers()).isZero();
    assertThat(cluster.counted("rpf")).isGreaterThanOrEqualTo(before + 10);
    assertThat(cluster.flowsOf(stolen)).isEmpty();
    cluster.run(CLIENT, "ip", "addr", "del", owner[2], "dev", "eth0");
  }

  @BothVersions
  @Tag("INV-CT-4")
  void connectionsToAPodThatIsGoneAreReset(IpVersion version) {
    cluster.apply(ONE);
    Traffic direct =
        cluster.start(
            CLIENT, Traffic.Spec.lasting("tcp", cluster.address(LATE, version), PORT, 5, 100));
    Traffic byService =
        cluster.start(CLIENT, Traffic.Spec.lasting("tcp", ONE.address(version), 80, 5, 100));
    for (Traffic traffic : new Traffic[] {direct, byService}) {
      await().atMost(Cluster.PATIENCE).until(() -> traffic.progress().answers() > 20);
    }
    unplug();
    // Silence would end in TIMEOUT.
    for (Traffic traffic : new Traffic[] {direct, byService}) {
      Traffic.Report report = traffic.await();
      assertThat(report.failures()).containsOnlyKeys("ECONNRESET");
      assertThat(report.failed()).isEqualTo(5);
    }
    cluster.delete(ONE);
  }

  @Test
  @Tag("INV-PROG-6")
  void aPodThatLeavesTakesItsTracesWithIt() {
    unplug();
    assertThat(cluster.dump("routes"))
        .noneMatch(r -> r.path("cidr").asText().startsWith(cluster.address(LATE, IpVersion.V4)));
    assertThat(cluster.run("node1", "ip", "route")).doesNotContain(device);
    cluster.lab().plug(cluster.pod(LATE));
    awaitReady();
    for (IpVersion version : IpVersion.values()) {
      String address = cluster.address(LATE, version);
      assertThat(cluster.ask(CLIENT, "tcp", address, PORT, 20).failures()).isEmpty();
      assertThat(
              cluster
                  .ask(Cluster.host(LATE), "tcp", cluster.address("web-1", version), PORT, 20)
                  .failures())
          .isEmpty();
    }
  }
}
