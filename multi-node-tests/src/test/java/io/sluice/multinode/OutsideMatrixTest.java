// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.PacketCount;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Everybody asks everywhere that a service can be asked: its node port on both nodes, the address
 * of its load balancer, an external one; by TCP and UDP, over both families, with the backend on
 * the node that is asked and on the other, with and without an overlay, in both modes of return.
 */
class OutsideMatrixTest {
  private static final String HOSTS =
      """
      nodes: [{name: node1}, {name: node2}]
      pods:
      - {name: client, node: node1}
      - {name: web-1, node: node1}
      - {name: web-2, node: node2}
      clients: [{name: client}, {name: client2}]
      """;

  private static final String DSR = "settings: {bpfExternalServiceMode: DSR,";
  private static final String TUNNEL = "settings: {bpfExternalServiceMode: Tunnel,";

  /** The second client's answers go by the tunnel in any mode. */
  private static final String OPT_OUT = " bpfDSROptoutCIDRs: \"192.168.98.0/24,fd00:99:2::/64\"}\n";

  @Nested
  @LabTest(topology = HOSTS + "overlay: none\n" + TUNNEL + OPT_OUT)
  class TunnelTest extends Matrix {
    TunnelTest(Cluster cluster) {
      super(cluster, false);
    }
  }

  @Nested
  @LabTest(topology = HOSTS + "overlay: vxlan\n" + TUNNEL + OPT_OUT)
  class TunnelAndOverlayTest extends Matrix {
    TunnelAndOverlayTest(Cluster cluster) {
      super(cluster, false);
    }
  }

  @Nested
  @LabTest(topology = HOSTS + "overlay: none\n" + DSR + OPT_OUT)
  class DsrTest extends Matrix {
    DsrTest(Cluster cluster) {
      super(cluster, true);
    }
  }

  @Nested
  @LabTest(topology = HOSTS + "overlay: vxlan\n" + DSR + OPT_OUT)
  class DsrAndOverlayTest extends Matrix {
    DsrAndOverlayTest(Cluster cluster) {
      super(cluster, true);
    }
  }

  /** What is the same in all labs. */
  abstract static class Matrix {
    private static final int FLOWS = 3;
    private static final int REQUESTS = 20;

    /** Node1, by which all that comes from outside enters, has web-1, and node2 has web-2. */
    private static final ServiceSpec LOCAL = service("local", 31, "web-1");

    private static final ServiceSpec REMOTE = service("remote", 32, "web-2");

    private final Cluster cluster;
    private final boolean dsr;

    Matrix(Cluster cluster, boolean dsr) {
      this.cluster = cluster;
      this.dsr = dsr;
    }

    private static ServiceSpec service(String name, int number, String pod) {
      return ServiceSpec.of(name, number, pod)
          .balancedAt(number)
          .onNodePorts(30000 + 10 * number)
          .having(
              "externalIPs",
              List.of(external(number, IpVersion.V4), external(number, IpVersion.V6)));
    }

    private static String external(int number, IpVersion version) {
      return version.of("203.0.113.1" + number, "fd00:203::1" + number);
    }

    @BeforeEach
    void enterByTheFirstNode() {
      cluster.faults().spreadOver("node1");
      cluster.applyEverywhere(LOCAL);
      cluster.applyEverywhere(REMOTE);
    }

    /** Where to ask: an address and a port. */
    private record Target(String address, int port) {}

    private List<Target> targets(
        ServiceSpec service, String who, String protocol, IpVersion version) {
      List<Target> targets = new ArrayList<>();
      targets.add(new Target(node("node1", version), service.nodePort(protocol)));
      targets.add(new Target(service.balancer(version), service.port(protocol)));
      targets.add(new Target(external(service.number(), version), service.port(protocol)));
      if (!who.equals("client")) {
        targets.add(new Target(node("node2", version), service.nodePort(protocol)));
      }
      return targets;
    }

    private String node(String name, IpVersion version) {
      var node = cluster.topology().node(name);
      return version.of(Addresses.node4(node), Addresses.node6(node));
    }

    static Stream<Arguments> everything() {
      return Stream.of("client", "pod", "host")
          .flatMap(who -> protocols().map(p -> Arguments.of(who, p.get()[0], p.get()[1])))
          .flatMap(
              a ->
                  Stream.of("local", "remote")
                      .map(where -> Arguments.of(a.get()[0], a.get()[1], a.get()[2], where)));
    }

    static Stream<Arguments> protocols() {
      return Stream.of("tcp", "udp")
          .flatMap(p -> Stream.of(IpVersion.values()).map(v -> Arguments.of(p, v)));
    }

    private static String hostOf(String who) {
      return who.equals("pod") ? Cluster.host("client") : who.equals("host") ? "node1" : who;
    }

    /** The addresses that a backend may see a client by. */
    private List<String> seen(String who, IpVersion version) {
      List<String> addresses =
          switch (who) {
            case "client" -> List.of(version.of(Addresses.CLIENT4, Addresses.CLIENT6));
            case "pod" -> List.of(cluster.address("client", version));
            // Its own, or that of its tunnel.
            default -> List.of(node("node1", version), version.of("10.244.1.0", "fd00:244:1::"));
          };
      return addresses.stream().map(IpVersion::bracketed).toList();
    }

    private Traffic start(String host, String protocol, Target target) {
      Traffic.Spec spec =
          Traffic.Spec.lasting(protocol, target.address(), target.port(), FLOWS, 10)
              .count(REQUESTS)
              .timeout(2000)
              .size(1000);
      return cluster.start(host, spec);
    }

    @ParameterizedTest(name = "{0} {1} {2} {3}")
    @MethodSource("everything")
    @Tag("INV-SVC-7")
    @Tag("INV-DSR-1")
    @Tag("INV-DSR-2")
    void isAnsweredByteForByteByTheBackendThatSeesTheClient(
        String who, String protocol, IpVersion version, String where) {
      ServiceSpec service = where.equals("local") ? LOCAL : REMOTE;
      Map<Target, Traffic> all = new LinkedHashMap<>();
      for (Target target : targets(service, who, protocol, version)) {
        all.put(target, start(hostOf(who), protocol, target));
      }
      for (Target target : all.keySet()) {
        Traffic.Report report = all.get(target).await();
        assertThat(report.failures()).as("%s", target).isEmpty();
        assertThat(report.answers()).as("%s", target).isEqualTo(REQUESTS);
        assertThat(report.backends())
            .as("%s", target)
            .containsOnlyKeys("default/" + service.pods().get(0));
        assertThat(seen(who, version)).as("%s", target).containsAll(report.sources().keySet());
      }
    }

    /** Only the backend's node answers under DSR; else, and for who opted out, the one asked. */
    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("protocols")
    @Tag("INV-DSR-1")
    void answersLeaveFromTheNodeThatTheModeSays(String protocol, IpVersion version) {
      for (var client : cluster.topology().clients()) {
        boolean direct = dsr && client.name().equals("client");
        String address = version.of(Addresses.client4(client), Addresses.client6(client));
        for (Target target : targets(REMOTE, "client", protocol, version)) {
          try (PacketCount count = PacketCount.byNode(cluster, target.address(), address)) {
            assertThat(start(client.name(), protocol, target).await().failures()).isEmpty();
            assertThat(count.seen())
                .as("answers to %s from %s", client.name(), target)
                .containsOnlyKeys(direct ? "node2" : "node1");
          }
        }
      }
    }
  }
}
