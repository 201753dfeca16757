// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static io.sluice.actors.services.TestNode.frontend;
import static io.sluice.actors.services.TestNode.here;
import static io.sluice.actors.services.TestNode.name;
import static io.sluice.actors.services.TestNode.pod;
import static io.sluice.actors.services.TestNode.service;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.kernel.FakeKernel;
import io.sluice.config.model.Weights;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both parts of a service's span, what the service says beside them, and its several frontends. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class WindowSyncTest {
  private TestNode node = new TestNode();

  @AfterEach
  void close() {
    assertThat(node.safety.violations()).isEmpty();
    node.close();
  }

  private void replaceNode(FakeKernel.Sizes sizes) {
    node.close();
    node = new TestNode(sizes);
  }

  /** Pod 1 on this node, with twice the weight of pod 2; pod 3 is for this node's clients alone. */
  private static WantedService web(Family family) {
    return service("web", family, 1)
        .with(
            List.of(here(family, 1), here(family, 1), pod(family, 2)),
            List.of(here(family, 1), here(family, 1), here(family, 3)));
  }

  private void settle(WantedService... services) {
    node.want(services);
    node.apply();
    node.settle();
  }

  private Service value(Family family) {
    return node.kernel.services.copy().get(node.id(name("web", family)));
  }

  /** The backend IDs of the service in the kernel, by the last part of their address. */
  private Map<Long, Integer> ids(Family family) {
    Map<Long, Integer> ids = new HashMap<>();
    Service service = value(family);
    Map<Integer, Backend> elements = node.kernel.backends.get(family).copy();
    for (int i = 0; i < service.count() + service.local(); i++) {
      Backend element = elements.get(service.base() + i);
      ids.put(element.addr().low() & 0xff, element.id());
    }
    return ids;
  }

  private int gen(int id) {
    return node.kernel.gens.copy().getOrDefault(id, new BackendGen(0)).gen();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  @Tag("INV-SVC-10")
  void bothPartsAreWrittenBeforeTheirServiceAndABackendHasOneId(Family family) {
    node.start();
    settle(web(family));
    int n = family.number();
    assertThat(node.safety.maps())
        .containsExactly("backends" + n, "services", "frontends" + n, "backend_gen");
    assertThat(node.windows())
        .isEqualTo(
            Map.of(
                frontend(family, 1),
                new TestNode.Windows(web(family).cluster(), web(family).local())));
    assertThat(value(family).count()).isEqualTo(3);
    assertThat(value(family).local()).isEqualTo(3);
    Map<Integer, Backend> elements = node.kernel.backends.get(family).copy();
    assertThat(elements.values().stream().map(Backend::id).collect(Collectors.toSet())).hasSize(3);
    elements
        .values()
        .forEach(
            element ->
                assertThat(element.flags())
                    .isEqualTo(
                        element.addr().equals(pod(family, 2).ip())
                            ? 0
                            : BackendFlags.BACKEND_LOCAL));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  void aBackendDiesWhenItLeavesBothParts(Family family) {
    node.start();
    settle(web(family));
    Map<Long, Integer> ids = ids(family);
    node.safety.forget();
    settle(web(family).with(List.of(pod(family, 2)), List.of(here(family, 1), here(family, 3))));
    assertThat(node.safety.maps()).doesNotContain("backend_gen");
    assertThat(ids(family)).isEqualTo(ids);
    settle(web(family).with(List.of(pod(family, 2)), List.of(here(family, 3))));
    assertThat(gen(ids.get(1L))).isEqualTo(1);
    assertThat(gen(ids.get(2L))).isZero();
    assertThat(gen(ids.get(3L))).isZero();
    settle(web(family).with(List.of(pod(family, 2)), List.of()));
    assertThat(gen(ids.get(3L))).isEqualTo(1);
    assertThat(node.kernel.backends.get(family).copy()).hasSize(1);
  }

  /** A pod that another node has now under the same address is the same backend. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whereABackendIsMayChange(Family family) {
    node.start();
    settle(service("web", family, 1, 1));
    Map<Long, Integer> ids = ids(family);
    WantedService moved =
        service("web", family, 1).with(List.of(here(family, 1)), List.of(here(family, 1)));
    settle(moved);
    assertThat(node.windows().get(frontend(family, 1)).local()).containsExactly(here(family, 1));
    assertThat(ids(family)).isEqualTo(ids);
    assertThat(gen(ids.get(1L))).isZero();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-4")
  void affinityAndTheMaglevFlagAreOneWriteOfTheService(Family family) {
    node.start();
    settle(web(family));
    assertThat(value(family).affinitySeconds()).isZero();
    node.safety.forget();
    settle(web(family).withAffinity(30));
    assertThat(node.safety.log()).hasSize(1).allMatch(line -> line.startsWith("services "));
    assertThat(value(family).affinitySeconds()).isEqualTo(30);
    assertThat(value(family).flags() & ServiceFlags.SERVICE_MAGLEV).isZero();

    node.safety.forget();
    settle(web(family).withAffinity(30).with(Optional.of(Weights.NONE)));
    assertThat(node.safety.log()).hasSize(1).allMatch(line -> line.startsWith("services "));
    assertThat(value(family).flags() & ServiceFlags.SERVICE_MAGLEV).isNotZero();
    // A service beyond the limits chooses at random, and its packets must not look for a table.
    node.safety.forget();
    node.syncer.tell(new ServiceSyncer.Configure(new MaglevLimits(1, 1)));
    node.apply();
    node.settle();
    assertThat(node.safety.log()).hasSize(1).allMatch(line -> line.startsWith("services "));
    assertThat(value(family).flags() & ServiceFlags.SERVICE_MAGLEV).isZero();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-AG-1")
  @Tag("INV-CT-6")
  void restartKeepsBothPartsAndWritesNothing(Family family) {
    WantedService all = web(family).withAffinity(30).with(Optional.of(Weights.NONE));
    node.start();
    settle(all);
    node.agree(1, all);
    node.apply();
    node.settle();
    for (int i = 0; i < 2; i++) {
      node.kill();
      node.safety.forget();
      node.start();
      settle(all);
      assertThat(node.safety.log()).isEmpty();
    }
    assertThat(node.table(all.name())).isEqualTo(TestNode.target(1, all).lut());
  }

  /** Whatever is wrong in the local part alone is mended, too. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  void aBrokenLocalPartIsRewritten(Family family) {
    node.start();
    settle(web(family));
    Service value = value(family);
    node.kill();
    Backend last = node.kernel.backends.get(family).copy().get(value.base() + 5);
    node.kernel
        .backends
        .get(family)
        .plant(
            value.base() + 5,
            new Backend(last.addr(), last.port(), last.flags(), last.service(), 77, 0));
    node.start();
    settle(web(family));
    node.safety.forgive();
    assertThat(node.windows().get(frontend(family, 1)).local()).isEqualTo(web(family).local());
    assertThat(value(family).base()).isNotEqualTo(value.base());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-6")
  void theApiServersServiceKeepsItsLastBackendsButNotTheLocalOnes(Family family) {
    node.start();
    WantedService kubernetes = service("kubernetes", family, 1);
    settle(kubernetes.with(List.of(here(family, 1)), List.of(here(family, 1))));
    settle(kubernetes);
    assertThat(node.windows().get(frontend(family, 1)))
        .isEqualTo(new TestNode.Windows(List.of(here(family, 1)), List.of()));
  }

  // Several frontends.

  private static WantedService withFrontends(Family family, int... flagsByAddress) {
    Map<FrontendKey, Integer> frontends = new HashMap<>();
    for (int i = 0; i < flagsByAddress.length; i++) {
      if (flagsByAddress[i] != 0) {
        frontends.put(frontend(family, i), flagsByAddress[i]);
      }
    }
    WantedService web = web(family);
    return new WantedService(
        web.name(), frontends, web.cluster(), web.local(), false, 0, Set.of(), Optional.empty());
  }

  /** NodePort to ClusterIP and back: who uses the cluster IP notices nothing. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-10")
  @Tag("INV-SVC-3")
  void aServiceThatLosesAFrontendKeepsTheOthersWithoutAPause(Family family) {
    int n = family.number();
    WantedService nodePort =
        withFrontends(family, FrontendFlags.FRONTEND_CLUSTER_IP, FrontendFlags.FRONTEND_NODE_PORT);
    WantedService clusterIp = withFrontends(family, FrontendFlags.FRONTEND_CLUSTER_IP);
    node.start();
    settle(nodePort);
    int service = node.id(nodePort.name());
    for (int flip = 0; flip < 3; flip++) {
      Map<Long, Integer> before = ids(family);
      node.safety.forget();
      settle(clusterIp);
      assertThat(node.safety.maps())
          .containsExactly(
              "backends" + n, "services", "frontends" + n, "backend_gen", "backends" + n);
      assertThat(node.safety.log())
          .filteredOn(line -> line.startsWith("frontends"))
          .singleElement()
          .asString()
          .endsWith("=null");
      assertThat(node.id(nodePort.name())).isEqualTo(service);
      assertThat(ids(family).values()).doesNotContainAnyElementsOf(before.values());
      before.values().forEach(id -> assertThat(gen(id)).isPositive());
      node.kill();
      node.start();
      node.safety.forget();
      settle(clusterIp);
      assertThat(node.safety.log()).as("a restart in between").isEmpty();
      settle(nodePort);
      assertThat(node.windows()).hasSize(2);
    }
  }

  /** Without room the service stays as it was, and its debt is paid when there is some. */
  @Test
  void losingAFrontendWithoutRoomIsMadeUpForLater() {
    replaceNode(new FakeKernel.Sizes(100, 100, 12, 100));
    Family family = Family.IPV4;
    node.start();
    settle(
        withFrontends(family, FrontendFlags.FRONTEND_CLUSTER_IP, FrontendFlags.FRONTEND_NODE_PORT));
    settle(service("other", family, 9, 1, 2, 3));
    Map<Long, Integer> before = ids(family);
    node.want(withFrontends(family, FrontendFlags.FRONTEND_CLUSTER_IP));
    node.apply();
    assertThat(node.found()).containsOnlyKeys(frontend(family, 0), frontend(family, 9));
    assertThat(ids(family)).isEqualTo(before);
    assertThat(node.status().problems()).containsOnlyKeys(name("web", family).text());

    node.withdraw(name("other", family));
    node.apply();
    node.settle();
    assertThat(node.status().problems()).isEmpty();
    assertThat(ids(family).values()).doesNotContainAnyElementsOf(before.values());
    before.values().forEach(id -> assertThat(gen(id)).isPositive());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aFrontendsFlagsAreOneWriteThatTellsNobody(Family family) {
    node.start();
    settle(withFrontends(family, FrontendFlags.FRONTEND_CLUSTER_IP));
    node.safety.forget();
    int local = FrontendFlags.FRONTEND_CLUSTER_IP | FrontendFlags.FRONTEND_LOCAL;
    settle(withFrontends(family, local));
    assertThat(node.safety.log()).hasSize(1).allMatch(line -> line.startsWith("frontends"));
    assertThat(node.kernel.frontends.get(family).copy().get(frontend(family, 0)).flags())
        .isEqualTo(local);
  }

  /** A node port that an older service gives up is the younger one's at once. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-2")
  @Tag("INV-SVC-7")
  void aNodePortGoesFromOneServiceToAnother(Family family) {
    FrontendKey any = new FrontendKey(Ip.any(family), 30080, 6);
    WantedService first = withFrontend(service("a", family, 1, 1), any);
    WantedService second = withFrontend(service("b", family, 2, 2), any);
    node.start();
    settle(first, second);
    assertThat(node.found()).containsEntry(any, List.of(pod(family, 1)));
    assertThat(node.status().problems())
        .containsOnlyKeys(name("b", family).text())
        .allSatisfy((who, problem) -> assertThat(problem).contains(":30080 is default/a/80"));
    node.safety.forget();
    settle(service("a", family, 1, 1));
    assertThat(node.found())
        .isEqualTo(
            Map.of(
                any,
                List.of(pod(family, 2)),
                frontend(family, 1),
                List.of(pod(family, 1)),
                frontend(family, 2),
                List.of(pod(family, 2))));
    assertThat(node.status().problems()).isEmpty();
    assertThat(node.safety.log())
        .noneMatch(line -> line.endsWith("=null") && line.startsWith("fro"));
  }

  private static WantedService withFrontend(WantedService service, FrontendKey key) {
    Map<FrontendKey, Integer> frontends = new HashMap<>(service.frontends());
    frontends.put(key, FrontendFlags.FRONTEND_NODE_PORT);
    return new WantedService(
        service.name(),
        frontends,
        service.cluster(),
        service.local(),
        service.keepsLast(),
        service.affinitySeconds(),
        service.sourceRanges(),
        service.maglev());
  }
}
