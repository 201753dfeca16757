// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.affinity;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.sluice.actors.affinity.AffinityKeeper.Settings;
import io.sluice.actors.affinity.AffinityKeeper.Stats;
import io.sluice.actors.testing.FakeDataplane;
import io.sluice.actors.testing.FakeMap;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which elements of the affinity maps go, and when. */
@Tag("INV-SVC-5")
class AffinityKeeperTest {
  private static final int HZ = 250;
  private static final int SERVICE = 7;
  private static final int BACKEND = 3;
  private static final int GEN = 5;
  private static final int SECONDS = 100;

  private final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private final ManualTime time = ManualTime.get(kit.system());
  private final FakeDataplane dataplane = new FakeDataplane(10);
  private final TestProbe<Stats> probe = kit.createTestProbe();

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private ActorRef<AffinityKeeper.Command> keeper(Settings settings) {
    ActorRef<AffinityKeeper.Command> keeper = kit.spawn(AffinityKeeper.create(dataplane, settings));
    keeper.tell(new AffinityKeeper.SourceInSync());
    return keeper;
  }

  private Stats.Table scan(ActorRef<AffinityKeeper.Command> keeper, Family family) {
    keeper.tell(new AffinityKeeper.ScanNow(probe.ref()));
    return probe.receiveMessage().families().get(family);
  }

