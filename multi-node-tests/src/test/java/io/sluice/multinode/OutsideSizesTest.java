// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Addresses;
import io.sluice.lab.Probe;
import io.sluice.lab.Topology;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Bulk;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Datagrams of all sizes, alone and segmented by the device, and much data over TCP, where links
 * are of different MTUs: what fits arrives as it was sent, what does not is answered by one ICMP
 * that says what would fit, from the address that was asked.
 */
class OutsideSizesTest {
  /** Node3 alone, and a pod on each of the others, have links of the usual size. */
  private static final String TOPOLOGY =
      """
      links: {mtu: 9000}
      nodes: [{name: node1}, {name: node2}, {name: node3, mtu: 1500}]
      pods:
      - {name: client, node: node1}
      - {name: big-1, node: node1}
      - {name: web-1, node: node1, mtu: 1500}
      - {name: big-2, node: node2}
      - {name: web-2, node: node2, mtu: 1500}
      clients: [{name: client}, {name: client2}]
      """;

  @Nested
  @LabTest(topology = TOPOLOGY + "overlay: vxlan\n")
  class TunnelAndOverlayTest extends Sizes {
    TunnelAndOverlayTest(Cluster cluster) {
      super(cluster, false);
    }
  }

  @Nested
  @LabTest(topology = TOPOLOGY + "settings: {bpfExternalServiceMode: DSR}\n")
  class DsrTest extends Sizes {
    DsrTest(Cluster cluster) {
      super(cluster, true);
    }
  }

  /** What is the same in both modes. */
  abstract static class Sizes {
    private static final int BULK_PORT = 9000;
    private static final int MEGABYTE = 1 << 20;
    private static final int JUMBO = 9000;
    private static final int USUAL = 1500;
    private static final int JUMBO_SEND = 8000;

    /** Beyond what links take that leave room for the tag of a VLAN. */
    private static final int OVER = 5;

    private static final String OUTSIDE = "client";
    private static final String INSIDE = Cluster.host("client");
    private static final List<String> PODS = List.of("big-1", "web-1", "big-2", "web-2");

    private final Cluster cluster;
    private final boolean dsr;

    Sizes(Cluster cluster, boolean dsr) {
      this.cluster = cluster;
      this.dsr = dsr;
    }

    private static ServiceSpec service(String pod) {
      int number = 81 + PODS.indexOf(pod);
      return ServiceSpec.of("size-" + pod, number, pod)
          .offering(
              new ServiceSpec.Port("udp", "UDP", 53, 5353),
              new ServiceSpec.Port("bulk", "TCP", BULK_PORT, BULK_PORT))
          .balancedAt(number)
          .onNodePorts(30000 + 10 * number);
    }

    @BeforeEach
    void apply() {
      cluster.faults().spreadOver("node1");
      PODS.forEach(pod -> cluster.applyEverywhere(service(pod)));
    }

    /** Where to ask, and the largest packet that gets there, and into the pod, and to the node. */
    private record Way(String host, String address, int port, int mtu, int pod, int link) {
      /** Whether segments have to be told, too: a pod's own link takes them of any size. */
      boolean tellsOfSegments() {
        return mtu < pod;
      }

      /** For what does not even get to the node that is asked: the router says so. */
      Way throughLink() {
        return link < JUMBO ? new Way(host, address, port, link, pod, link) : this;
      }
    }

    private String node(String name, IpVersion version) {
      var node = cluster.topology().node(name);
      return version.of(Addresses.node4(node), Addresses.node6(node));
    }

    private static boolean onNode2(String pod) {
      return pod.endsWith("2");
    }

    private static int podMtu(String pod) {
      return pod.startsWith("big") ? JUMBO : USUAL;
    }

    private static int inTunnel(int mtu, IpVersion version) {
      return mtu - (version == IpVersion.V4 ? 50 : 70);
    }

    private List<Way> ways(IpVersion version) {
      List<Way> ways = new ArrayList<>();
      boolean overlay = cluster.topology().overlay() == Topology.Overlay.VXLAN;
      for (String pod : PODS) {
        ServiceSpec service = service(pod);
        int own = podMtu(pod);
        int from1 = onNode2(pod) ? Math.min(own, inTunnel(JUMBO, version)) : own;
        int from3 = Math.min(own, inTunnel(USUAL, version));
        int between = onNode2(pod) && overlay ? from1 : own;
        ways.add(
            new Way(OUTSIDE, node("node1", version), service.nodePort("udp"), from1, own, JUMBO));
        ways.add(
            new Way(OUTSIDE, service.balancer(version), service.port("udp"), from1, own, JUMBO));
        ways.add(
            new Way(OUTSIDE, node("node3", version), service.nodePort("udp"), from3, own, USUAL));
        ways.add(new Way(INSIDE, cluster.address(pod, version), 5353, between, own, JUMBO));
        ways.add(
            new Way(INSIDE, service.address(version), service.port("udp"), between, own, JUMBO));
        ways.add(
            new Way(INSIDE, node("node1", version), service.nodePort("udp"), between, own, JUMBO));
      }
      return ways;
    }

