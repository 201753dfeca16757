// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.kernel.bpf.HookQuery;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.lab.OwnedProcess;
import io.sluice.lab.Traffic;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.harness.LabTest;
import io.sluice.multinode.harness.ServiceSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Agents that are killed, stopped and started, while traffic goes through a service. */
@LabTest(capture = false)
class RestartTest {
  private static final int KILLS = 10;
  private static final int LASTING = 25;
  private static final String CLIENT = Cluster.host("client");
  private static final ServiceSpec WEB = ServiceSpec.of("web", 10, "web-1", "web-2", "web-3");

  private final Cluster cluster;

  RestartTest(Cluster cluster) {
    this.cluster = cluster;
  }

  @BeforeEach
  void applyService() {
    cluster.apply(WEB);
  }

  /** Traffic of both families over one service. */
  private final class Load {
    private final Instant began = Instant.now();
    private final List<Traffic> all = new ArrayList<>();

    /**
     * @param perSecond new TCP connections, half of them for each family
     */
    Load(int perSecond) {
      int source = 4000;
      for (IpVersion version : IpVersion.values()) {
        String address = WEB.address(version);
        int half = perSecond / 2;
        all.add(start(Traffic.Spec.lasting("tcp", address, ServiceSpec.TCP_PORT, LASTING, 200)));
        all.add(
            start(
                Traffic.Spec.lasting("udp", address, ServiceSpec.UDP_PORT, 1, 20)
                    .sourcePort(source++)));
        all.add(start(Traffic.Spec.newFlows("tcp", address, ServiceSpec.TCP_PORT, half)));
      }
    }

    private Traffic start(Traffic.Spec spec) {
      return cluster.start(CLIENT, spec);
    }

    Duration age() {
      return Duration.between(began, Instant.now());
    }

    void assertUnharmed() {
      for (Traffic traffic : all) {
        Traffic.Report report = traffic.stop();
        assertThat(report.failures()).as("%s to %s", report.protocol(), report.target()).isEmpty();
        assertThat(report.changes()).as("backends changed: %s", report.firstChanges()).isZero();
        assertThat(report.answers()).isPositive();
      }
    }
  }

  /** What a restart must find again, and leave as it is. */
  private record Programmed(
      Set<String> nat, Set<String> interfaces, Set<String> routes, Map<String, HookQuery> hooks) {}

  private Programmed programmed() {
    return new Programmed(texts("nat"), texts("ifstate"), texts("routes"), hooks());
  }

  private Set<String> texts(String table) {
    Set<String> rows = new TreeSet<>();
    cluster.dump(table).forEach(row -> rows.add(row.toString()));
    return rows;
  }

  /** The revision of a hook tells of each change of it, also of one that was taken back. */
  private Map<String, HookQuery> hooks() {
    List<JsonNode> interfaces = cluster.dump("ifstate");
    return cluster.on(
        "node1",
        () -> {
          Map<String, HookQuery> hooks = new HashMap<>();
          for (JsonNode row : interfaces) {
            for (TcxLink.Hook hook : TcxLink.Hook.values()) {
              HookQuery query = HookQuery.of(row.path("ifindex").asInt(), hook);
              hooks.put(row.path("name").asText() + " " + hook, query);
            }
          }
          return hooks;
        });
  }

  private OwnedProcess agent() {
    return cluster.lab().agent("node1").orElseThrow();
  }

