// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maglev;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.services.MaglevView;
import io.sluice.actors.services.MaglevView.Running;
import io.sluice.actors.services.ServiceManager;
import io.sluice.actors.services.ServiceName;
import io.sluice.cluster.maglev.Backend;
import io.sluice.cluster.maglev.BackendSet;
import io.sluice.cluster.maglev.Lut;
import io.sluice.cluster.maglev.MaglevTable;
import io.sluice.cluster.shared.Agreed;
import io.sluice.cluster.shared.Follower;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.kernel.layout.Family;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class MaglevKeeperTest {
  private static final ServiceName WEB = new ServiceName("default", "web", 80, "TCP", Family.IPV4);
  private static final String ID = WEB.text();

  private final ActorTestKit kit =
      ActorTestKit.create(ManualTime.config().withFallback(ConfigFactory.load()));
  private final ManualTime time = ManualTime.get(kit.system());
  private final TestProbe<ServiceManager.Command> services = kit.createTestProbe();
  private final TestProbe<Follower.Command> follower = kit.createTestProbe();
  private ActorRef<MaglevKeeper.Command> keeper;
  private ActorRef<MaglevView> views;

  @BeforeEach
  void start() {
    keeper = kit.spawn(MaglevKeeper.create(services.ref()));
    views = services.expectMessageClass(ServiceManager.WatchMaglev.class).watcher();
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private static BackendSet set(int count) {
    List<Backend> backends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      backends.add(new Backend(new IpAddress(IpFamily.IPV4, 0, 0x0a000001L + i), 80, 1));
    }
    return BackendSet.of(IpFamily.IPV4, backends);
  }

  /** What the cluster says of a set of 3 that came after another one. */
  private static byte[] former(BackendSet before) {
    Agreed agreed = new Agreed(3, 3, Lut.ALGORITHM, before.bytes(), "", new byte[0]);
    return MaglevTable.DERIVATION.remember(agreed, Lut.ALGORITHM, set(3).bytes(), 1000);
  }

  private void see(long revision, BackendSet set, Running running) {
    views.tell(
        new MaglevView(revision, Map.of(WEB, set), Set.of(), Map.of(WEB, running), Map.of()));
  }

  private void connect() {
    keeper.tell(new MaglevKeeper.Connect(Optional.of(follower.ref())));
  }

  private Follower.Wants wants() {
    return follower.expectMessageClass(Follower.Wants.class);
  }

  private MaglevKeeper.Status status() {
    TestProbe<MaglevKeeper.Status> probe = kit.createTestProbe();
    keeper.tell(new MaglevKeeper.GetStatus(probe.ref()));
    return probe.receiveMessage();
  }

  @Test
  @Tag("INV-CL-2")
  void tellsTheClusterWhatIsWantedAndTheServicesWhatIsAgreedOn() {
    connect();
    see(7, set(3), new Running(0, ""));
    Follower.Wants first = wants();
    assertThat(first.revision()).isEqualTo(7);
    assertThat(BackendSet.parse(first.wishes().get(ID).value())).isEqualTo(set(3));

    Lut lut = Lut.compute(set(3));
    first.user().tell(new Follower.Update(ID, 4, lut.digest(), lut.bytes(), former(set(4))));
    ServiceManager.Agreed agreed = services.expectMessageClass(ServiceManager.Agreed.class);
    assertThat(agreed.service()).isEqualTo(WEB);
    assertThat(agreed.target().lut()).isEqualTo(lut);
    assertThat(agreed.target().formers().gone()).hasSize(1); // the fourth had a quarter
    assertThat(agreed.target().formers().moved()).isBetween(16_000, 20_000);
    assertThat(agreed.target().generation()).isEqualTo(4);

    see(7, set(3), new Running(4, lut.digest()));
    Follower.Wish wish = wants().wishes().get(ID);
    assertThat(wish.received()).isEqualTo(4);
    assertThat(wish.generation()).isEqualTo(4);
    assertThat(wish.digest()).isEqualTo(lut.digest());

    first.user().tell(new Follower.Stands(ID, 4, 3, 1, "they disagree"));
    assertThat(status().tables().get(ID))
        .isEqualTo(new MaglevKeeper.Table(4, 4, lut.digest(), 3, 1));
    assertThat(status().problems()).isEqualTo(Map.of(ID, "they disagree"));
  }

  @Test
  void whatIsWishedIsToldAgainAndToEachFollowerAnew() {
    see(7, set(3), new Running(0, ""));
    assertThat(status().connected()).isFalse();
    connect();
    wants();
    time.timePasses(Duration.ofSeconds(1));
    wants();
    keeper.tell(new MaglevKeeper.Connect(Optional.empty())); // the cluster's system ends,
    time.timePasses(Duration.ofSeconds(3));
    follower.expectNoMessage(Duration.ofMillis(20));
    TestProbe<Follower.Command> next = kit.createTestProbe(); // and begins anew
    keeper.tell(new MaglevKeeper.Connect(Optional.of(next.ref())));
    assertThat(next.expectMessageClass(Follower.Wants.class).wishes()).containsOnlyKeys(ID);
  }

  @Test
  void whoIsNotWantedAnyMoreIsSaidUntilTheClusterKnows() {
    connect();
    see(7, set(3), new Running(1, "a"));
    Follower.Wants first = wants();
    views.tell(new MaglevView(8, Map.of(), Set.of(), Map.of(), Map.of()));
    Follower.Wants gone = wants();
    assertThat(gone.wishes()).isEmpty();
    assertThat(gone.unwanted()).containsExactly(ID);
    time.timePasses(Duration.ofSeconds(1));
    assertThat(wants().unwanted()).containsExactly(ID);
    first.user().tell(new Follower.Unwanted(ID));
    status();
    time.timePasses(Duration.ofSeconds(1));
    assertThat(wants().unwanted()).isEmpty();
    assertThat(status().tables()).isEmpty();
  }

  @Test
  void aTableThatIsNoneIsNotPassedOn() {
    connect();
    see(7, set(3), new Running(0, ""));
    wants().user().tell(new Follower.Update(ID, 4, "x", new byte[] {4, 0}, new byte[0]));
    status();
    services.expectNoMessage(Duration.ofMillis(20));
    time.timePasses(Duration.ofSeconds(1));
    assertThat(wants().wishes().get(ID).received()).isZero();
  }
}
