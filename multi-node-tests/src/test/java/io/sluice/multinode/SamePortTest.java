// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/**
 * A client's source port to two load balancers, two node ports and the pod itself, which all end at
 * one backend: five streams, of which none hears of the others.
 */
class SamePortTest {
  private static final String TOPOLOGY =
      """
      nodes: [{name: node1}, {name: node2}, {name: node3}]
      pods:
      - {name: client, node: node1}
      - {name: web, node: node2}
      """;

  @Nested
  @LabTest(topology = TOPOLOGY)
  class TunnelTest extends Streams {
    TunnelTest(Cluster cluster) {
      super(cluster);
    }
  }

  @Nested
  @LabTest(topology = TOPOLOGY + "settings: {bpfExternalServiceMode: DSR}\n")
  class DsrTest extends Streams {
    DsrTest(Cluster cluster) {
      super(cluster);
    }
  }

  /** What is the same in both modes. */
  abstract static class Streams {
    private static final ServiceSpec ONE =
        ServiceSpec.of("one", 41, "web").balancedAt(41).onNodePorts(30410);
    private static final ServiceSpec TWO =
        ServiceSpec.of("two", 42, "web").balancedAt(42).onNodePorts(30420);
    private static final int ANSWERS = 100;

    /** Of the next test: no flow of another is left in the way. */
    private static int port = 7000;

    private final Cluster cluster;

    Streams(Cluster cluster) {
      this.cluster = cluster;
    }

    @BeforeEach
    void apply() {
      cluster.applyEverywhere(ONE);
      cluster.applyEverywhere(TWO);
    }

    private String node(String name, IpVersion version) {
      var node = cluster.topology().node(name);
      return version.of(Addresses.node4(node), Addresses.node6(node));
    }

    private record Target(String address, int port) {}

    /** The pod itself is asked first: its tuple is the one that none of the others can have. */
    @AllProtocols
    @Tag("INV-SVC-9")
    void fiveStreamsFromOnePortStayApart(String protocol, IpVersion version) {
      List<Target> targets = services(protocol, version);
      targets.add(0, pod(protocol, version));
      assertApart(targets, protocol, version);
    }

    /** The pod itself is asked last: one of the others has its tuple by then. */
    @AllProtocols
    @Tag("INV-SVC-9")
    void andSoTheyDoWhenThePodIsAskedLast(String protocol, IpVersion version) {
      List<Target> targets = services(protocol, version);
      targets.add(pod(protocol, version));
      assertApart(targets, protocol, version);
    }

    private Target pod(String protocol, IpVersion version) {
      return new Target(cluster.address("web", version), protocol.equals("tcp") ? 8080 : 5353);
    }

    private List<Target> services(String protocol, IpVersion version) {
      List<Target> targets = new ArrayList<>();
      targets.add(new Target(ONE.balancer(version), ONE.port(protocol)));
      targets.add(new Target(TWO.balancer(version), TWO.port(protocol)));
      targets.add(new Target(node("node1", version), ONE.nodePort(protocol)));
      targets.add(new Target(node("node3", version), TWO.nodePort(protocol)));
      return targets;
    }

    private void assertApart(List<Target> targets, String protocol, IpVersion version) {
      int source = port++;
      List<Traffic> streams = new ArrayList<>();
      for (Target target : targets) {
        // Of different sizes: an answer that belongs to another is none.
        Traffic stream =
            cluster.start(
                "client",
                Traffic.Spec.lasting(protocol, target.address(), target.port(), 1, 10)
                    .sourcePort(source)
                    .size(500 + 100 * streams.size()));
        streams.add(stream);
        await("answers of " + target)
            .atMost(Cluster.PATIENCE)
            .until(() -> !stream.running() || stream.progress().answers() > 0);
      }
      await()
          .atMost(Cluster.PATIENCE)
          .until(
              () ->
                  streams.stream().allMatch(s -> !s.running() || s.progress().answers() > ANSWERS));
      for (int i = 0; i < streams.size(); i++) {
        Traffic.Report report = streams.get(i).stop();
        assertThat(report.failures()).as("%s", targets.get(i)).isEmpty();
        assertThat(report.answers()).as("%s", targets.get(i)).isGreaterThan(ANSWERS);
        assertThat(report.sources())
            .containsOnlyKeys(
                IpVersion.bracketed(version.of(Addresses.CLIENT4, Addresses.CLIENT6)));
      }
    }
  }
}