    @BothVersions
    @Tag("INV-ENC-2")
    @Tag("INV-ICMP-1")
    void aDatagramArrivesOrIsToldTheSizeThatDoes(IpVersion version) {
      int headers = version == IpVersion.V4 ? 28 : 48;
      for (Way way : ways(version)) {
        int largest = way.mtu() - headers;
        Probe.Report fits =
            cluster.lab().probe(way.host(), Probe.of(way.address(), way.port(), largest).count(2));
        assertThat(fits.said()).as("%s bytes, %s", largest, way).isEmpty();
        assertThat(fits.exact()).as("%s bytes, %s", largest, way).isEqualTo(2);
        if (way.mtu() >= way.link()) {
          continue; // the sender's own stack says it
        }
        Probe.Report tooBig =
            cluster.lab().probe(way.host(), Probe.of(way.address(), way.port(), largest + OVER));
        assertTold(tooBig, way, version);
        assertThat(tooBig.said()).as("%s bytes, %s", largest + OVER, way).hasSize(1);
        Probe.Report jumbo =
            cluster.lab().probe(way.host(), Probe.of(way.address(), way.port(), JUMBO_SEND));
        if (way.mtu() - headers < JUMBO_SEND) {
          assertTold(jumbo, way.throughLink(), version);
          assertThat(jumbo.said()).as("%s bytes, %s", JUMBO_SEND, way).hasSize(1);
        } else {
          assertThat(jumbo.exact()).as("%s bytes, %s", JUMBO_SEND, way).isEqualTo(1);
        }
      }
    }

    private static void assertTold(Probe.Report report, Way way, IpVersion version) {
      assertThat(report.exact()).as("%s", way).isZero();
      assertThat(report.said()).as("%s", way).isNotEmpty();
      for (Probe.Said said : report.said()) {
        assertThat(said.error()).as("%s, %s", way, said).isEqualTo("EMSGSIZE");
        assertThat(said.icmp()).as("%s, %s", way, said).isTrue();
        assertThat(said.type()).as("%s, %s", way, said).isEqualTo(version == IpVersion.V4 ? 3 : 2);
        assertThat(said.code()).as("%s, %s", way, said).isEqualTo(version == IpVersion.V4 ? 4 : 0);
        assertThat(said.info()).as("%s, %s", way, said).isEqualTo(way.mtu());
        assertThat(said.quotedWrong()).as("%s, %s", way, said).isFalse();
      }
    }

    /** What the device makes of one send is judged by each datagram, not by their sum. */
    @BothVersions
    @Tag("INV-ENC-2")
    void segmentsAreJudgedEachForItself(IpVersion version) {
      int headers = version == IpVersion.V4 ? 28 : 48;
      for (Way way : ways(version)) {
        int largest = way.mtu() - headers;
        Probe many = Probe.of(way.address(), way.port(), 5 * largest + 100).segment(largest);
        Probe.Report fit = cluster.lab().probe(way.host(), many.count(2));
        assertThat(fit.said()).as("%s", way).isEmpty();
        assertThat(fit.exact()).as("%s", way).isEqualTo(12);
        if (way.tellsOfSegments()) {
          Probe tooBig =
              Probe.of(way.address(), way.port(), 5 * (largest + OVER)).segment(largest + OVER);
          assertTold(cluster.lab().probe(way.host(), tooBig), way, version);
        }
      }
    }

    /** Answers as large as the client's link takes. */
    @BothVersions
    @Tag("INV-ENC-2")
    void largeAnswersArrive(IpVersion version) {
      int headers = version == IpVersion.V4 ? 28 : 48;
      for (String pod : List.of("big-1", "big-2")) {
        int size = USUAL - headers;
        Probe probe = Probe.of(node("node1", version), service(pod).nodePort("udp"), 64);
        Probe.Report report = cluster.lab().probe(OUTSIDE, probe.give(size).count(3));
        assertThat(report.exact()).as("%s: %s", pod, report).isEqualTo(3);
      }
    }

    @ParameterizedTest(name = "{0}, offloads {1}")
    @CsvSource({"V4, on", "V4, off", "V6, on", "V6, off"})
    @Tag("INV-ENC-2")
    void muchDataOverTcpArrivesAsItWasSent(IpVersion version, String offloads) throws Exception {
      offload(offloads);
      try {
        for (String pod : PODS) {
          try (Bulk server = Bulk.serve(cluster, Cluster.host(pod), BULK_PORT)) {
            int port = service(pod).nodePort("tcp");
            // By the tunnel, answers of node2 would have to pass node3's link, whose MTU it does
            // not
            // know.
            for (String node : dsr ? List.of("node1", "node3") : List.of("node1")) {
              assertThat(Bulk.echoed(cluster, OUTSIDE, node(node, version), port, 2 * MEGABYTE))
                  .as("%s by %s", pod, node)
                  .isTrue();
            }
            String balancer = service(pod).balancer(version);
            assertThat(Bulk.uploaded(cluster, OUTSIDE, balancer, BULK_PORT, 2 * MEGABYTE))
                .as("%s by its load balancer", pod)
                .isTrue();
            assertThat(Bulk.echoed(cluster, INSIDE, node("node3", version), port, 2 * MEGABYTE))
                .as("%s from a pod", pod)
                .isTrue();
            assertThat(server.connections()).isEqualTo(dsr ? 4 : 3);
          }
        }
      } finally {
        offload("on");
      }
    }

    private void offload(String state) {
      List<String> hosts = new ArrayList<>(List.of(OUTSIDE, INSIDE));
      PODS.forEach(pod -> hosts.add(Cluster.host(pod)));
      for (String host : hosts) {
        cluster.run(host, "ethtool", "-K", "eth0", "tx", state, "tso", state, "gso", state);
      }
    }
  }
}
