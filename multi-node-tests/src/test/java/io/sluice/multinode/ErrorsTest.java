// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Bulk;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Errors about translated flows, and much data through them. */
@LabTest
class ErrorsTest {
  private static final String CLIENT = Cluster.host("client");

  /** On it nobody listens in any pod. */
  private static final int CLOSED_PORT = 9;

  private static final int BULK_PORT = 9000;
  private static final int MEGABYTE = 1 << 20;

  private static final ServiceSpec CLOSED =
      ServiceSpec.of("closed", 20, "web-1")
          .offering(
              new ServiceSpec.Port("tcp", "TCP", 80, CLOSED_PORT),
              new ServiceSpec.Port("udp", "UDP", 53, CLOSED_PORT));
  private static final ServiceSpec BULK =
      ServiceSpec.of("bulk", 21, "web-2")
          .offering(new ServiceSpec.Port("bulk", "TCP", BULK_PORT, BULK_PORT));

  private final Cluster cluster;

  ErrorsTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @AfterEach
  void undo() {
    offload("on");
    cluster.run("router", "ip", "link", "set", "client", "mtu", "1500");
  }

  private void offload(String state) {
    for (String pod : new String[] {"client", "web-2"}) {
      String host = Cluster.host(pod);
      cluster.run(host, "ethtool", "-K", "eth0", "tx", state, "tso", state, "gso", state);
    }
  }

  @AllProtocols
  @Tag("INV-ICMP-2")
  void aClosedPortBehindAServiceIsToldToTheClient(String protocol, IpVersion version) {
    cluster.apply(CLOSED);
    // Kernels limit how often they say it for datagrams.
    Traffic.Report report = cluster.ask(CLIENT, protocol, CLOSED, version, 3);
    assertThat(report.failures()).containsOnlyKeys("ECONNREFUSED");
    assertThat(report.failed()).isEqualTo(3);
    assertThat(report.durationMs()).isLessThan(1000);
  }

  @ParameterizedTest(name = "{0}, offloads {1}")
  @CsvSource({"V4, on", "V4, off", "V6, on", "V6, off"})
  void muchDataThroughAServiceArrivesAsItWasSent(IpVersion version, String offloads)
      throws Exception {
    cluster.apply(BULK);
    offload(offloads);
    try (Bulk server = Bulk.serve(cluster, Cluster.host("web-2"), BULK_PORT)) {
      assertThat(Bulk.echoed(cluster, CLIENT, BULK.address(version), BULK_PORT, 10 * MEGABYTE))
          .isTrue();
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  /**
   * A link on the way takes less than both ends think; the router says so, about the tuple that it
   * saw, which is not the client's.
   */
  @BothVersions
  @Tag("INV-ICMP-2")
  void pathMtuIsDiscoveredThroughTranslation(IpVersion version) throws Exception {
    var node = cluster.topology().node("node1");
    cluster.run(
        "router",
        "ip",
        "route",
        "replace",
        version.of(Addresses.podCidr4(node), Addresses.podCidr6(node)),
        "via",
        version.of(Addresses.node4(node), Addresses.node6(node)));
    cluster.run("router", "ip", "link", "set", "client", "mtu", "1400");
    ServiceSpec far =
        ServiceSpec.of("far", 22)
            .offering(new ServiceSpec.Port("bulk", "TCP", BULK_PORT, BULK_PORT))
            .at(Addresses.CLIENT4, Addresses.CLIENT6);
    cluster.apply(far);
    // How the pod's program sees an error that the host interface's has translated.
    long before = cluster.counted("bypass");
    try (Bulk server = Bulk.serve(cluster, "client", BULK_PORT)) {
      assertThat(Bulk.uploaded(cluster, CLIENT, far.address(version), BULK_PORT, MEGABYTE))
          .isTrue();
      assertThat(server.connections()).isEqualTo(1);
    }
    assertThat(cluster.counted("bypass")).isGreaterThan(before);
  }
}
