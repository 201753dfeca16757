// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.dsr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.FishingOutcomes;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.kernel.FakeKernel;
import io.sluice.actors.maps.MapManager;
import io.sluice.cluster.dsr.DsrOptOut;
import io.sluice.cluster.dsr.OptOutList;
import io.sluice.cluster.shared.Digest;
import io.sluice.cluster.shared.Follower;
import io.sluice.config.model.Cidr;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.RouteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class OptOutKeeperTest {
  private final ActorTestKit kit = ActorTestKit.create(ConfigFactory.load());
  private final FakeKernel kernel = new FakeKernel(FakeKernel.Sizes.DEFAULT);
  private final TestProbe<Follower.Command> follower = kit.createTestProbe();
  private ActorRef<OptOutKeeper.Command> keeper;

  @BeforeEach
  void start() {
    TestProbe<MapManager.Writers> writers = kit.createTestProbe();
    kit.spawn(MapManager.create(kernel.open())).tell(new MapManager.GetWriters(writers.ref()));
    keeper = kit.spawn(OptOutKeeper.create(writers.receiveMessage()));
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private static List<Cidr> networks(String... texts) {
    return Stream.of(texts).map(Cidr::parse).toList();
  }

  private Set<String> written() {
    Set<String> written = new TreeSet<>();
    for (Family family : Family.values()) {
      kernel
          .optouts
          .get(family)
          .copy()
          .keySet()
          .forEach(key -> written.add(key.addr() + "/" + key.prefixlen()));
    }
    return written;
  }

  private void configure(long revision, List<Cidr> shared, Optional<List<Cidr>> own) {
    keeper.tell(new OptOutKeeper.Configure(revision, shared, own));
  }

  private ActorRef<Follower.Event> connect() {
    keeper.tell(new OptOutKeeper.Connect(Optional.of(follower.ref())));
    return follower.expectMessageClass(Follower.Wants.class).user();
  }

  private static Follower.Update update(long generation, String... networks) {
    byte[] bytes = OptOutList.bytes(networks(networks));
    return new Follower.Update(DsrOptOut.DEFAULT, generation, Digest.of(bytes), bytes, new byte[0]);
  }

  private OptOutKeeper.Status status() {
    TestProbe<OptOutKeeper.Status> probe = kit.createTestProbe();
    keeper.tell(new OptOutKeeper.GetStatus(probe.ref()));
    return probe.receiveMessage();
  }

  private Follower.Wish wishOf(long generation) {
    return follower
        .fishForMessage(
            Duration.ofSeconds(5),
            message ->
                message instanceof Follower.Wants wants
                        && wants.wishes().get(DsrOptOut.DEFAULT).generation() == generation
                    ? FishingOutcomes.complete()
                    : FishingOutcomes.continueAndIgnore())
        .stream()
        .map(message -> ((Follower.Wants) message).wishes().get(DsrOptOut.DEFAULT))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @Tag("INV-CL-2")
  void whatTheClusterAgreesOnIsWrittenNewOnesFirst() {
    configure(5, networks("10.0.0.0/8", "fd00::/8"), Optional.empty());
    ActorRef<Follower.Event> user = connect();
    List<String> writes = new ArrayList<>();
    kernel.observe((map, key, value) -> writes.add(value == null ? "remove" : "add"));
    user.tell(update(1, "10.0.0.0/8", "fd00::/8"));
    await().until(() -> written().equals(Set.of("10.0.0.0/8", "fd00::/8")));
    assertThat(wishOf(1).digest()).isEqualTo(update(1, "10.0.0.0/8", "fd00::/8").digest());
    user.tell(update(2, "192.0.2.0/24", "fd00::/8"));
    await().until(() -> written().equals(Set.of("192.0.2.0/24", "fd00::/8")));
    wishOf(2);
    assertThat(status()).isEqualTo(new OptOutKeeper.Status(2, 2, false, 2, 0, 0, ""));
    synchronized (kernel.lock) {
      assertThat(writes).containsExactly("add", "add", "add", "remove");
    }
  }

  /** Nothing is removed because the cluster, or the source, has not said anything yet. */
  @Test
  @Tag("INV-AG-3")
  void whileTheClusterIsAwayTheMapsStay() {
    kit.stop(keeper);
    kernel.optouts.get(Family.IPV4).plant(new RouteKey(8, Ip.parse("10.0.0.0")), 1);
    start();
    configure(5, networks("192.0.2.0/24"), Optional.empty());
    assertThat(status().running()).isZero();
    assertThat(written()).containsExactly("10.0.0.0/8");
    connect().tell(update(1, "192.0.2.0/24"));
    await().until(() -> written().equals(Set.of("192.0.2.0/24")));
  }

  @Test
  void aNodesOwnListCountsThere() {
    configure(5, networks("10.0.0.0/8"), Optional.of(networks("192.0.2.0/24")));
    await().until(() -> written().equals(Set.of("192.0.2.0/24")));
    connect().tell(update(3, "10.0.0.0/8"));
    wishOf(3); // it follows, and is not behind
    assertThat(written()).containsExactly("192.0.2.0/24");
    assertThat(status().own()).isTrue();
    configure(6, networks("10.0.0.0/8"), Optional.empty());
    await().until(() -> written().equals(Set.of("10.0.0.0/8")));
  }

  @Test
  void tooManyAreRefusedWithAReason() {
    List<Cidr> many = new ArrayList<>();
    for (int i = 0; i <= OptOutList.MAX_NETWORKS; i++) {
      many.add(Cidr.parse("10." + i / 256 + "." + i % 256 + ".0/24"));
    }
    keeper.tell(new OptOutKeeper.Connect(Optional.of(follower.ref())));
    configure(5, many, Optional.empty());
    assertThat(status().problem()).contains("2049 networks are more than 2048");
    follower.expectNoMessage(Duration.ofMillis(50));
  }
}
