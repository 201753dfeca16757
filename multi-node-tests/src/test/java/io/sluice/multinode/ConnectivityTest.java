// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who reaches whom, and whom each sees. */
@LabTest
class ConnectivityTest {
  private static final String CLIENT = Cluster.host("client");
  private static final ServiceSpec WEB = ServiceSpec.of("web", 10, "web-1", "web-2", "web-3");
  private static final ServiceSpec EMPTY = ServiceSpec.of("empty", 11);
  private static final ServiceSpec SOLO = ServiceSpec.of("solo", 12, "web-1");
  private static final ServiceSpec KUBERNETES =
      ServiceSpec.of("kubernetes", 1, "web-1")
          .offering(new ServiceSpec.Port("https", "TCP", 443, 8080));

  /** Where a pod listens with both protocols. */
  private static final int POD_PORT = 8080;

  private static final int HOST_PORT = 9000;

  private final Cluster cluster;

  ConnectivityTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void applyServices() {
    cluster.apply(WEB);
    cluster.apply(EMPTY);
    cluster.apply(SOLO);
  }

  private static void assertAnsweredBy(Traffic.Report report, String... pods) {
    assertThat(report.failures()).isEmpty();
    assertThat(report.answers()).isEqualTo(report.attempts()).isPositive();
    assertThat(report.backends()).containsOnlyKeys(pods);
  }

  /** The clients that servers saw. */
  private static void assertSeen(Traffic.Report report, String... addresses) {
    assertThat(report.sources())
        .containsOnlyKeys(Stream.of(addresses).map(IpVersion::bracketed).toArray(String[]::new));
  }

  @AllProtocols
  @Tag("INV-SVC-1")
  void aServiceIsServedByAllItsPodsWhoSeeTheClientItself(String protocol, IpVersion version) {
    Traffic.Report report = cluster.ask(CLIENT, protocol, WEB, version, 60);
    assertAnsweredBy(report, "default/web-1", "default/web-2", "default/web-3");
    assertSeen(report, cluster.address("client", version));
  }

  @AllProtocols
  void podsReachEachOther(String protocol, IpVersion version) {
    Traffic.Report report =
        cluster.ask(CLIENT, protocol, cluster.address("web-2", version), POD_PORT, 10);
    assertAnsweredBy(report, "default/web-2");
    assertSeen(report, cluster.address("client", version));
  }

  @AllProtocols
  void aNodeReachesItsPods(String protocol, IpVersion version) {
    Traffic.Report report =
        cluster.ask("node1", protocol, cluster.address("web-2", version), POD_PORT, 10);
    assertAnsweredBy(report, "default/web-2");
  }

  @AllProtocols
  void podsReachTheirNode(String protocol, IpVersion version) {
    cluster.serve("node1", HOST_PORT);
    var node = cluster.topology().node("node1");
    String address = version.of(Addresses.node4(node), Addresses.node6(node));
    Traffic.Report report = cluster.ask(CLIENT, protocol, address, HOST_PORT, 10);
    assertAnsweredBy(report, "host/node1");
    assertSeen(report, cluster.address("client", version));
  }

  @AllProtocols
  void podsReachTheOutsideAndAreReached(String protocol, IpVersion version) {
    var node = cluster.topology().node("node1");
    cluster.run(
        "router",
        "ip",
        "route",
        "replace",
        version.of(Addresses.podCidr4(node), Addresses.podCidr6(node)),
        "via",
        version.of(Addresses.node4(node), Addresses.node6(node)));
    cluster.serve("client", HOST_PORT);
    String outside = version.of(Addresses.CLIENT4, Addresses.CLIENT6);
    Traffic.Report there = cluster.ask(CLIENT, protocol, outside, HOST_PORT, 10);
    assertAnsweredBy(there, "host/client");
    assertSeen(there, cluster.address("client", version));
    Traffic.Report back =
        cluster.ask("client", protocol, cluster.address("web-3", version), POD_PORT, 10);
    assertAnsweredBy(back, "default/web-3");
    assertSeen(back, outside);
  }

  @AllProtocols
  @Tag("INV-SVC-8")
  void aPodReachesItselfThroughItsService(String protocol, IpVersion version) {
    Traffic.Report alone = cluster.ask(Cluster.host("web-1"), protocol, SOLO, version, 10);
    assertAnsweredBy(alone, "default/web-1");
    assertSeen(alone, SOLO.address(version));
    Traffic.Report among = cluster.ask(Cluster.host("web-1"), protocol, WEB, version, 60);
    assertAnsweredBy(among, "default/web-1", "default/web-2", "default/web-3");
    assertSeen(among, WEB.address(version), cluster.address("web-1", version));
  }

  @AllProtocols
  @Tag("INV-SVC-6")
  void aServiceWithoutBackendsRefusesAtOnce(String protocol, IpVersion version) {
    Traffic.Report report = cluster.ask(CLIENT, protocol, EMPTY, version, 5);
    assertThat(report.failures()).containsOnlyKeys("ECONNREFUSED");
    assertThat(report.failed()).isEqualTo(5);
    // Sending took 50 ms of it.
    assertThat(report.durationMs()).isLessThan(1000);
  }

  @BothVersions
  @Tag("INV-SVC-6")
  void theServiceOfTheApiServerKeepsItsLastBackend(IpVersion version) {
    cluster.apply(KUBERNETES);
    cluster.applyWithoutWaiting(KUBERNETES.with());
    // Applied after it, and in force: so that one is no longer news, either.
    cluster.apply(SOLO.with("web-2"));
    assertAnsweredBy(cluster.ask(CLIENT, "tcp", KUBERNETES, version, 10), "default/web-1");
    cluster.apply(KUBERNETES.with("web-2"));
    assertAnsweredBy(cluster.ask(CLIENT, "tcp", KUBERNETES, version, 10), "default/web-2");
    cluster.delete(KUBERNETES);
  }

  @Test
  void datagramsWithoutChecksumArrive() {
    for (String offload : Set.of("on", "off")) {
      cluster.run(CLIENT, "ethtool", "-K", "eth0", "tx", offload);
      try {
        Traffic.Report report =
            cluster
                .start(
                    CLIENT,
                    Traffic.Spec.newFlows("udp", WEB.address(IpVersion.V4), 53, 100)
                        .count(30)
                        .withoutChecksum())
                .await();
        assertAnsweredBy(report, "default/web-1", "default/web-2", "default/web-3");
      } finally {
        cluster.run(CLIENT, "ethtool", "-K", "eth0", "tx", "on");
      }
    }
  }
}