  private void startAgain(Programmed before) {
    cluster.lab().startAgent("node1");
    cluster.awaitReady();
    assertThat(programmed()).isEqualTo(before);
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  @Tag("INV-CT-6")
  @Tag("INV-PROG-6")
  void killsDisturbNoConnectionOldOrNew() {
    Programmed before = programmed();
    assertThat(before.hooks().values()).allSatisfy(h -> assertThat(h.attached()).hasSize(1));
    Load load = new Load(1000);
    for (int kill = 0; kill < KILLS; kill++) {
      agent().kill();
      startAgain(before);
    }
    assertThat(oldFlows(load.age().minusSeconds(2))).isGreaterThanOrEqualTo(2 * LASTING + 2);
    load.assertUnharmed();
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-CT-6")
  void aStopAndAPauseDisturbNoConnection() {
    Programmed before = programmed();
    Load load = new Load(200);
    agent().terminate();
    assertThat(cluster.lab().agent("node1")).isEmpty();
    // Nobody is there, and new connections are made all the same.
    Traffic.Report meanwhile = cluster.ask(CLIENT, "tcp", WEB, IpVersion.V4, 50);
    assertThat(meanwhile.failures()).isEmpty();
    startAgain(before);
    assertThat(oldFlows(load.age().minusSeconds(2))).isGreaterThanOrEqualTo(2 * LASTING + 2);
    load.assertUnharmed();
  }

  /**
   * Open flows of services that conntrack has known for so long. Read from the map itself, for
   * there are tens of thousands of closed ones beside them.
   */
  private long oldFlows(Duration age) {
    Path bpffs = cluster.lab().names().bpffs(cluster.topology().node("node1"));
    AtomicLong flows = new AtomicLong();
    try (Dataplane dataplane = PinnedDataplane.open(bpffs)) {
      long created = dataplane.jiffies() - age.toSeconds() * dataplane.hz();
      for (Family family : Family.values()) {
        dataplane
            .ct(family)
            .forEach(
                (key, value) -> {
                  CtCommon c = value.c();
                  boolean open = (c.state() & (CtState.CT_FIN_A | CtState.CT_FIN_B)) == 0;
                  boolean ofService = (c.state() & CtState.CT_NAT_REVERSE) != 0;
                  if (open && ofService && c.created() - (int) created < 0) {
                    flows.incrementAndGet();
                  }
                });
      }
    }
    return flows.get();
  }

  /** What was removed while nobody was there goes when somebody is, and not before. */
  @Test
  @Tag("INV-AG-3")
  void whatChangedMeanwhileIsMadeUpForAtTheStart() {
    ServiceSpec gone = ServiceSpec.of("gone", 30, "web-1");
    ServiceSpec fresh = ServiceSpec.of("fresh", 31, "web-2");
    cluster.apply(gone);
    agent().kill();
    cluster.delete(gone.name());
    cluster.applyWithoutWaiting(fresh);
    assertThat(cluster.ask(CLIENT, "tcp", gone, IpVersion.V4, 5).failures()).isEmpty();
    cluster.lab().startAgent("node1");
    cluster.awaitReady();
    cluster.awaitInForce(fresh);
    cluster.delete(gone);
    cluster.delete(fresh);
  }

  /**
   * The agent dies as soon as a change shows in the maps, or before, and finds another change when
   * it comes back. Nobody notices, and what was promised (IDs) is kept.
   */
  @Test
  @Tag("INV-AG-2")
  @Tag("INV-SVC-2")
  @Tag("INV-SVC-3")
  void killsInTheMiddleOfChangesLeaveNoHalfService() {
    Map<String, Integer> ids = serviceIds();
    List<Traffic> load = new ArrayList<>();
    for (IpVersion version : IpVersion.values()) {
      for (String protocol : List.of("tcp", "udp")) {
        String address = WEB.address(version);
        load.add(
            cluster.start(
                CLIENT, Traffic.Spec.newFlows(protocol, address, WEB.port(protocol), 50)));
      }
    }
    String[][] sets = {{"web-1"}, {"web-2", "web-3"}, {"web-3"}, {"web-1", "web-2"}};
    for (int i = 0; i < sets.length; i++) {
      Set<String> before = texts("nat");
      cluster.applyWithoutWaiting(WEB.with(sets[i]));
      if (i % 2 == 0) {
        await().pollInterval(Duration.ofMillis(5)).until(() -> !texts("nat").equals(before));
      }
      agent().kill();
      cluster.applyWithoutWaiting(WEB);
      cluster.lab().startAgent("node1");
      cluster.awaitReady();
      cluster.awaitInForce(WEB);
      assertThat(serviceIds()).isEqualTo(ids);
    }
    for (Traffic traffic : load) {
      Traffic.Report report = traffic.stop();
      assertThat(report.failures()).as("%s to %s", report.protocol(), report.target()).isEmpty();
    }
  }

  private Map<String, Integer> serviceIds() {
    Map<String, Integer> ids = new TreeMap<>();
    for (JsonNode row : cluster.dump("nat")) {
      String frontend = row.path("protocol").asText() + " " + row.path("frontend").asText();
      ids.put(frontend, row.path("serviceId").asInt());
    }
    return ids;
  }
}
