// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Behaviors;
import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.services.MaglevView.Running;
import io.sluice.cluster.maglev.Formers;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Maglev tables in the syncer's rounds. */
class MaglevSyncTest {
  private final TestNode node = new TestNode();
  private final List<MaglevView> views = new CopyOnWriteArrayList<>();

  @BeforeEach
  void start() {
    node.start();
    watch();
  }

  private void watch() {
    views.clear();
    ActorRef<MaglevView> watcher =
        node.kit.spawn(
            Behaviors.receiveMessage(
                view -> {
                  views.add(view);
                  return Behaviors.same();
                }));
    node.syncer.tell(new ServiceSyncer.WatchMaglev(watcher));
  }

  @AfterEach
  void stop() {
    assertThat(node.safety.violations()).isEmpty();
    node.close();
  }

  private static WantedService web(int... pods) {
    return TestNode.maglev("web", Family.IPV4, 1, pods);
  }

  private static final ServiceName WEB = TestNode.name("web", Family.IPV4);

  /** The last view that was told. */
  private MaglevView view() {
    node.status(); // what the syncer had to do before is done
    await().until(() -> !views.isEmpty());
    return views.get(views.size() - 1);
  }

  private Map<Integer, MaglevTable> tables() {
    return node.kernel.maglev.copy();
  }

  @Test
  @Tag("INV-MAG-4")
  void aTableIsWrittenAfterItsSpanAndBeforeFrontends() {
    node.want(web(1, 2, 3));
    node.agree(5, web(1, 2, 3));
    node.apply();
    node.settle();
    assertThat(node.table(WEB)).isEqualTo(TestNode.target(5, web(1, 2, 3)).lut());
    assertThat(tables().get(node.id(WEB)).generation()).isEqualTo(5);
    assertThat(node.safety.maps())
        .containsSubsequence("backends4", "services", "maglev", "frontends4");
  }

  /** Until the cluster has agreed anew, the old table stays over its own span; then both go. */
  @Test
  @Tag("INV-MAG-4")
  void theTableStaysAsItIsUntilTheNext() {
    node.want(web(1, 2, 3));
    node.agree(1, web(1, 2, 3));
    node.apply();
    MaglevTable before = tables().get(node.id(WEB));
    node.want(web(1, 2));
    node.apply();
    node.settle();
    assertThat(tables().get(node.id(WEB))).isEqualTo(before);
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(5); // 3 of the table, 2

    node.agree(2, web(1, 2));
    node.apply();
    node.settle();
    assertThat(node.table(WEB)).isEqualTo(TestNode.target(2, web(1, 2)).lut());
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(4);
  }

  /**
   * Where each slot of the table in the kernel led before: the address; null if it did not move.
   */
  private Map<Integer, Endpoint> formers() {
    MaglevTable table = tables().get(node.id(WEB));
    Map<Integer, Backend> elements = node.kernel.backends.get(Family.IPV4).copy();
    Map<Integer, Endpoint> formers = new HashMap<>();
    for (int slot = 0; slot < table.size(); slot++) {
      if (table.former(slot) != MaglevTable.UNMOVED) {
        Backend element = elements.get(table.base() + table.former(slot));
        formers.put(slot, new Endpoint(element.addr(), element.port()));
      }
    }
    return formers;
  }

  private static Map<Integer, Endpoint> formers(LutTarget target) {
    Map<Integer, Endpoint> formers = new HashMap<>();
    List<Endpoint> all = new ArrayList<>(Luts.members(target));
    all.addAll(Luts.gone(target));
    for (int slot = 0; slot < target.lut().size(); slot++) {
      if (target.formers().former(slot) != Formers.UNMOVED) {
        formers.put(slot, all.get(target.formers().former(slot)));
      }
    }
    return formers;
  }

  /** The element of a pod in the table's span. */
  private Backend element(int pod) {
    MaglevTable table = tables().get(node.id(WEB));
    Map<Integer, Backend> elements = node.kernel.backends.get(Family.IPV4).copy();
    return IntStream.range(table.base(), table.base() + table.count())
        .mapToObj(elements::get)
        .filter(element -> element.addr().equals(TestNode.pod(Family.IPV4, pod).ip()))
        .findFirst()
        .orElseThrow();
  }

