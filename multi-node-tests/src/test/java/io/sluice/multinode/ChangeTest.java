// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.AllProtocols;
import io.sluice.multinode.harness.BothVersions;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.MapCensus;
import io.sluice.multinode.harness.ServiceSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Services and backends that come, change and go, while traffic runs. */
@LabTest
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ChangeTest {
  private static final int CHANGES = 100;
  private static final String CLIENT = Cluster.host("client");
  private static final ServiceSpec WEB = ServiceSpec.of("web", 10, "web-1", "web-2", "web-3");
  private static final String[][] SETS = {
    {"web-1", "web-2"}, {"web-3"}, {"web-1", "web-2", "web-3"}, {"web-2"}, {"web-2", "web-3"}
  };

  private final Cluster cluster;

  ChangeTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @AfterEach
  void removeServices() {
    cluster.delete(WEB);
  }

  /** Last: it leaves more flows behind than one dump shows, and others look for theirs in dumps. */
  @Test
  @Order(Integer.MAX_VALUE)
  @Tag("INV-SVC-3")
  @Tag("INV-POL-1")
  void backendsComeAndGoAndNoConnectionFails() {
    cluster.apply(WEB);
    List<Traffic> load = new ArrayList<>();
    for (IpVersion version : IpVersion.values()) {
      String address = WEB.address(version);
      load.add(cluster.start(CLIENT, Traffic.Spec.newFlows("tcp", address, 80, 250)));
      load.add(cluster.start(CLIENT, Traffic.Spec.newFlows("udp", address, 53, 100)));
      // Connections stay where they are: their pods are no backends any more, but there.
      load.add(cluster.start(CLIENT, Traffic.Spec.lasting("tcp", address, 80, 10, 50)));
    }
    for (int i = 0; i < CHANGES; i++) {
      cluster.apply(WEB.with(SETS[i % SETS.length]));
    }
    for (Traffic traffic : load) {
      Traffic.Report report = traffic.stop();
      String what = report.protocol() + " to " + report.target();
      assertThat(report.failures()).as(what).isEmpty();
      assertThat(report.changes()).as(what).isZero();
      assertThat(report.answers()).as(what).isGreaterThan(1000);
    }
  }

  @BothVersions
  @Tag("INV-SVC-3")
  @Tag("INV-CT-4")
  void datagramsOfAFixedPortLeaveARemovedBackendAtOnce(IpVersion version) {
    cluster.apply(WEB);
    Traffic flow =
        cluster.start(
            CLIENT, Traffic.Spec.lasting("udp", WEB.address(version), 53, 1, 5).sourcePort(5000));
    awaitAnswers(flow, 50);
    String pod = backendOf(cluster.address("client", version), 5000);
    List<String> others = new ArrayList<>(WEB.pods());
    others.remove(pod);
    cluster.apply(WEB.with(others.toArray(String[]::new)));
    long inForce = System.currentTimeMillis();
    awaitAnswers(flow, flow.progress().answers() + 200);
    Traffic.Report report = flow.stop();
    assertThat(report.failures()).isEmpty();
    assertThat(report.changes()).as("%s", report.firstChanges()).isEqualTo(1);
    assertThat(report.startedEpochMs() + report.backends().get("default/" + pod).lastMs())
        .as("the last answer of the removed one")
        .isLessThanOrEqualTo(inForce);
  }

  private static void awaitAnswers(Traffic traffic, long answers) {
    await().atMost(Cluster.PATIENCE).until(() -> traffic.progress().answers() >= answers);
  }

  /** The pod that a flow goes to now. */
  private String backendOf(String client, int port) {
    String opener = IpVersion.endpoint(client, port);
    String backend =
        cluster.dump("conntrack").stream()
            .filter(row -> row.path("client").asText().equals(opener))
            .map(row -> row.path("backend").asText())
            .findFirst()
            .orElseThrow();
    return WEB.pods().stream()
        .filter(
            pod ->
                List.of(IpVersion.values()).stream()
                    .map(v -> IpVersion.endpoint(cluster.address(pod, v), 5353))
                    .anyMatch(backend::equals))
        .findFirst()
        .orElseThrow();
  }

  @AllProtocols
  @Tag("INV-SVC-6")
  void aServiceAtZeroRefusesAndRecovers(String protocol, IpVersion version) {
    cluster.apply(WEB);
    assertThat(cluster.ask(CLIENT, protocol, WEB, version, 5).failures()).isEmpty();
    cluster.apply(WEB.with());
    Traffic.Report refused = cluster.ask(CLIENT, protocol, WEB, version, 3);
    assertThat(refused.failures()).containsOnlyKeys("ECONNREFUSED");
    assertThat(refused.failed()).isEqualTo(3);
    cluster.apply(WEB.with("web-3"));
    Traffic.Report again = cluster.ask(CLIENT, protocol, WEB, version, 5);
    assertThat(again.failures()).isEmpty();
    assertThat(again.backends()).containsOnlyKeys("default/web-3");
  }

  @AllProtocols
  void aServiceThatWasDeletedComesBack(String protocol, IpVersion version) {
    for (int round = 0; round < 3; round++) {
      cluster.apply(WEB);
      assertThat(cluster.ask(CLIENT, protocol, WEB, version, 10).failures()).isEmpty();
      cluster.delete(WEB);
      assertThat(cluster.ask(CLIENT, protocol, WEB, version, 1).answers()).isZero();
    }
  }

  /** Lessons 1: the flow is older than its service, and each of its packets renews its entry. */
  @BothVersions
  @Tag("INV-CT-4")
  void datagramsThatBeganBeforeTheirServiceFollowIt(IpVersion version) {
    ServiceSpec late = ServiceSpec.of("late", 40, "web-1");
    Traffic flow =
        cluster.start(
            CLIENT,
            Traffic.Spec.lasting("udp", late.address(version), 53, 1, 20)
                .sourcePort(5001)
                .timeout(200));
    await()
        .atMost(Cluster.PATIENCE)
        .until(() -> !cluster.flowsOf(cluster.address("client", version)).isEmpty());
    assertThat(flow.progress().answers()).isZero();
    cluster.apply(late);
    long inForce = System.currentTimeMillis();
    awaitAnswers(flow, 50);
    Traffic.Report report = flow.stop();
    assertThat(report.startedEpochMs() + report.backends().get("default/web-1").firstMs())
        .isLessThan(inForce + 200);
    cluster.delete(late);
  }

  @Test
  @Tag("INV-SVC-2")
  void noTwoServicesShareAnIdAndNoneIsQuicklyUsedAgain() {
    Map<Integer, String> owners = new HashMap<>();
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 4; i++) {
        // Gone before, or there already: either way its ID is its own.
        cluster.apply(ServiceSpec.of("one-" + i + "-" + round, 50 + i, SETS[i]));
      }
      for (JsonNode row : cluster.dump("nat")) {
        String owner = row.path("service").asText() + " " + row.path("frontend").asText();
        String before = owners.put(row.path("serviceId").asInt(), owner);
        assertThat(before).isIn(null, owner);
      }
      for (int i = 0; i < 4; i++) {
        cluster.delete(ServiceSpec.of("one-" + i + "-" + round, 50 + i, SETS[i]));
      }
    }
    // Five rounds of four services with two ports in two families.
    assertThat(owners).hasSize(5 * 4 * 2 * 2);
  }

  @Test
  void aRemovedServiceLeavesNothingBehindInTheMaps() {
    MapCensus before = MapCensus.of(cluster);
    cluster.apply(WEB);
    cluster.apply(WEB.with("web-2", "web-3"));
    assertThat(cluster.ask(CLIENT, "tcp", WEB, IpVersion.V4, 5).failures()).isEmpty();
    assertThat(MapCensus.of(cluster)).isNotEqualTo(before);
    cluster.delete(WEB);
    // Spans are freed a moment after the last packet can have read them.
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(MapCensus.of(cluster)).isEqualTo(before));
  }
}
