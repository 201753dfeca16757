// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.ClusterView;
import io.sluice.multinode.harness.Fault;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Agents that do not hear of each other, while pods do. */
@LabTest(nodes = 3)
class PartitionTest {
  /** A pod on each node behind it. */
  private static final ServiceSpec WEB = ServiceSpec.of("web", 10, "web-1", "web-4", "web-6");

  private final Cluster cluster;

  PartitionTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void formed() {
    cluster.apply(WEB);
    cluster.awaitMembers();
  }

  private List<Traffic> load() {
    List<Traffic> load = new ArrayList<>();
    for (String client : List.of("client", "client-2", "client-3")) {
      for (IpVersion version : IpVersion.values()) {
        for (String protocol : List.of("tcp", "udp")) {
          load.add(
              cluster.start(
                  Cluster.host(client),
                  Traffic.Spec.newFlows(protocol, WEB.address(version), WEB.port(protocol), 20)));
        }
      }
    }
    return load;
  }

  private static void assertUnharmed(List<Traffic> load) {
    for (Traffic traffic : load) {
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).as("%s to %s", report.protocol(), report.target()).isEmpty();
      assertThat(report.backends().keySet())
          .contains("default/web-1", "default/web-4", "default/web-6");
    }
  }

  @Test
  @Tag("INV-CL-1")
  @Tag("INV-AG-1")
  void theMinorityDecidesNothingAndSaysSoAndBothSidesForwardOn() {
    List<Traffic> load = load();
    Fault cut = cluster.faults().cutClusterPort("node3");
    cluster.awaitDecides("node3", false);
    assertThat(cluster.node("node3").cluster().reasons()).isNotEmpty();
    assertThat(cluster.node("node3").sluice("status").text())
        .contains(cluster.node("node3").cluster().reasons().get(0));
    cluster.awaitMembers("node1", "node2");
    cluster.awaitDecides("node1", true);
    cluster.awaitDecides("node2", true);
    assertUnharmed(load);
    cut.heal();
    cluster.awaitMembers();
    cluster.awaitDecides("node3", true);
  }

  @Test
  @Tag("INV-CL-1")
  void withoutAnyMajorityNobodyDecidesAndAllForwardOn() {
    List<Traffic> load = load();
    Fault one = cluster.faults().cutClusterPort("node1");
    Fault two = cluster.faults().cutClusterPort(Set.of("node2"), Set.of("node3"));
    for (String node : List.of("node1", "node2", "node3")) {
      cluster.awaitDecides(node, false);
    }
    assertUnharmed(load);
    one.heal();
    two.heal();
    cluster.awaitMembers();
    for (String node : List.of("node1", "node2", "node3")) {
      cluster.awaitDecides(node, true);
    }
  }

  /** A node that is there, and has no time, is missed, and comes back as a member. */
  @Test
  @Tag("INV-CL-1")
  void aPausedAgentIsMissedAndFindsTheOthersAgain() {
    Fault pause = cluster.faults().pause("node2");
    cluster.awaitMembers("node1", "node3");
    pause.heal();
    cluster.awaitMembers();
    ClusterView view = cluster.node("node2").cluster();
    assertThat(view.decides()).isTrue();
  }

  /** As a switch that dies: neither pods nor agents of the node are heard. */
  @Test
  @Tag("INV-CL-1")
  void aCutLinkTakesTheNodeAwayAndItComesBack() {
    Fault cut = cluster.faults().cutLink("node2");
    cluster.awaitDecides("node2", false);
    cluster.awaitMembers("node1", "node3");
    cut.heal();
    cluster.awaitMembers();
  }
}