  private boolean isAlive(Backend element) {
    BackendGen gen = node.kernel.gens.copy().get(element.id());
    return (gen == null ? 0 : gen.gen()) == element.gen();
  }

  @Test
  @Tag("INV-MAG-3")
  void aTableRemembersWhereItsSlotsLedAlsoToBackendsThatAreGone() {
    node.want(web(1, 2, 3));
    node.agree(1, web(1, 2, 3));
    node.apply();
    assertThat(formers()).isEmpty();
    int id = element(3).id();
    node.want(web(1, 2));
    node.agree(2, web(1, 2), web(1, 2, 3));
    node.apply();
    node.settle();
    LutTarget target = TestNode.target(2, web(1, 2), web(1, 2, 3));
    assertThat(formers()).isNotEmpty().isEqualTo(formers(target));
    assertThat(element(3).id()).isEqualTo(id);
    assertThat(isAlive(element(3))).isFalse();
    assertThat(isAlive(element(1))).isTrue();
    assertThat(node.table(WEB)).isEqualTo(target.lut());

    node.want(web(1, 2, 3)); // it comes back, alive again
    node.agree(3, web(1, 2, 3), web(1, 2, 3), web(1, 2));
    node.apply();
    node.settle();
    assertThat(formers()).isEqualTo(formers(TestNode.target(3, web(1, 2, 3), web(1, 2))));
    assertThat(isAlive(element(3))).isTrue();
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(6);
  }

  /** What the node never had as the service's gets a number, and gives it back. */
  @Test
  @Tag("INV-MAG-3")
  void aNodeThatComesLateKnowsFormerBackendsFromTheCluster() {
    node.want(web(1, 2));
    node.agree(7, web(1, 2), web(1, 2, 3), web(1, 2, 4));
    node.apply();
    node.settle();
    LutTarget target = TestNode.target(7, web(1, 2), web(1, 2, 3), web(1, 2, 4));
    assertThat(formers()).isEqualTo(formers(target));
    assertThat(List.of(element(3), element(4))).noneMatch(this::isAlive);
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(6);
    assertThat(node.promised()).isEqualTo(4);
    node.agree(8, web(1, 2));
    node.apply();
    node.settle();
    assertThat(formers()).isEmpty();
    assertThat(node.promised()).isEqualTo(2);
  }

  @Test
  @Tag("INV-MAG-3")
  @Tag("INV-CT-6")
  void aRestartedAgentKeepsFormerBackendsAndWritesNothing() {
    node.want(web(1, 2, 3));
    node.agree(1, web(1, 2, 3));
    node.apply();
    node.want(web(1, 2));
    node.agree(2, web(1, 2), web(1, 2, 3));
    node.apply();
    node.settle();
    Map<Integer, MaglevTable> before = tables();
    Backend gone = element(3);
    node.kill();
    node.safety.forget();
    node.start();
    node.want(web(1, 2));
    node.agree(2, web(1, 2), web(1, 2, 3));
    node.apply();
    node.settle();
    assertThat(node.safety.log()).isEmpty();
    assertThat(tables()).isEqualTo(before);

    node.want(web(1, 2, 3)); // and what comes anew does not get the number of what is remembered
    node.apply();
    node.settle();
    assertThat(element(3)).isEqualTo(gone);
    assertThat(isAlive(gone)).isFalse();
  }

  /** A service may change without its table: the table is not written again. */
  @Test
  void aSpanThatMovesLeavesTheTableAlone() {
    node.want(web(1, 2));
    node.agree(1, web(1, 2));
    node.apply();
    node.settle();
    node.want(web(1, 2, 3));
    node.apply();
    node.want(web(1, 2));
    node.safety.forget();
    node.apply();
    node.settle();
    assertThat(node.safety.maps()).doesNotContain("maglev");
  }

