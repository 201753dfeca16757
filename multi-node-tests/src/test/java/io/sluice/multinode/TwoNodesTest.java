// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two nodes, each with an agent of its own; a router between them knows where pods live. */
@LabTest(nodes = 2)
class TwoNodesTest {
  private static final String CLIENT = Cluster.host("client");
  private static final int PORT = 8080;

  /** web-1 lives on node1 as the client does, web-4 on node2. */
  private static final ServiceSpec BOTH = ServiceSpec.of("both", 10, "web-1", "web-4");

  private final Cluster cluster;

  TwoNodesTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void applyService() {
    cluster.apply(BOTH);
  }

  @AllProtocols
  @Tag("INV-SVC-1")
  void aServiceReachesPodsOfBothNodesWhoSeeTheClient(String protocol, IpVersion version) {
    Traffic.Report report = cluster.ask(CLIENT, protocol, BOTH, version, 40);
    assertThat(report.failures()).isEmpty();
    assertThat(report.backends()).containsOnlyKeys("default/web-1", "default/web-4");
    assertThat(report.sources())
        .containsOnlyKeys(IpVersion.bracketed(cluster.address("client", version)));
  }

  @AllProtocols
  @Tag("INV-AG-1")
  void podsReachEachOtherAlsoWhileTheOtherNodesAgentIsDead(String protocol, IpVersion version) {
    String address = cluster.address("web-4", version);
    assertThat(cluster.ask(CLIENT, protocol, address, PORT, 10).failures()).isEmpty();
    cluster.lab().agent("node2").ifPresent(agent -> agent.kill());
    Traffic.Report report = cluster.ask(CLIENT, protocol, address, PORT, 10);
    assertThat(report.failures()).isEmpty();
    assertThat(report.backends()).containsOnlyKeys("default/web-4");
  }

  /** Traffic from outside is handed over by it. */
  @Test
  @Tag("INV-ENC-1")
  void theTunnelIsThereWithoutAnOverlay() {
    JsonNode status = cluster.status();
    assertThat(status.path("overlay").path("device").asText()).isEqualTo("vxlan.sluice");
    assertThat(status.path("overlay").path("vni").asInt()).isZero();
    assertThat(status.path("overlay").path("tunnelNodes").asInt()).isZero();
    assertThat(cluster.run("node1", "ip", "route")).doesNotContain("vxlan.sluice");
    assertThat(status.path("hostEndpoints").findValuesAsText("name")).containsExactly("eth0", "lo");
    assertThat(status.path("hostEndpoints").findValuesAsText("state")).containsOnly("ready");
  }
}
