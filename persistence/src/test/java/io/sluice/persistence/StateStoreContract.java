// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import akka.persistence.state.javadsl.GetObjectResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a store of shared state does, whichever it is. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
abstract class StateStoreContract {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Of one node. */
  abstract ActorSystem<?> system();

  /** Of a node that takes over: another one, where there are several. */
  abstract ActorSystem<?> otherSystem();

  /** All nodes stop and start. */
  abstract void restart();

  private final String id = "entity-" + UUID.randomUUID();

  DurableStateUpdateStore<Object> store() {
    return StateNodes.store(system());
  }

  static <T> T get(CompletionStage<T> stage) {
    return stage.toCompletableFuture().join();
  }

  private static StoredTable.Text text(String text) {
    return new StoredTable.Text(text);
  }

  private void assertStored(Object value, long revision) {
    GetObjectResult<Object> found = get(store().getObject(id));
    assertThat(found.value()).isEqualTo(Optional.ofNullable(value));
    assertThat(found.revision()).isEqualTo(revision);
  }

  private static void assertRefused(
      CompletionStage<?> stage, Class<? extends Throwable> type, String message) {
    assertThatThrownBy(() -> get(stage))
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(type)
        .hasMessageContaining(message);
  }

  @Test
  void whatIsNotThereHasRevisionZero() {
    assertStored(null, 0);
  }

  @Test
  void lastWriteIsFound() {
    for (int revision = 1; revision <= 5; revision++) {
      get(store().upsertObject(id, revision, text("v" + revision), ""));
    }
    assertStored(text("v5"), 5);
  }

  @Test
  void deletedIsNotFoundAndKeepsItsRevision() {
    get(store().upsertObject(id, 1, text("a"), ""));
    get(store().deleteObject(id, 2));
    assertStored(null, 2);
    get(store().upsertObject(id, 3, text("again"), ""));
    assertStored(text("again"), 3);
  }

  @Test
  @SuppressWarnings("deprecation")
  void deletionWithoutARevisionTakesTheNext() {
    get(store().upsertObject(id, 1, text("a"), ""));
    get(store().deleteObject(id));
    assertStored(null, 2);
  }

  @Test
  void revisionThatDoesNotFollowIsRefused() {
    assertRefused(
        store().upsertObject(id, 2, text("a"), ""),
        IllegalStateException.class,
        id + ": revision 2 does not follow the stored revision 0");
    get(store().upsertObject(id, 1, text("a"), ""));
    for (long wrong : new long[] {1, 3, 7}) {
      assertRefused(
          store().upsertObject(id, wrong, text("b"), ""),
          IllegalStateException.class,
          id + ": revision " + wrong + " does not follow the stored revision 1");
      assertRefused(
          store().deleteObject(id, wrong),
          IllegalStateException.class,
          id + ": revision " + wrong + " does not follow the stored revision 1");
    }
    get(store().upsertObject(id, 2, text("c"), ""));
    assertStored(text("c"), 2);
  }

  @Test
  void ofWritersAtOnceOneWins() {
    for (int revision = 1; revision <= 20; revision++) {
      List<CompletableFuture<Done>> writers = new ArrayList<>();
      for (int writer = 0; writer < 5; writer++) {
        writers.add(
            store()
                .upsertObject(id, revision, text(revision + " by " + writer), "")
                .toCompletableFuture());
      }
      CompletableFuture.allOf(writers.toArray(CompletableFuture[]::new))
          .exceptionally(e -> null)
          .join();
      List<Integer> winners = new ArrayList<>();
      for (int writer = 0; writer < 5; writer++) {
        if (!writers.get(writer).isCompletedExceptionally()) {
          winners.add(writer);
        }
      }
      assertThat(winners).as("winners of revision %d", revision).hasSize(1);
      assertStored(text(revision + " by " + winners.get(0)), revision);
    }
  }

