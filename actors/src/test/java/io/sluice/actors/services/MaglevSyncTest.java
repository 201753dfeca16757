// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Behaviors;
import io.sluice.actors.services.MaglevView.Running;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Family;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
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
  void theOldSpanIsHeldUntilTheNextTable() {
    node.want(web(1, 2, 3));
    node.agree(1, web(1, 2, 3));
    node.apply();
    MaglevTable before = tables().get(node.id(WEB));
    node.want(web(1, 2));
    node.apply();
    node.settle();
    assertThat(tables().get(node.id(WEB))).isEqualTo(before);
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(5); // both spans

    node.agree(2, web(1, 2));
    node.apply();
    node.settle();
    assertThat(node.table(WEB)).isEqualTo(TestNode.target(2, web(1, 2)).lut());
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(2);
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
    assertThat(node.kernel.backends.get(Family.IPV4).copy()).hasSize(3);
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
