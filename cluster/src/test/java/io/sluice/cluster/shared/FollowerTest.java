// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.persistence.typed.PersistenceId;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.shared.Follower.Event;
import io.sluice.cluster.shared.Follower.Removed;
import io.sluice.cluster.shared.Follower.Stands;
import io.sluice.cluster.shared.Follower.Unwanted;
import io.sluice.cluster.shared.Follower.Update;
import io.sluice.cluster.shared.Follower.Wants;
import io.sluice.cluster.shared.Follower.Wish;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A follower before a real entity. */
class FollowerTest {
  private final ActorTestKit kit =
      ActorTestKit.create(TestStates.memory().withFallback(ConfigFactory.load()));
  private final TestProbe<Event> user = kit.createTestProbe();
  private ActorRef<Messages.Command> entity;

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private void entity(int version) {
    entity =
        kit.spawn(
            SharedEntity.create(PersistenceId.of("T", "a"), "a", new Doubling(version), () -> {}));
  }

  private ActorRef<Follower.Command> follower(String node, int version) {
    return kit.spawn(Follower.create(node, new Doubling(version), id -> entity));
  }

  private Wants wants(long revision, byte[] value, long received) {
    return new Wants(
        revision,
        Map.of("a", new Wish(value, Digest.of(value), received, 0, "")),
        Set.of(),
        user.ref());
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  @Test
  void getsWhatTheClusterDecided() {
    entity(1);
    ActorRef<Follower.Command> follower = follower("one", 1);
    byte[] value = random(20);
    follower.tell(wants(10, value, 0));
    Update update = user.expectMessageClass(Update.class);
    assertThat(update.content()).isEqualTo(new Doubling(1).derive(1, value));
    follower.tell(wants(10, value, 1));
    assertThat(user.expectMessageClass(Stands.class)).isEqualTo(new Stands("a", 1, 1, 1, ""));
    follower.tell(wants(10, value, 0)); // a user that has lost it gets it again
    assertThat(user.expectMessageClass(Update.class).generation()).isEqualTo(1);
  }

  /** The entity's home is of a newer version, and the version agreed on is not this agent's. */
  @Test
  @Tag("INV-MAG-1")
  void fetchesWhatItCannotComputeAndGetsTheSame() {
    entity(2);
    byte[] value = random(Agreed.MAX_VALUE); // twice that, not to be deflated: three parts
    ActorRef<Follower.Command> newer = follower("newer", 2);
    newer.tell(wants(10, value, 0));
    Update computed = user.expectMessageClass(Update.class);
    ActorRef<Follower.Command> older = follower("older", 1);
    older.tell(wants(10, value, 0));
    Update fetched = null;
    while (fetched == null) {
      Event event = user.receiveMessage();
      fetched = event instanceof Update update ? update : null;
    }
    assertThat(fetched.content()).isEqualTo(computed.content());
    assertThat(fetched.content()).hasSize(2 * value.length + 1);
    assertThat(fetched.digest()).isEqualTo(computed.digest());
  }

  @Test
  void leavesWhatTheSourceHasNoMore() {
    entity(1);
    ActorRef<Follower.Command> one = follower("one", 1);
    ActorRef<Follower.Command> two = follower("two", 1);
    one.tell(wants(10, random(5), 0));
    user.expectMessageClass(Update.class);
    two.tell(wants(10, random(5), 1));
    user.expectMessageClass(Stands.class);
    one.tell(new Wants(11, Map.of(), Set.of("a"), user.ref()));
    assertThat(List.of(user.receiveMessage(), user.receiveMessage()))
        .containsExactlyInAnyOrder(new Unwanted("a"), new Removed("a"));
    TestProbe<Follower.Views> views = kit.createTestProbe();
    one.tell(new Follower.GetViews(List.of("a"), views.ref()));
    assertThat(views.receiveMessage().views().get(0).generation()).isZero();
  }

  @Test
  void partsComeTogether() {
    byte[] whole = random(3 * Packed.PART);
    List<byte[]> parts = Packed.pack(whole);
    assertThat(parts).hasSizeGreaterThan(3);
    assertThat(Packed.unpack(parts)).isEqualTo(whole);
    assertThat(Packed.pack(new byte[0])).hasSize(1);
  }
}