  private void service(Family family, int id, int seconds) {
    int flags =
        ServiceFlags.SERVICE_IN_USE | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0);
    dataplane.services().entries.put(id, new Service(0, 1, 0, flags, seconds, 1));
    dataplane.backendGen().entries.put(BACKEND, new BackendGen(GEN));
  }

  private static Ip ip(Family family, int number) {
    return Ip.parse((family == Family.IPV4 ? "192.0.2." : "2001:db8::") + number);
  }

  private AffinityKey client(Family family, int number, int service, int gen, int ageJiffies) {
    AffinityKey key = new AffinityKey(ip(family, number), service);
    dataplane
        .affinity(family)
        .entries
        .put(
            key,
            new Affinity(ip(family, 200), 8080, 0, BACKEND, gen, dataplane.jiffies - ageJiffies));
    return key;
  }

  @ParameterizedTest
  @EnumSource
  void whatIsOldOrLeadsNowhereGoesAndTheRestStays(Family family) {
    service(family, SERVICE, SECONDS);
    service(family, SERVICE + 1, 0); // has lost its affinity
    service(family == Family.IPV4 ? Family.IPV6 : Family.IPV4, SERVICE + 2, SECONDS);
    AffinityKey live = client(family, 1, SERVICE, GEN, 10);
    AffinityKey almost = client(family, 2, SERVICE, GEN, (SECONDS + 1) * HZ);
    AffinityKey justRenewed = client(family, 3, SERVICE, GEN, -2); // after the clock was read
    client(family, 4, SERVICE, GEN, (SECONDS + 1) * HZ + 1);
    client(family, 5, SERVICE, GEN - 1, 10); // its backend was removed
    client(family, 6, SERVICE + 1, GEN, 10);
    client(family, 7, SERVICE + 2, GEN, 10); // whose ID is another family's now
    client(family, 8, SERVICE + 3, GEN, 10); // is no more
    client(family, 9, 1_000_000, GEN, 10); // cannot be
    Stats.Table table = scan(keeper(Settings.DEFAULT), family);
    assertThat(dataplane.affinity(family).entries).containsOnlyKeys(live, almost, justRenewed);
    assertThat(table).isEqualTo(new Stats.Table(3, 1000, 4, 1, 1, 0));
  }

  /** The clock has 32 bits, and wraps. */
  @Test
  void ageIsCountedAcrossTheWrapOfTheClock() {
    service(Family.IPV4, SERVICE, SECONDS);
    dataplane.jiffies = Integer.MIN_VALUE + 5;
    AffinityKey live = client(Family.IPV4, 1, SERVICE, GEN, 10);
    client(Family.IPV4, 2, SERVICE, GEN, 200 * HZ);
    scan(keeper(Settings.DEFAULT), Family.IPV4);
    assertThat(dataplane.affinity(Family.IPV4).entries).containsOnlyKeys(live);
  }

  @Test
  void ofTwoTimeoutsTheLongerHolds() {
    service(Family.IPV4, SERVICE, SECONDS);
    service(Family.IPV4, SERVICE + 1, 0);
    service(Family.IPV4, SERVICE + 2, 10_000);
    Settings settings = new Settings(Duration.ofSeconds(10), Duration.ofSeconds(500));
    AffinityKey longer = client(Family.IPV4, 1, SERVICE, GEN, 400 * HZ);
    AffinityKey none = client(Family.IPV4, 2, SERVICE + 1, GEN, 400 * HZ);
    AffinityKey own = client(Family.IPV4, 3, SERVICE + 2, GEN, 9_000 * HZ);
    client(Family.IPV4, 4, SERVICE, GEN, 600 * HZ);
    scan(keeper(settings), Family.IPV4);
    assertThat(dataplane.affinity(Family.IPV4).entries).containsOnlyKeys(longer, none, own);
  }

  /** Between the scan and the deletion a client came back. */
  @Test
  void whatChangedSinceItWasJudgedIsSpared() {
    service(Family.IPV4, SERVICE, SECONDS);
    AffinityKey renewed = client(Family.IPV4, 1, SERVICE, GEN, 200 * HZ);
    client(Family.IPV4, 2, SERVICE, GEN, 200 * HZ);
    FakeMap<AffinityKey, Affinity> map = dataplane.affinity(Family.IPV4);
    map.afterVisit = () -> client(Family.IPV4, 1, SERVICE, GEN, 0);
    Stats.Table table = scan(keeper(Settings.DEFAULT), Family.IPV4);
    assertThat(map.entries).containsOnlyKeys(renewed);
    assertThat(table.old()).isEqualTo(1);
    assertThat(table.spared()).isEqualTo(1);
  }

  /** A half-filled view deletes nothing. */
  @Test
  @Tag("INV-AG-3")
  void nothingGoesBeforeTheSourceIsInSync() {
    client(Family.IPV4, 1, SERVICE, GEN, 10);
    ActorRef<AffinityKeeper.Command> keeper =
        kit.spawn(AffinityKeeper.create(dataplane, Settings.DEFAULT));
    time.timePasses(Duration.ofSeconds(30));
    scan(keeper, Family.IPV4);
    assertThat(dataplane.affinity(Family.IPV4).entries).hasSize(1);
    keeper.tell(new AffinityKeeper.SourceInSync());
    scan(keeper, Family.IPV4);
    assertThat(dataplane.affinity(Family.IPV4).entries).isEmpty();
  }

  @Test
  void scansByItselfAndASingleFailureStopsNothing() {
    service(Family.IPV4, SERVICE, SECONDS);
    ActorRef<AffinityKeeper.Command> keeper = keeper(Settings.DEFAULT);
    Map<AffinityKey, Affinity> entries = dataplane.affinity(Family.IPV4).entries;
    client(Family.IPV4, 1, SERVICE, GEN - 1, 10);
    dataplane.affinity(Family.IPV4).afterVisit =
        () -> {
          throw new IllegalStateException("told to fail");
        };
    time.timePasses(Duration.ofSeconds(10));
    keeper.tell(new AffinityKeeper.GetStats(probe.ref()));
    assertThat(probe.receiveMessage().scans()).isZero();
    dataplane.affinity(Family.IPV4).afterVisit = () -> {};
    time.timePasses(Duration.ofSeconds(10));
    keeper.tell(new AffinityKeeper.GetStats(probe.ref()));
    assertThat(probe.receiveMessage().scans()).isEqualTo(1);
    assertThat(new HashMap<>(entries)).isEmpty();
  }

  @Test
  void manyGoInChunks() {
    service(Family.IPV6, SERVICE, SECONDS);
    for (int i = 0; i < 700; i++) {
      client(Family.IPV6, i, SERVICE, i % 7 == 0 ? GEN : GEN - 1, 10);
    }
    Stats.Table table = scan(keeper(Settings.DEFAULT), Family.IPV6);
    assertThat(table.entries()).isEqualTo(100);
    assertThat(table.ofBackends()).isEqualTo(600);
    assertThat(dataplane.affinity(Family.IPV6).entries).hasSize(100);
  }
}
