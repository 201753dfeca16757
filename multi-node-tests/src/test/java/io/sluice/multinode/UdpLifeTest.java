// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.lab.Addresses;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Datagrams from one source port outside, without pause, while all that can become of a service
 * becomes of it: it is made, its backends change, are gone and come back, it is deleted, and
 * another takes its address.
 */
class UdpLifeTest {
  private static final String TOPOLOGY =
      """
      nodes: [{name: node1}, {name: node2}]
      pods:
      - {name: web-1, node: node1}
      - {name: web-2, node: node2}
      - {name: web-3, node: node2}
      - {name: web-4, node: node1}
      """;

  @Nested
  @LabTest(topology = TOPOLOGY)
  class TunnelTest extends Life {
    TunnelTest(Cluster cluster) {
      super(cluster);
    }
  }

  @Nested
  @LabTest(topology = TOPOLOGY + "settings: {bpfExternalServiceMode: DSR}\n")
  class DsrTest extends Life {
    DsrTest(Cluster cluster) {
      super(cluster);
    }
  }

  /** What is the same in both modes. */
  abstract static class Life {
    private static final ServiceSpec FIRST = service("first", 61);

    /** Has the addresses and the node ports of the first, once that is gone. */
    private static final ServiceSpec SECOND =
        new ServiceSpec(
            "second",
            62,
            FIRST.ports(),
            FIRST.pods(),
            FIRST.others(),
            FIRST.annotations(),
            FIRST.fields(),
            FIRST.ingress());

    private final Cluster cluster;
    private final List<Traffic> flows = new ArrayList<>();

    Life(Cluster cluster) {
      this.cluster = cluster;
    }

    private static ServiceSpec service(String name, int number) {
      return ServiceSpec.of(name, number).balancedAt(number).onNodePorts(30610);
    }

    private void awaitAll(Predicate<Traffic.Progress> wanted) {
      await()
          .atMost(Cluster.PATIENCE)
          .untilAsserted(
              () -> assertThat(flows).allSatisfy(f -> assertThat(f.progress()).matches(wanted)));
    }

    /** Returns when each flow has had more answers. */
    private void awaitAnswers() {
      for (Traffic flow : flows) {
        long before = flow.progress().answers();
        await().atMost(Cluster.PATIENCE).until(() -> flow.progress().answers() > before + 20);
      }
    }

    private void awaitFailures() {
      for (Traffic flow : flows) {
        long before = flow.progress().failed();
        await().atMost(Cluster.PATIENCE).until(() -> flow.progress().failed() > before + 5);
      }
    }

    private long inForce(ServiceSpec service) {
      cluster.applyEverywhere(service);
      return System.currentTimeMillis();
    }

    @Test
    @Tag("INV-CT-4")
    @Tag("INV-SVC-3")
    @Tag("INV-SVC-6")
    void noDatagramGoesWhereNothingIsAnyMore() {
      var node = cluster.topology().node("node1");
      for (IpVersion version : IpVersion.values()) {
        String nodeAddress = version.of(Addresses.node4(node), Addresses.node6(node));
        int source = version == IpVersion.V4 ? 6000 : 6002;
        start(FIRST.balancer(version), FIRST.port("udp"), source);
        start(nodeAddress, FIRST.nodePort("udp"), source + 1);
      }
      // The first packets are older than the service.
      awaitAll(p -> p.attempts() > 10);
      assertThat(flows).allSatisfy(f -> assertThat(f.progress().answers()).isZero());
      long made = inForce(FIRST.with("web-1"));
      awaitAnswers();
      long moved = inForce(FIRST.with("web-2"));
      awaitAnswers();
      long zero = inForce(FIRST);
      awaitFailures();
      long again = inForce(FIRST.with("web-3"));
      awaitAnswers();
      cluster.deleteEverywhere(FIRST);
      long gone = System.currentTimeMillis();
      awaitAll(p -> p.attempts() > 10);
      long reused = inForce(SECOND.with("web-4"));
      awaitAnswers();
      for (Traffic flow : flows) {
        Traffic.Report report = flow.stop();
        String what = report.target() + " " + report.port();
        long start = report.startedEpochMs();
        Map<String, Traffic.Count> pods = report.backends();
        assertThat(pods)
            .as(what)
            .containsOnlyKeys("default/web-1", "default/web-2", "default/web-3", "default/web-4");
        assertBetween(what, pods.get("default/web-1"), 0, moved - start);
        assertBetween(what, pods.get("default/web-2"), made - start, zero - start);
        assertBetween(what, pods.get("default/web-3"), zero - start, gone - start);
        assertBetween(what, pods.get("default/web-4"), gone - start, Long.MAX_VALUE);
        assertThat(pods.get("default/web-1").firstMs()).as(what).isLessThan(made - start + SOON);
        assertThat(pods.get("default/web-3").firstMs()).as(what).isLessThan(again - start + SOON);
        assertThat(pods.get("default/web-4").firstMs()).as(what).isLessThan(reused - start + SOON);
        Traffic.Count refusals = report.failures().get("ECONNREFUSED");
        assertThat(refusals).as("%s: %s", what, report.failures()).isNotNull();
      }
    }

    /** Until a flow hears of a change that is in force. */
    private static final long SOON = 500;

    /** What is on its way when a change is in force arrives. */
    private static final long ON_ITS_WAY = 30;

    private static void assertBetween(String what, Traffic.Count answers, long from, long to) {
      assertThat(answers.firstMs()).as(what).isGreaterThanOrEqualTo(from - SOON);
      assertThat(answers.lastMs() - ON_ITS_WAY).as(what).isLessThanOrEqualTo(to);
    }

    private void start(String address, int port, int source) {
      Traffic.Spec spec = Traffic.Spec.lasting("udp", address, port, 1, 10);
      flows.add(cluster.start("client", spec.sourcePort(source).timeout(200)));
    }
  }
}
