// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Policy on two nodes: what it denies never arrives, what it allows is never lost. */
@LabTest(nodes = 2)
class PolicyTest {
  private static final int PORT = 8080;
  private static final int CHANGES = 20;
  private static final String CLIENT = Cluster.host("client");

  /** One of web's own, on each node; web-1 is on node1, web-4 on node2. */
  private static final List<String> STRANGERS = List.of("web-2", "web-5");

  private static final List<String> SERVERS = List.of("web-1", "web-4");

  private final Cluster cluster;

  PolicyTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @AfterEach
  void withoutPolicy() {
    cluster.delete(Access.NAME);
  }

  private static Traffic.Spec patient(Traffic.Spec spec) {
    return spec.timeout(10_000);
  }

  @AllProtocols
  @Tag("INV-POL-1")
  void whoMayMayAndWhoMayNotMayNot(String protocol, IpVersion version) {
    for (String server : SERVERS) {
      String address = cluster.address(server, version);
      assertThat(cluster.ask(Cluster.host("web-2"), protocol, address, PORT, 3).failures())
          .as("without policy")
          .isEmpty();
    }
    Access.enforce(cluster, Access.clients());
    for (String server : SERVERS) {
      String address = cluster.address(server, version);
      assertThat(cluster.ask(CLIENT, protocol, address, PORT, 5).failures()).isEmpty();
      for (String stranger : STRANGERS) {
        Traffic.Report report =
            cluster
                .start(
                    Cluster.host(stranger),
                    Traffic.Spec.newFlows(protocol, address, PORT, 50).timeout(300).count(3))
                .await();
        assertThat(report.answers()).as("%s to %s", stranger, server).isZero();
      }
    }
  }

  @Test
  @Tag("INV-POL-1")
  @Tag("INV-POL-2")
  @Tag("INV-AG-1")
  void changesUnderTrafficAndDeathsOfAgentsChangeNoVerdict() {
    Access.enforce(cluster, Access.clients());
    List<Traffic> allowed = new ArrayList<>();
    List<Traffic> denied = new ArrayList<>();
    for (IpVersion version : IpVersion.values()) {
      for (String server : SERVERS) {
        String address = cluster.address(server, version);
        for (String protocol : List.of("tcp", "udp")) {
          allowed.add(
              cluster.start(CLIENT, patient(Traffic.Spec.newFlows(protocol, address, PORT, 40))));
          allowed.add(
              cluster.start(CLIENT, patient(Traffic.Spec.lasting(protocol, address, PORT, 3, 50))));
          for (String stranger : STRANGERS) {
            denied.add(
                cluster.start(
                    Cluster.host(stranger),
                    Traffic.Spec.newFlows(protocol, address, PORT, 20).timeout(200)));
          }
        }
      }
    }
    List<String> variants =
        List.of(Access.clientsByAddress(cluster), Access.clientsByProtocol(), Access.clients());
    for (int i = 0; i < CHANGES; i++) {
      if (i == CHANGES / 2) {
        cluster.faults().killAll("node1", "node2").heal();
        cluster.awaitReady("node1", "node2");
      }
      Access.enforce(cluster, variants.get(i % variants.size()));
    }
    for (Traffic traffic : allowed) {
      Traffic.Report report = traffic.stop();
      String what = report.protocol() + " to " + report.target();
      assertThat(report.failures()).as(what).isEmpty();
      assertThat(report.answers()).as(what).isGreaterThan(20);
    }
    for (Traffic traffic : denied) {
      Traffic.Report report = traffic.stop();
      assertThat(report.answers()).as(report.protocol() + " to " + report.target()).isZero();
      assertThat(report.late()).isZero();
    }
  }

  @AllProtocols
  @Tag("INV-POL-1")
  void establishedFlowsAreKept(String protocol, IpVersion version) {
    Access.enforce(cluster, Access.clients());
    for (String server : SERVERS) {
      String address = cluster.address(server, version);
      Traffic flow = cluster.start(CLIENT, Traffic.Spec.lasting(protocol, address, PORT, 1, 20));
      await().atMost(Cluster.PATIENCE).until(() -> flow.progress().answers() >= 20);
      Access.enforce(cluster, Access.nobody());
      long then = flow.progress().answers();
      Traffic.Report fresh =
          cluster
              .start(
                  CLIENT, Traffic.Spec.newFlows(protocol, address, PORT, 50).timeout(300).count(3))
              .await();
      assertThat(fresh.answers()).as("a new flow").isZero();
      await().atMost(Cluster.PATIENCE).until(() -> flow.progress().answers() >= then + 50);
      assertThat(flow.stop().failures()).isEmpty();
      Access.enforce(cluster, Access.clients());
    }
  }
}