  /** A backend that died and came back is dead in the table's span: it is written anew. */
  @Test
  void aBackendThatCameBackIsAliveInTheTable() {
    node.want(web(1, 2));
    node.agree(1, web(1, 2));
    node.apply();
    node.want(web(1));
    node.apply();
    assertThat(isAlive(element(2))).isFalse();
    node.want(web(1, 2));
    node.apply();
    node.settle();
    assertThat(isAlive(element(2))).isTrue();
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(4);
  }

  @Test
  void aTableWithoutRoomWaitsAndSaysSo() {
    TestNode small = new TestNode(new FakeKernel.Sizes(64, 64, 5, 64));
    try {
      small.start();
      small.want(web(1, 2, 3));
      small.agree(1, web(1, 2, 3));
      small.apply();
      assertThat(small.status().problems().get(WEB.text()))
          .contains("Maglev table waits")
          .contains("no 3 elements in a row");
      assertThat(small.kernel.maglev.copy()).isEmpty();
      small.want(web(1, 2));
      small.agree(2, web(1, 2));
      small.apply();
      // In steps, for the journal's own time limits are driven, too.
      for (int i = 0; i < 12 && !small.status().problems().isEmpty(); i++) {
        small.timePasses(Duration.ofSeconds(1));
      }
      small.settle();
      assertThat(small.status().problems()).isEmpty();
      assertThat(small.kernel.maglev.copy()).hasSize(1);
      assertThat(small.safety.violations()).isEmpty();
    } finally {
      small.close();
    }
  }

  /** This node's source may be ahead of the cluster's agreement, or behind it. */
  @Test
  void aTableOfOtherBackendsWaits() {
    node.want(web(1, 2));
    node.agree(3, web(1, 2, 9));
    node.apply();
    node.settle();
    assertThat(tables()).isEmpty();
    node.want(web(1, 2, 9));
    node.apply();
    node.settle();
    assertThat(tables().get(node.id(WEB)).generation()).isEqualTo(3);
  }

  @Test
  void whoWantsNoneAnyMoreLosesItAndSoDoesWhoGoes() {
    WantedService other = TestNode.maglev("other", Family.IPV6, 2, 4, 5);
    node.want(web(1, 2), other);
    node.agree(1, web(1, 2));
    node.agree(1, other);
    node.apply();
    node.settle();
    assertThat(tables()).hasSize(2);
    node.want(TestNode.service("web", Family.IPV4, 1, 1, 2));
    node.withdraw(other.name());
    node.safety.forget();
    node.apply();
    node.settle();
    assertThat(tables()).isEmpty();
    assertThat(node.safety.maps()).containsSubsequence("frontends6", "maglev", "services");
    assertThat(node.found()).containsOnlyKeys(TestNode.frontend(Family.IPV4, 1));
  }

  @Test
  void aServiceWithoutBackendsHasAnEmptyTable() {
    node.want(web());
    node.agree(4, web());
    node.apply();
    node.settle();
    assertThat(tables().get(node.id(WEB)).size()).isZero();
    assertThat(tables().get(node.id(WEB)).generation()).isEqualTo(4);
  }

  @Test
  @Tag("INV-CT-6")
  @Tag("INV-AG-3")
  void aRestartedAgentKeepsATableThatIsRightAndWritesNothing() {
    node.want(web(1, 2, 3));
    node.agree(5, web(1, 2, 3));
    node.apply();
    node.settle();
    Map<Integer, MaglevTable> before = tables();
    String digest = TestNode.target(5, web(1, 2, 3)).digest();
    node.kill();
    node.safety.forget();
    node.start();
    watch();
    node.want(web(1, 2, 3));
    node.apply();
    node.settle();
    assertThat(node.safety.log()).as("without the cluster").isEmpty();
    assertThat(view().running()).isEqualTo(Map.of(WEB, new Running(5, digest)));
    node.agree(5, web(1, 2, 3));
    node.apply();
    node.settle();
    assertThat(node.safety.log()).as("with the cluster").isEmpty();
    assertThat(tables()).isEqualTo(before);
  }

