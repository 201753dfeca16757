// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static io.sluice.actors.services.TestNode.frontend;
import static io.sluice.actors.services.TestNode.name;
import static io.sluice.actors.services.TestNode.pod;
import static io.sluice.actors.services.TestNode.service;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.promises.Promises;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class ServiceSyncerTest {
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

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  void newServiceIsWrittenFromItsEnd(Family family) {
    node.start();
    node.want(service("a", family, 1, 1, 2));
    node.apply();
    int n = family.number();
    assertThat(node.safety.maps())
        .containsExactly("backends" + n, "services", "frontends" + n, "backend_gen");
    assertThat(node.found()).isEqualTo(Map.of(frontend(family, 1), pods(family, 1, 2)));
    assertThat(node.kernel.gens.copy()).isEqualTo(Map.of(0, new BackendGen(1)));
  }

  private static List<Endpoint> pods(Family family, int... pods) {
    return service("x", family, 1, pods).backends();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  void changedBackendsAreANewSpanThenOneWriteThenGenerationsThenZeroes(Family family) {
    node.start();
    node.want(service("a", family, 1, 1, 2));
    node.apply();
    node.settle();
    Map<Integer, Backend> before = node.kernel.backends.get(family).copy();
    node.safety.forget();

    node.want(service("a", family, 1, 2, 3));
    node.apply();

    int n = family.number();
    assertThat(node.safety.maps()).containsExactly("backends" + n, "services", "backend_gen");
    assertThat(node.found().get(frontend(family, 1))).isEqualTo(pods(family, 2, 3));
    assertThat(node.kernel.backends.get(family).copy()).containsAllEntriesOf(before);
    int gone = idOf(before, pod(family, 1));
    int stays = idOf(before, pod(family, 2));
    assertThat(node.kernel.gens.copy())
        .containsEntry(gone, new BackendGen(1))
        .doesNotContainKey(stays);

    node.timePasses(Duration.ofMillis(800));
    assertThat(node.kernel.backends.get(family).copy()).containsAllEntriesOf(before);
    node.settle();
    assertThat(node.kernel.backends.get(family).copy()).hasSize(2);
    assertThat(idOf(node.kernel.backends.get(family).copy(), pod(family, 2))).isEqualTo(stays);
  }

  private static int idOf(Map<Integer, Backend> elements, Endpoint endpoint) {
    return elements.values().stream()
        .filter(e -> e.addr().equals(endpoint.ip()) && e.port() == endpoint.port())
        .findFirst()
        .orElseThrow()
        .id();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  void removalIsTheReverseAndLeavesNothing(Family family) {
    node.start();
    node.want(service("a", family, 1, 1, 2), service("b", family, 2, 3));
    node.apply();
    node.settle();
    node.safety.forget();

    node.withdraw(name("a", family));
    node.apply();

    int n = family.number();
    assertThat(node.safety.maps()).containsExactly("frontends" + n, "backend_gen", "services");
    node.settle();
    assertThat(node.safety.maps())
        .containsExactly("frontends" + n, "backend_gen", "services", "backends" + n);
    assertThat(node.kernel.services.copy()).hasSize(1);
    assertThat(node.kernel.backends.get(family).copy()).hasSize(1);
    assertThat(node.found().keySet()).containsExactly(frontend(family, 2));
    assertThat(held(Promises.Kind.SERVICE)).containsOnlyKeys(name("b", family).text());
    assertThat(held(Promises.Kind.BACKEND)).hasSize(1);
  }

  private Map<String, Integer> held(Promises.Kind kind) {
    var probe = node.kit.<Promises.Held>createTestProbe();
    node.promises.tell(new Promises.Get(kind, probe.ref()));
    return probe.receiveMessage().ids();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-6")
  void serviceWithoutBackendsStaysAndRefusesButTheApiServerKeepsItsLast(Family family) {
    node.start();
    node.want(service("a", family, 1, 1), service("kubernetes", family, 2, 2));
    node.apply();
    node.want(service("a", family, 1), service("kubernetes", family, 2));
    node.apply();
    node.settle();
    assertThat(node.found())
        .isEqualTo(Map.of(frontend(family, 1), List.of(), frontend(family, 2), pods(family, 2)));

    node.kill();
    node.start();
    node.safety.forget();
    node.want(service("a", family, 1), service("kubernetes", family, 2));
    node.apply();
    node.settle();
    assertThat(node.found().get(frontend(family, 2))).isEqualTo(pods(family, 2));
    assertThat(node.safety.log()).isEmpty();
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-CT-6")
  void restartWritesNothingIfNothingChanged() {
    node.start();
    wantMany(50);
    node.apply();
    node.settle();
    Map<Long, List<Integer>> ids = node.ids();

    for (int i = 0; i < 3; i++) {
      node.kill();
      node.safety.forget();
      node.start();
      wantMany(50);
      node.apply();
      node.settle();
      assertThat(node.safety.log()).isEmpty();
      assertThat(node.ids()).isEqualTo(ids);
    }
  }

  private void wantMany(int services) {
    for (Family family : Family.values()) {
      for (int i = 0; i < services; i++) {
        node.want(service("s" + i, family, i, i, i + 1, i + 2));
      }
    }
  }

  @Test
  @Tag("INV-AG-1")
  void lostJournalIsRebuiltFromTheKernel() {
    node.start();
    wantMany(20);
    node.apply();
    node.settle();
    Map<String, Integer> services = held(Promises.Kind.SERVICE);
    Map<String, Integer> backends = held(Promises.Kind.BACKEND);
    FakeKernel kernel = node.kernel;

    TestNode other = new TestNode();
    for (Family family : Family.values()) {
      kernel.frontends.get(family).copy().forEach(other.kernel.frontends.get(family)::plant);
      kernel.backends.get(family).copy().forEach(other.kernel.backends.get(family)::plant);
    }
    kernel.services.copy().forEach(other.kernel.services::plant);
    kernel.gens.copy().forEach(other.kernel.gens::plant);
    node.close();
    node = other;
    node.start();
    wantMany(20);
    node.apply();
    node.settle();
    assertThat(node.safety.log()).isEmpty();
    assertThat(held(Promises.Kind.SERVICE)).isEqualTo(services);
    assertThat(held(Promises.Kind.BACKEND)).isEqualTo(backends);
  }

  @Test
  @Tag("INV-AG-3")
  void beforeTheSourceIsInSyncNothingIsWrittenAndAfterItWhatIsNotWantedGoes() {
    node.start();
    node.want(service("a", Family.IPV4, 1, 1), service("b", Family.IPV4, 2, 2));
    node.apply();
    node.settle();
    node.kill();
    node.safety.forget();

    node.start();
    node.syncer.tell(new ServiceSyncer.Complete(false, 1));
    node.want(service("b", Family.IPV4, 2, 3));
    node.syncer.tell(new ServiceSyncer.Complete(false, 1));
    for (int i = 0; i < 20; i++) {
      node.timePasses(Duration.ofSeconds(1));
      node.status();
    }
    assertThat(node.safety.log()).isEmpty();
    assertThat(node.status().applied()).isFalse();

    node.apply();
    node.settle();
    assertThat(node.found()).isEqualTo(Map.of(frontend(Family.IPV4, 2), pods(Family.IPV4, 3)));
    assertThat(node.kernel.services.copy()).hasSize(1);
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(1);
    assertThat(node.status().applied()).isTrue();
  }

  /** An ID under two services: neither keeps it, and no packet reaches the other's pods. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-2")
  void plantedDuplicateServiceIdIsKeptByNeither(Family family) {
    node.start();
    node.want(service("a", family, 1, 1), service("b", family, 2, 2), service("c", family, 3, 3));
    node.apply();
    node.settle();
    int shared = node.id(name("a", family));
    int untouched = node.id(name("c", family));
    node.kill();
    node.kernel
        .frontends
        .get(family)
        .plant(frontend(family, 2), new Frontend(shared, FrontendFlags.FRONTEND_CLUSTER_IP));

    node.start();
    node.want(service("a", family, 1, 1), service("b", family, 2, 2), service("c", family, 3, 3));
    node.apply();
    node.settle();

    assertThat(node.id(name("a", family))).isNotEqualTo(shared);
    assertThat(node.id(name("b", family))).isNotEqualTo(shared);
    assertThat(node.id(name("c", family))).isEqualTo(untouched);
    assertThat(node.kernel.services.copy()).hasSize(3).doesNotContainKey(shared);
    assertThat(node.found())
        .isEqualTo(
            Map.of(
                frontend(family, 1),
                pods(family, 1),
                frontend(family, 2),
                pods(family, 2),
                frontend(family, 3),
                pods(family, 3)));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-2")
  void foreignOwnerAndDuplicateBackendIdAreRepaired(Family family) {
    node.start();
    node.want(service("a", family, 1, 1, 2), service("b", family, 2, 3));
    node.apply();
    node.settle();
    int stolen = node.id(name("b", family));
    node.kill();
    // Somebody took b's ID for a service of its own, and one backend ID is a's and b's.
    Service b = node.kernel.services.copy().get(stolen);
    int flags = family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0;
    node.kernel.services.plant(
        stolen,
        new Service(b.base(), b.count(), 0, flags | ServiceFlags.SERVICE_IN_USE, 0, 0x1234567L));
    Backend other = node.kernel.backends.get(family).copy().get(b.base());
    int twice = idOf(node.kernel.backends.get(family).copy(), pod(family, 1));
    node.kernel
        .backends
        .get(family)
        .plant(b.base(), new Backend(other.addr(), other.port(), 0, other.service(), twice, 0));

    node.start();
    node.want(service("a", family, 1, 1, 2), service("b", family, 2, 3));
    node.apply();
    node.settle();

    assertThat(node.id(name("b", family))).isNotEqualTo(stolen);
    assertThat(node.kernel.services.copy()).hasSize(2);
    Map<Integer, Backend> elements = node.kernel.backends.get(family).copy();
    assertThat(elements.values().stream().map(Backend::id))
        .doesNotContain(twice)
        .doesNotHaveDuplicates();
    assertThat(node.found())
        .isEqualTo(
            Map.of(frontend(family, 1), pods(family, 1, 2), frontend(family, 2), pods(family, 3)));

    node.safety.forgive();
    node.want(service("a", family, 1, 2), service("b", family, 2, 3, 4));
    node.apply();
    node.settle();
    assertThat(node.found().get(frontend(family, 2))).isEqualTo(pods(family, 3, 4));
  }

  @Test
  @Tag("INV-SVC-2")
  void releasedIdsAreNotReusedWhileOthersAreLeft() {
    replaceNode(new FakeKernel.Sizes(100, 12, 200, 200));
    node.start();
    Set<Integer> used = new HashSet<>();
    for (int i = 0; i < 11; i++) {
      node.want(service("s" + i, Family.IPV4, 1, i));
      node.apply();
      assertThat(used.add(node.id(name("s" + i, Family.IPV4)))).as("service %d", i).isTrue();
      node.withdraw(name("s" + i, Family.IPV4));
      node.apply();
      node.settle();
    }
    node.want(service("again", Family.IPV4, 1, 1));
    node.apply();
    assertThat(node.id(name("again", Family.IPV4))).isEqualTo(1);
  }

  @Test
  void fullBackendsArrayIsThatServicesAloneAndHealsWhenThereIsRoom() {
    replaceNode(new FakeKernel.Sizes(100, 100, 8, 100));
    node.start();
    node.want(
        service("a", Family.IPV4, 1, 1, 2, 3), service("b", Family.IPV4, 2, 1, 2, 3, 4, 5, 6));
    node.want(service("c", Family.IPV4, 3, 7, 8));
    node.apply();
    assertThat(node.status().problems())
        .containsOnlyKeys(name("b", Family.IPV4).text())
        .allSatisfy((name, problem) -> assertThat(problem).contains("backends4"));
    assertThat(node.found()).containsOnlyKeys(frontend(Family.IPV4, 1), frontend(Family.IPV4, 3));

    node.withdraw(name("a", Family.IPV4));
    node.apply();
    node.settle();
    assertThat(node.found().get(frontend(Family.IPV4, 2))).hasSize(6);
    assertThat(node.status().problems()).isEmpty();
  }

  @Test
  void fullFrontendMapRefusesByNameAndHealsWhenThereIsRoom() {
    replaceNode(new FakeKernel.Sizes(2, 100, 100, 100));
    node.start();
    node.want(service("a", Family.IPV4, 1, 1), service("b", Family.IPV4, 2, 2));
    node.want(service("c", Family.IPV4, 3, 3));
    node.apply();
    assertThat(node.found()).hasSize(2);
    assertThat(node.status().problems().values())
        .singleElement()
        .asString()
        .contains("map frontends4 is full");

    node.withdraw(name("a", Family.IPV4));
    node.apply();
    node.settle();
    for (int i = 0; i < 12 && !node.status().problems().isEmpty(); i++) {
      node.timePasses(Duration.ofSeconds(1));
    }
    node.settle();
    assertThat(node.found()).containsOnlyKeys(frontend(Family.IPV4, 2), frontend(Family.IPV4, 3));
    assertThat(node.status().problems()).isEmpty();
  }

  @Test
  void exhaustedServiceIdsAreThatServicesAlone() {
    replaceNode(new FakeKernel.Sizes(100, 3, 100, 100));
    node.start();
    node.want(service("a", Family.IPV4, 1, 1), service("b", Family.IPV4, 2, 2));
    node.want(service("c", Family.IPV4, 3, 3));
    node.apply();
    assertThat(node.found()).hasSize(2);
    assertThat(node.status().problems()).containsOnlyKeys(name("c", Family.IPV4).text());
  }

  @Test
  void failingKernelIsAskedAgainUntilItTakesEverything() {
    node.start();
    node.kernel.backends.get(Family.IPV4).fail(3, 1, 12);
    node.kernel.services.fail(2, 0, 12);
    node.kernel.frontends.get(Family.IPV4).fail(2, 1, 5);
    node.want(service("a", Family.IPV4, 1, 1, 2, 3), service("b", Family.IPV4, 2, 2));
    node.apply();
    node.settle();
    assertThat(node.found())
        .isEqualTo(
            Map.of(
                frontend(Family.IPV4, 1),
                pods(Family.IPV4, 1, 2, 3),
                frontend(Family.IPV4, 2),
                pods(Family.IPV4, 2)));
  }

  @Test
  @Tag("INV-SVC-2")
  void twoServicesOnOneAddress() {
    node.start();
    node.want(service("a", Family.IPV4, 1, 1), service("b", Family.IPV4, 1, 2));
    node.apply();
    assertThat(node.found()).isEqualTo(Map.of(frontend(Family.IPV4, 1), pods(Family.IPV4, 1)));
    assertThat(node.status().problems()).containsOnlyKeys(name("b", Family.IPV4).text());
    node.withdraw(name("a", Family.IPV4));
    node.apply();
    node.settle();
    assertThat(node.found()).isEqualTo(Map.of(frontend(Family.IPV4, 1), pods(Family.IPV4, 2)));
  }

  /** Flows to an address that a service has no more must end, though its backends stay. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void movedAddressEndsTheFlowsToTheOldOne(Family family) {
    node.start();
    node.want(service("a", family, 1, 1));
    node.apply();
    int id = idOf(node.kernel.backends.get(family).copy(), pod(family, 1));
    node.want(service("a", family, 2, 1));
    node.apply();
    node.settle();
    assertThat(node.found()).isEqualTo(Map.of(frontend(family, 2), pods(family, 1)));
    assertThat(node.kernel.gens.copy().get(id).gen()).isPositive();
  }

  /** An agent that dies between frontends and generation 0 must not leave older flows untold. */
  @Test
  @Tag("INV-AG-2")
  void restartTellsOlderFlowsOfFrontendsThatAnInterruptedRoundAdded() {
    node.start();
    node.kernel.gens.fail(1_000_000, 0, 12);
    node.want(service("a", Family.IPV4, 1, 1));
    node.complete();
    for (int i = 0; i < 100 && node.found().isEmpty(); i++) {
      node.timePasses(Duration.ofMillis(20));
      node.status();
    }
    assertThat(node.found()).hasSize(1);
    node.kill();
    node.kernel.gens.fail(0, 0, 0);
    node.start();
    node.want(service("a", Family.IPV4, 1, 1));
    node.apply();
    node.settle();
    assertThat(node.kernel.gens.copy()).isEqualTo(Map.of(0, new BackendGen(1)));
  }
}
