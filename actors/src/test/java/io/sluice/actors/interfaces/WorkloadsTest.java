// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import static io.sluice.actors.testing.Resources.endpoint;
import static io.sluice.actors.testing.Resources.pod;
import static io.sluice.actors.testing.Resources.snapshot;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.limits.Limits;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Pod;
import io.sluice.config.model.QosControls;
import io.sluice.config.model.Resource;
import io.sluice.config.settings.Choices;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class WorkloadsTest {
  private static final InterfaceSettings SETTINGS = settings(false);
  private static final InterfaceSettings SPOOFING = settings(true);

  private static InterfaceSettings settings(boolean anySource) {
    return new InterfaceSettings(List.of("cali"), anySource, "^eth", Choices.Rpf.LOOSE);
  }

  private static Workloads of(Resource... resources) {
    return Workloads.of(snapshot(true, resources), "node1", SETTINGS, Workloads.NONE);
  }

  @Test
  void aPodIsOnTheInterfaceThatCniWouldHaveMade() {
    // printf default.web | sha1sum
    assertThat(Workloads.conventionalNic("cali", "default", "web"))
        .isEqualTo("cali" + "68caf03a5f4");
    Workloads workloads = of(pod("web", "node1", "10.244.1.2", "fd00:244:1::2"));
    Workload web = workloads.byNic().get("cali68caf03a5f4");
    assertThat(web.first(Family.IPV4)).isEqualTo(Ip.parse("10.244.1.2"));
    assertThat(web.first(Family.IPV6)).isEqualTo(Ip.parse("fd00:244:1::2"));
    assertThat(web.anySource()).isFalse();
    assertThat(workloads.addresses()).hasSize(2);
  }

  @Test
  void anEndpointSaysMoreThanItsPod() {
    Workloads workloads =
        of(
            pod("web", "node1", "10.244.1.2"),
            endpoint("web", "node1", "cali-web", "10.244.1.2", "10.244.1.3"));
    assertThat(workloads.byNic()).containsOnlyKeys("cali-web");
    assertThat(workloads.byNic().get("cali-web").addresses()).hasSize(2);
    assertThat(workloads.refusals()).isEmpty();
  }

  @Test
  void othersNodesPodsAndPodsWithoutNetworkAreNone() {
    Pod hostNetwork =
        new Pod(
            ObjectMeta.of("default", "proxy"),
            "node1",
            true,
            pod("x", "node1", "192.168.101.2").podIps(),
            List.of(),
            "default",
            false,
            List.of(),
            QosControls.NONE);
    Pod finished =
        new Pod(
            ObjectMeta.of("default", "job"),
            "node1",
            false,
            pod("x", "node1", "10.244.1.9").podIps(),
            List.of(),
            "default",
            true,
            List.of(),
            QosControls.NONE);
    Workloads workloads =
        of(
            hostNetwork,
            finished,
            pod("new", "node1"),
            pod("far", "node2", "10.244.2.2"),
            endpoint("far-too", "node2", "cali-far", "10.244.2.3"));
    assertThat(workloads.byNic()).isEmpty();
    assertThat(workloads.refusals()).isEmpty();
  }

  @Test
  void whoHasAnInterfaceOrAnAddressKeepsIt() {
    Resource second = endpoint("b", "node1", "cali1", "10.244.1.3");
    Workloads before = of(second);
    Resource first = endpoint("a", "node1", "cali1", "10.244.1.2");
    Resource sameAddress = endpoint("c", "node1", "cali2", "10.244.1.3");
    Workloads now =
        Workloads.of(snapshot(true, first, second, sameAddress), "node1", SETTINGS, before);
    assertThat(now.byNic()).containsOnlyKeys("cali1");
    assertThat(now.byNic().get("cali1").owner().name()).isEqualTo("b");
    assertThat(now.refusals())
        .containsExactly(
            "WorkloadEndpoint default/a: interface cali1 is WorkloadEndpoint default/b's, which is"
                + " older",
            "WorkloadEndpoint default/c: address 10.244.1.3 is WorkloadEndpoint default/b's, which"
                + " is older");
  }

  private static ObjectMeta made(String name, String when) {
    return new ObjectMeta(
        name, "default", Map.of(), Map.of(), "", "", Optional.of(Instant.parse(when)));
  }

  @Test
  void ofTwoNewOnesTheOlderResourceGetsIt() {
    Workloads workloads =
        of(
            endpoint(made("a", "2026-02-01T00:00:00Z"), "node1", "cali1", List.of(), "10.244.1.2"),
            endpoint(made("b", "2026-01-01T00:00:00Z"), "node1", "cali1", List.of(), "10.244.1.3"));
    assertThat(workloads.byNic().get("cali1").owner().name()).isEqualTo("b");
    assertThat(workloads.refusals()).hasSize(1);
  }

  @Test
  void anInterfaceThatIsNoWorkloadsIsRefused() {
    Workloads workloads =
        of(
            endpoint("a", "node1", "eth0", "10.244.1.2"),
            endpoint("b", "node1", "cali12345678901234", "10.244.1.3"),
            endpoint("c", "node1", "cali3"));
    assertThat(workloads.byNic()).isEmpty();
    assertThat(workloads.refusals())
        .hasSize(3)
        .anyMatch(line -> line.contains("\"eth0\"") && line.contains("interfacePrefix"))
        .anyMatch(line -> line.contains("it has no address"));
  }

  @Test
  @Tag("INV-RPF-1")
  void anySourceIsGrantedOnlyWhereItIsAskedForAndAllowedInFull() {
    Resource all =
        endpoint(
            ObjectMeta.of("default", "router"),
            "node1",
            "cali1",
            List.of("0.0.0.0/0", "::/0"),
            "10.244.1.2",
            "fd00:244:1::2");
    Resource some =
        endpoint(
            ObjectMeta.of("default", "nat"),
            "node1",
            "cali2",
            List.of("0.0.0.0/0"),
            "10.244.1.3",
            "fd00:244:1::3");
    Workloads granted = Workloads.of(snapshot(true, all, some), "node1", SPOOFING, Workloads.NONE);
    assertThat(granted.byNic().get("cali1").anySource()).isTrue();
    assertThat(granted.byNic().get("cali1").limits()).isEqualTo(Limits.NONE);
    assertThat(granted.byNic().get("cali2").anySource()).isFalse();
    assertThat(granted.byNic().get("cali2").limits().sources())
        .containsExactly(new Limits.Network(Ip.ANY4, 0));
    assertThat(granted.refusals()).isEmpty();
    Workloads denied = of(all, some);
    assertThat(denied.byNic().get("cali1").anySource()).isFalse();
    assertThat(denied.byNic().get("cali2").limits()).isEqualTo(Limits.NONE);
    assertThat(denied.refusals()).hasSize(2).allMatch(r -> r.contains("workloadSourceSpoofing"));
  }

  @Test
  void slotsThatTheJournalForgotBelongToWhoUsesThem() {
    assertThat(PromisedSlots.merge(Map.of("a", 1), Map.of("a", 7, "b", 1, "c", 3)))
        .containsOnly(Map.entry("a", 1), Map.entry("c", 3));
  }
}