  /** An agent that ended between a service's new span and its table. */
  @Test
  @Tag("INV-CT-6")
  @Tag("INV-MAG-4")
  void aRestartedAgentHoldsTheSpanOfATableThatIsBehind() {
    node.want(web(1, 2, 3));
    node.agree(1, web(1, 2, 3));
    node.apply();
    node.want(web(2, 3, 4));
    node.apply();
    node.settle();
    MaglevTable before = tables().get(node.id(WEB));
    node.kill();
    node.start();
    node.want(web(2, 3, 4));
    node.apply();
    node.settle();
    assertThat(tables().get(node.id(WEB))).isEqualTo(before);
    node.agree(2, web(2, 3, 4));
    node.apply();
    node.settle();
    assertThat(node.table(WEB)).isEqualTo(TestNode.target(2, web(2, 3, 4)).lut());
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(6);
  }

  @Test
  @Tag("INV-CT-6")
  void tablesOfNobodyAndTablesThatLieGo() {
    node.want(web(1, 2));
    node.agree(1, web(1, 2));
    node.apply();
    node.settle();
    int id = node.id(WEB);
    node.kill();
    MaglevTable right = tables().get(id);
    node.kernel.maglev.plant(id, new MaglevTable(1, right.base() + 7, 2, new char[] {0, 1}));
    node.kernel.maglev.plant(99, new MaglevTable(1, 0, 0, new char[0]));
    node.start();
    node.want(web(1, 2));
    node.apply();
    node.settle();
    assertThat(tables()).isEmpty();
    node.safety.forgive(); // what was planted
    node.agree(1, web(1, 2));
    node.apply();
    node.settle();
    assertThat(tables()).isEqualTo(Map.of(id, right));
  }

  @Test
  void whatTheClusterMustHearIsTold() {
    node.want(web(1, 2));
    node.agree(1, web(1, 2));
    node.apply();
    node.settle();
    assertThat(view().wishes()).containsOnlyKeys(WEB);
    node.kill();
    node.start();
    watch();
    node.want(TestNode.service("web", Family.IPV4, 1, 1, 2)); // changed while no agent was there
    node.apply();
    node.settle();
    MaglevView now = view();
    assertThat(now.wishes()).isEmpty();
    assertThat(now.unwanted()).isEqualTo(Set.of(WEB));
    assertThat(tables()).isEmpty();
  }

  @Test
  void limitsRefuseByNameAndSayWhatToDo() {
    node.syncer.tell(new ServiceSyncer.Configure(new MaglevLimits(1, 2)));
    WantedService second = TestNode.maglev("zweb", Family.IPV4, 2, 1);
    WantedService large = TestNode.maglev("large", Family.IPV6, 3, 1, 2, 3);
    node.want(web(1, 2), second, large);
    for (WantedService service : List.of(web(1, 2), second)) {
      node.agree(1, service);
    }
    node.apply();
    node.settle();
    MaglevView view = view();
    assertThat(view.wishes()).containsOnlyKeys(WEB);
    assertThat(view.problems().get(second.name())).contains("bpfMaglevMaxServices is 1");
    assertThat(view.problems().get(large.name()))
        .contains("3 backends, more than bpfMaglevMaxEndpointsPerService, 2");
    assertThat(tables()).containsOnlyKeys(node.id(WEB));
    assertThat(node.found()).hasSize(3); // all are served

    node.syncer.tell(new ServiceSyncer.Configure(MaglevLimits.DEFAULT));
    node.agree(2, second);
    node.apply();
    node.settle();
    assertThat(tables()).hasSize(2);
  }

  /** A failing write of a table holds up its step, and nothing is seen half. */
  @Test
  @Tag("INV-MAG-4")
  void aTableThatCannotBeWrittenIsTriedAgain() {
    node.kernel.maglev.fail(2, 0, 12);
    node.want(web(1, 2));
    node.agree(1, web(1, 2));
    node.complete();
    node.timePasses(Duration.ofSeconds(3));
    node.settle();
    assertThat(tables()).hasSize(1);
  }
}
