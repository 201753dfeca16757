// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Addresses;
import io.sluice.lab.Probe;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** What the nodes on the way, and the backend, say by ICMP reaches the client, about its packet. */
class TracerouteTest {
  private static final String TOPOLOGY =
      """
      nodes: [{name: node1}, {name: node2}]
      pods:
      - {name: web-1, node: node1}
      - {name: web-2, node: node2}
      """;

  @Nested
  @LabTest(topology = TOPOLOGY)
  class TunnelTest extends Paths {
    TunnelTest(Cluster cluster) {
      super(cluster);
    }
  }

  @Nested
  @LabTest(topology = TOPOLOGY + "settings: {bpfExternalServiceMode: DSR}\noverlay: vxlan\n")
  class DsrAndOverlayTest extends Paths {
    DsrAndOverlayTest(Cluster cluster) {
      super(cluster);
    }
  }

  /** What is the same in both modes. */
  abstract static class Paths {
    private static final int CLOSED_PORT = 9;
    private static final int MOST_HOPS = 8;
    private static final ServiceSpec LOCAL = service("local", 71, 5353, "web-1");
    private static final ServiceSpec REMOTE = service("remote", 72, 5353, "web-2");
    private static final ServiceSpec CLOSED1 = service("closed1", 73, CLOSED_PORT, "web-1");
    private static final ServiceSpec CLOSED2 = service("closed2", 74, CLOSED_PORT, "web-2");
    private static final List<ServiceSpec> ALL = List.of(LOCAL, REMOTE, CLOSED1, CLOSED2);

    private final Cluster cluster;

    Paths(Cluster cluster) {
      this.cluster = cluster;
    }

    private static ServiceSpec service(String name, int number, int target, String pod) {
      return ServiceSpec.of(name, number, pod)
          .offering(new ServiceSpec.Port("udp", "UDP", 53, target))
          .balancedAt(number)
          .onNodePorts(30000 + 10 * number);
    }

    @BeforeEach
    void apply() {
      cluster.faults().spreadOver("node1");
      ALL.forEach(cluster::applyEverywhere);
    }

    private record Target(String address, int port) {}

    private List<Target> targets(ServiceSpec service, IpVersion version) {
      var node = cluster.topology().node("node1");
      return List.of(
          new Target(
              version.of(Addresses.node4(node), Addresses.node6(node)), service.nodePort("udp")),
          new Target(service.balancer(version), service.port("udp")));
    }

    /** Hops that answer, until the backend does: router, node, and the other node. */
    @BothVersions
    @Tag("INV-ICMP-1")
    @Tag("INV-ICMP-2")
    void everyHopOnTheWayTellsTheClient(IpVersion version) {
      for (Map.Entry<ServiceSpec, Integer> way : Map.of(LOCAL, 2, REMOTE, 3).entrySet()) {
        for (Target target : targets(way.getKey(), version)) {
          List<String> hops = new ArrayList<>();
          boolean arrived = false;
          for (int ttl = 1; ttl <= MOST_HOPS && !arrived; ttl++) {
            // Others send from others: an entry of an earlier probe makes no difference.
            Probe.Report report =
                cluster
                    .lab()
                    .probe("client", Probe.of(target.address(), target.port(), 100).ttl(ttl));
            arrived = report.exact() == 1;
            if (!arrived) {
              assertThat(report.said()).as("%s, TTL %s, after %s", target, ttl, hops).hasSize(1);
              Probe.Said said = report.said().get(0);
              assertThat(said.icmp()).isTrue();
              assertThat(said.type()).as("%s", said).isEqualTo(version == IpVersion.V4 ? 11 : 3);
              assertThat(said.code()).as("%s", said).isZero();
              assertThat(said.quotedWrong()).as("%s", said).isFalse();
              hops.add(said.from());
            }
          }
          assertThat(arrived).as("%s by %s", target, hops).isTrue();
          assertThat(hops).as("%s", target).hasSize(way.getValue());
          assertThat(hops.get(0)).isEqualTo(version.of("192.168.99.1", "fd00:99::1"));
        }
      }
    }

    /** From the address that the client spoke to, and about the packet that it sent. */
    @BothVersions
    @Tag("INV-ICMP-2")
    void aClosedPortOfTheBackendIsToldToTheClient(IpVersion version) {
      for (ServiceSpec service : List.of(CLOSED1, CLOSED2)) {
        for (Target target : targets(service, version)) {
          Probe.Report report =
              cluster.lab().probe("client", Probe.of(target.address(), target.port(), 100));
          int type = version == IpVersion.V4 ? 3 : 1;
          int code = version == IpVersion.V4 ? 3 : 4;
          assertThat(report.said())
              .as("%s", target)
              .containsExactly(
                  new Probe.Said(true, type, code, "ECONNREFUSED", 0, target.address(), false));
        }
      }
    }
  }
}