  @Test
  void manyStatesAtOnce() {
    List<CompletableFuture<Done>> writes = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      writes.add(store().upsertObject(id + i, 1, text("v" + i), "").toCompletableFuture());
    }
    writes.forEach(CompletableFuture::join);
    for (int i = 0; i < 200; i += 37) {
      assertThat(get(store().getObject(id + i)).value()).contains(text("v" + i));
    }
  }

  /** An entity moves: its new home knows all, and writes on. */
  @Test
  void anotherNodeTakesOver() {
    get(store().upsertObject(id, 1, text("a"), ""));
    DurableStateUpdateStore<Object> other = StateNodes.store(otherSystem());
    GetObjectResult<Object> found = get(other.getObject(id));
    assertThat(found.value()).contains(text("a"));
    get(other.upsertObject(id, 2, text("b"), ""));
    assertThatThrownBy(() -> get(store().upsertObject(id, 2, text("late"), "")))
        .isInstanceOf(CompletionException.class);
    assertStored(text("b"), 2);
  }

  @Test
  void recordsOfAllKindsOfFields() {
    byte[] slots = new byte[10_000];
    new Random(7).nextBytes(slots);
    var table =
        new StoredTable.Table(
            "default/web", 7, List.of("10.0.0.1:80", "[fd00::1]:80"), Map.of("a", 3), slots);
    get(store().upsertObject(id, 1, table, ""));
    var found = (StoredTable.Table) get(store().getObject(id)).value().orElseThrow();
    assertThat(found).usingRecursiveComparison().isEqualTo(table);
  }

  @Test
  void tooLargeIsRefusedAndLeavesWhatWasThere() {
    get(store().upsertObject(id, 1, text("x".repeat(47 * 1024)), ""));
    assertRefused(
        store().upsertObject(id, 2, text("x".repeat(49 * 1024)), ""),
        IllegalArgumentException.class,
        "are more than the 49152 that one stored object may have");
    assertStored(text("x".repeat(47 * 1024)), 1);
    get(store().upsertObject(id, 2, text("small"), ""));
  }

  @Test
  void whatHasNoSerializerIsRefused() {
    assertRefused(
        store().upsertObject(id, 1, new Object(), ""),
        IllegalArgumentException.class,
        "java.lang.Object cannot be serialized");
    assertStored(null, 0);
  }

  @Test
  @Tag("INV-AG-2")
  void restartKeepsAll() {
    get(store().upsertObject(id, 1, text("a"), ""));
    get(store().upsertObject(id, 2, text("b"), ""));
    get(store().upsertObject(id + "-gone", 1, text("c"), ""));
    get(store().deleteObject(id + "-gone", 2));
    restart();
    assertStored(text("b"), 2);
    assertThat(get(store().getObject(id + "-gone")).value()).isEmpty();
    get(store().upsertObject(id, 3, text("d"), ""));
    assertStored(text("d"), 3);
  }

  @Test
  void entityKeepsItsStateAcrossRestart() throws Exception {
    ActorRef<Tally.Command> tally = spawn("before");
    assertThat(ask(tally, to -> new Tally.Add(5, to), Long.class)).isEqualTo(5);
    assertThat(ask(tally, to -> new Tally.Add(6, to), Long.class)).isEqualTo(11);
    restart();
    ActorRef<Tally.Command> again = spawn("after");
    assertThat(ask(again, to -> new Tally.Add(1, to), Long.class)).isEqualTo(12);
    ask(again, Tally.Forget::new, Done.class);
    assertThat(ask(again, to -> new Tally.Add(2, to), Long.class)).isEqualTo(2);
  }

  private ActorRef<Tally.Command> spawn(String name) {
    return system().systemActorOf(Tally.create(id), name + id, akka.actor.typed.Props.empty());
  }

  private <T> T ask(
      ActorRef<Tally.Command> tally,
      akka.japi.function.Function<ActorRef<T>, Tally.Command> message,
      Class<T> type) {
    return type.cast(get(AskPattern.ask(tally, message, PATIENCE, system().scheduler())));
  }
}
