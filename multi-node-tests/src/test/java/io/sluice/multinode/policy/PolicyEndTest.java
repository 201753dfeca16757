// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;

/** Flows that a change of policy denies end, where the setting says so. */
@LabTest(nodes = 2, settings = "policyEstablishedFlows=End")
class PolicyEndTest {
  private static final int PORT = 8080;
  private static final String CLIENT = Cluster.host("client");

  /** How long a flow may live on, ms. */
  private static final long BOUND = 10_000;

  /** How late an answer may be that was on its way then, ms. */
  private static final long ON_ITS_WAY = 200;

  private final Cluster cluster;

  PolicyEndTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @AfterEach
  void withoutPolicy() {
    cluster.delete(Access.NAME);
  }

  private double ended() {
    return cluster.nodes().stream()
        .mapToDouble(node -> node.metric("sluice_conntrack_denied_total"))
        .sum();
  }

  @AllProtocols
  @Tag("INV-POL-1")
  void establishedFlowsThatAreDeniedByNowEndAndOthersGoOn(String protocol, IpVersion version) {
    for (String server : new String[] {"web-1", "web-4"}) {
      Access.enforce(cluster, Access.clients());
      String address = cluster.address(server, version);
      Traffic flow =
          cluster.start(CLIENT, Traffic.Spec.lasting(protocol, address, PORT, 1, 20).timeout(1000));
      // Of another endpoint, and of this one's own opening: nobody denies these.
      Traffic other =
          cluster.start(
              Cluster.host(server),
              Traffic.Spec.lasting(protocol, cluster.address("client", version), PORT, 1, 20));
      await()
          .atMost(Cluster.PATIENCE)
          .until(() -> flow.progress().answers() >= 20 && other.progress().answers() >= 20);
      final double ended = ended();
      Access.enforce(cluster, Access.nobody());
      final long inForce = System.currentTimeMillis();
      await().atMost(Cluster.PATIENCE).until(() -> ended() > ended);
      final long seen = System.currentTimeMillis();
      final long others = other.progress().answers();
      await().atMost(Cluster.PATIENCE).until(() -> other.progress().answers() >= others + 50);
      Traffic.Report report = flow.stop();
      long last = report.startedEpochMs() + report.backends().get("default/" + server).lastMs();
      assertThat(last).isLessThan(inForce + BOUND);
      assertThat(last).as("nothing passes after that").isLessThan(seen + ON_ITS_WAY);
      assertThat(other.stop().failures()).isEmpty();
    }
  }
}
