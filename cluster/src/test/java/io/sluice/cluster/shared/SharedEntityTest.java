// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.persistence.typed.PersistenceId;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.shared.Messages.Answer;
import io.sluice.cluster.shared.Messages.Command;
import io.sluice.cluster.shared.Messages.Current;
import io.sluice.cluster.shared.Messages.Fetch;
import io.sluice.cluster.shared.Messages.Follow;
import io.sluice.cluster.shared.Messages.GetView;
import io.sluice.cluster.shared.Messages.Gone;
import io.sluice.cluster.shared.Messages.Left;
import io.sluice.cluster.shared.Messages.Part;
import io.sluice.cluster.shared.Messages.SendValue;
import io.sluice.cluster.shared.Messages.Standing;
import io.sluice.cluster.shared.Messages.View;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class SharedEntityTest {
  private final ActorTestKit kit =
      ActorTestKit.create(
          ManualTime.config().withFallback(TestStates.memory()).withFallback(ConfigFactory.load()));
  private final ManualTime time = ManualTime.get(kit.system());
  private final AtomicInteger passivated = new AtomicInteger();
  private final TestProbe<Answer> one = kit.createTestProbe();
  private final TestProbe<Answer> two = kit.createTestProbe();
  private ActorRef<Command> entity = spawn(new Doubling(1));

  private ActorRef<Command> spawn(Derivation derivation) {
    return kit.spawn(
        SharedEntity.create(
            PersistenceId.of("Test", "a"), "a", derivation, passivated::incrementAndGet));
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** What a node says that has the value, and has got and runs a generation of it. */
  private void follow(
      TestProbe<Answer> node, String value, long revision, long generation, String runs) {
    follow(node, value, revision, generation, runs, 1, true);
  }

  private void follow(
      TestProbe<Answer> node,
      String value,
      long revision,
      long generation,
      String runs,
      int version,
      boolean withValue) {
    String digest = runs.isEmpty() ? "" : Digest.of(bytes(runs + runs));
    entity.tell(
        new Follow(
            node == one ? "one" : "two",
            node.ref(),
            true,
            revision,
            Digest.of(bytes(value)),
            withValue ? bytes(value) : new byte[0],
            version,
            generation,
            generation,
            digest));
  }

  private void leave(TestProbe<Answer> node, long revision) {
    entity.tell(
        new Follow(
            node == one ? "one" : "two",
            node.ref(),
            false,
            revision,
            "",
            new byte[0],
            1,
            0,
            0,
            ""));
  }

  private View view() {
    TestProbe<View> probe = kit.createTestProbe();
    entity.tell(new GetView(probe.ref()));
    return probe.receiveMessage();
  }

  private void restart(Derivation derivation) {
    kit.stop(entity);
    entity = spawn(derivation);
  }

  @Test
  void theNewestRevisionCountsAndEachOtherValueIsAGeneration() {
    follow(one, "x", 10, 0, "");
    Current first = one.expectMessageClass(Current.class);
    assertThat(first.generation()).isEqualTo(1);
    assertThat(first.value()).isEqualTo(bytes("x"));
    assertThat(first.digest()).isEqualTo(Digest.of(bytes("xx")));

    follow(one, "x", 11, 1, "x"); // the same value at a newer revision is nothing new
    assertThat(one.expectMessageClass(Standing.class)).isEqualTo(new Standing("a", 1, 1, 0, ""));

    follow(two, "y", 9, 0, ""); // a source that is behind
    assertThat(two.expectMessageClass(Current.class).generation()).isEqualTo(1);
    assertThat(two.expectMessageClass(Standing.class).behind()).isEqualTo(1);

    follow(two, "y", 12, 1, "x");
    assertThat(two.expectMessageClass(Current.class).generation()).isEqualTo(2);
    assertThat(one.expectMessageClass(Current.class).value()).isEqualTo(bytes("y"));
  }

  /** Who comes late, or to another home, is told of the values before, too. */
  @Test
  @Tag("INV-MAG-3")
  void whatWasAgreedOnBeforeIsStoredAndToldWithTheValue() {
    follow(one, "x", 10, 0, "");
    assertThat(one.expectMessageClass(Current.class).former()).isEmpty();
    follow(one, "y", 11, 1, "x");
    assertThat(one.expectMessageClass(Current.class).former()).isEqualTo(bytes("x,"));
    follow(one, "z", 12, 2, "y");
    assertThat(one.expectMessageClass(Current.class).former()).isEqualTo(bytes("y,x,"));
    restart(new Doubling(1));
    follow(two, "z", 12, 0, "");
    assertThat(two.expectMessageClass(Current.class).former()).isEqualTo(bytes("y,x,"));
    follow(one, "z", 12, 9, "y"); // a later generation was seen: the value stays
    Current again = one.expectMessageClass(Current.class);
    assertThat(again.generation()).isEqualTo(10);
    assertThat(again.former()).isEqualTo(bytes("y,x,"));
  }

  /** An agent of before stores, and says, nothing of former values. */
  @Test
  void formsOfAnOlderAgentHaveNoFormerValues() {
    assertThat(new Agreed(1, 1, 1, bytes("x"), "", null).former()).isEmpty();
    assertThat(new Current("a", 1, 1, bytes("x"), "", null).former()).isEmpty();
  }

  /** An older value must not win because the newer one's revision was told without it. */
  @Test
  void whatIsKnownToBeRightAtANewerRevisionIsNotReplacedByAnOlderOne() {
    follow(one, "x", 10, 0, "");
    one.expectMessageClass(Current.class);
    follow(one, "x", 20, 1, "x", 1, false);
    one.expectMessageClass(Standing.class);
    follow(two, "y", 15, 1, "x");
    two.expectMessageClass(Standing.class);
    assertThat(view().generation()).isEqualTo(1);
    assertThat(view().revision()).isEqualTo(20);
  }

  @Test
  void atOneRevisionTheFirstCountsAndTheOthersAreNamed() {
    follow(one, "x", 10, 0, "");
    one.expectMessageClass(Current.class);
    follow(two, "y", 10, 0, "");
    assertThat(two.expectMessageClass(Current.class).value()).isEqualTo(bytes("x"));
    assertThat(two.expectMessageClass(Standing.class).problem())
        .contains("revision 10")
        .endsWith(": two");
    assertThat(view().nodes())
        .extracting(n -> n.node() + n.agrees())
        .containsExactly("onetrue", "twofalse");
  }

  /** Else a folder whose files are written one by one would be stuck with what came first. */
  @Test
  void whatNoSourceSaysAnyMoreIsReplacedAlsoAtOneRevision() {
    follow(one, "x", 10, 0, "");
    one.expectMessageClass(Current.class);
    follow(two, "x", 10, 0, "");
    follow(one, "y", 10, 1, "x");
    assertThat(view().generation()).as("the other node still says so").isEqualTo(1);
    time.timePasses(Duration.ofSeconds(4));
    follow(one, "y", 10, 1, "x");
    assertThat(view().generation()).isEqualTo(1);
    follow(two, "y", 10, 1, "x");
    assertThat(view().generation()).isEqualTo(2);
  }

  @Test
  void aValueIsAskedForOnlyWhenItIsNews() {
    follow(one, "x", 10, 0, "", 1, false);
    one.expectMessageClass(SendValue.class);
    one.expectMessageClass(Standing.class);
    follow(one, "x", 10, 0, "");
    one.expectMessageClass(Current.class);
    follow(two, "x", 10, 0, "", 1, false);
    two.expectMessageClass(Current.class);
    two.expectMessageClass(Standing.class);
    follow(two, "y", 9, 1, "x", 1, false);
    two.expectMessageClass(Standing.class);
    follow(two, "y", 11, 1, "x", 1, false);
    two.expectMessageClass(SendValue.class);
  }

  @Test
  @Tag("INV-CL-2")
  void itKnowsWhoRunsWhatAndForgetsTheSilent() {
    follow(one, "x", 10, 0, "");
    follow(two, "x", 10, 0, "");
    follow(one, "x", 10, 1, "x");
    assertThat(view().nodes())
        .extracting(n -> n.node() + " " + n.generation())
        .containsExactly("one 1", "two 0");
    time.timePasses(Duration.ofSeconds(8));
    follow(one, "x", 10, 1, "x");
    assertThat(view().nodes()).hasSize(2);
    time.timePasses(Duration.ofSeconds(5));
    assertThat(view().nodes()).extracting(n -> n.node()).containsExactly("one");
  }

  @Test
  void whatWasDecidedOutlivesTheEntity() {
    follow(one, "x", 10, 0, "");
    follow(one, "y", 11, 1, "x");
    assertThat(view().generation()).isEqualTo(2);
    restart(new Doubling(1));
    assertThat(view().generation()).isEqualTo(2);
    assertThat(view().nodes()).isEmpty();
    follow(two, "x", 10, 1, "x");
    Current current = two.expectMessageClass(Current.class);
    assertThat(current.generation()).isEqualTo(2);
    assertThat(current.value()).isEqualTo(bytes("y"));
  }

  /** Should what was stored be lost, generations go on from what nodes have seen. */
  @Test
  void generationsNeverGoBack() {
    follow(one, "x", 10, 7, "w");
    assertThat(one.expectMessageClass(Current.class).generation()).isEqualTo(8);
    follow(two, "x", 10, 12, "v");
    assertThat(two.expectMessageClass(Current.class).generation()).isEqualTo(13);
    assertThat(view().generation()).isEqualTo(13);
  }

  @Test
  void aNewerRevisionThatHasItNoMoreRemovesIt() {
    follow(one, "x", 10, 0, "");
    one.expectMessageClass(Current.class);
    follow(two, "x", 10, 0, "");
    two.expectMessageClass(Current.class);
    two.expectMessageClass(Standing.class);

    leave(one, 9); // older: its node is not counted, the rest stays
    one.expectMessageClass(Left.class);
    assertThat(view().generation()).isEqualTo(1);

    leave(one, 11);
    one.expectMessageClass(Left.class);
    assertThat(two.expectMessageClass(Gone.class).revision()).isEqualTo(11);
    assertThat(view().generation()).isZero();

    follow(two, "x", 11, 1, "x"); // whoever has not seen it yet
    two.expectMessageClass(Gone.class);
    restart(new Doubling(1));
    assertThat(view().generation()).isZero();

    follow(two, "x", 12, 1, "x"); // it comes again
    assertThat(two.expectMessageClass(Current.class).generation()).isEqualTo(2);
  }

  /** While a cluster is upgraded, the version is one that all nodes can compute. */
  @Test
  @Tag("INV-MAG-1")
  void theVersionIsOneThatAllCanCompute() {
    restart(new Doubling(3));
    follow(one, "x", 10, 0, "", 2, true);
    assertThat(one.expectMessageClass(Current.class).version()).isEqualTo(2);
    follow(two, "y", 11, 0, "", 3, true);
    assertThat(two.expectMessageClass(Current.class).version()).isEqualTo(2);
  }

  @Test
  void whoCannotComputeItFetchesItInParts() {
    String large = "0123456789".repeat(10);
    follow(one, large, 10, 0, "");
    one.expectMessageClass(Current.class);
    entity.tell(new Fetch(two.ref(), 1, 0));
    Part part = two.expectMessageClass(Part.class);
    assertThat(part.of()).isEqualTo(1);
    assertThat(Packed.unpack(List.of(part.content()))).isEqualTo(bytes(large + large));
    entity.tell(new Fetch(two.ref(), 2, 0)); // another generation than there is
    two.expectNoMessage(Duration.ofMillis(50));
  }

  /** Its version was made by an agent that is gone: it goes on with one that this agent knows. */
  @Test
  void aVersionThatNobodyKnowsIsReplaced() {
    restart(new Doubling(2));
    follow(one, "x", 10, 0, "", 2, true);
    assertThat(one.expectMessageClass(Current.class).version()).isEqualTo(2);
    restart(new Doubling(1));
    follow(one, "x", 10, 0, "");
    assertThat(one.expectMessageClass(Current.class).version()).isEqualTo(2);
    entity.tell(new Fetch(one.ref(), 1, 0));
    one.expectMessageClass(Standing.class);
    Current current = one.expectMessageClass(Current.class);
    assertThat(current.version()).isEqualTo(1);
    assertThat(current.generation()).isEqualTo(2);
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    follow(one, "bad", 10, 0, "");
    assertThat(view().generation()).isZero();
  }

  @Test
  void itLeavesTheMemoryWhenNobodyFollows() {
    follow(one, "x", 10, 0, "");
    one.expectMessageClass(Current.class);
    time.timePasses(Duration.ofSeconds(55));
    assertThat(passivated.get()).isZero();
    time.timePasses(Duration.ofSeconds(20));
    view();
    assertThat(passivated.get()).isPositive();
  }
}
