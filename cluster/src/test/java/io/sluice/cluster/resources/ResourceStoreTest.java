// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.resources.StoreFollower.Answer;
import io.sluice.cluster.resources.StoreFollower.Result;
import io.sluice.config.source.Snapshot;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The entity and its followers, with registers that fail where a test says. */
class ResourceStoreTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private static ActorTestKit kit;

  @TempDir Path folder;

  @BeforeAll
  static void start() {
    kit =
        ActorTestKit.create(
            "store", ConfigFactory.parseString("akka.loglevel = ERROR\nakka.actor.provider=local"));
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  /** A store and a node. */
  private final class Pair implements AutoCloseable {
    final AtomicReference<Optional<String>> minority = new AtomicReference<>(Optional.empty());
    final List<Snapshot> told = new CopyOnWriteArrayList<>();
    final ClusterSource source;
    final ActorRef<ResourceStore.Command> store;
    final ActorRef<StoreFollower.Command> follower;
    private int requests;

    Pair(Deque<Registers> views, String name) {
      source = new ClusterSource(folder.resolve(name));
      source.start(told::add);
      store =
          kit.spawn(
              ResourceStore.create(
                  () -> views.size() > 1 ? views.remove() : views.peek(),
                  minority::get,
                  Clock.systemUTC()));
      follower = kit.spawn(StoreFollower.create("n", source, store::tell, Duration.ofSeconds(10)));
    }

    CompletableFuture<Answer> submit(String name, int size) {
      Submission submission =
          new Submission(
              "r" + requests++,
              false,
              List.of(
                  new Submission.Item(
                      new Ref("Namespace", "", name), 0, body(name, size), List.of())));
      CompletableFuture<Answer> answer = new CompletableFuture<>();
      follower.tell(
          new StoreFollower.Submit(submission.id(), Codec.submission(submission), answer));
      return answer;
    }

    @Override
    public void close() {
      kit.stop(follower);
      kit.stop(store);
      source.close();
    }
  }

  private static String body(String name, int size) {
    StringBuilder text = new StringBuilder();
    java.util.Random random = new java.util.Random(size);
    for (int i = 0; i < size; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\""
        + name
        + "\",\"annotations\":{\"a\":\""
        + text
        + "\"}}}";
  }

  private static Answer done(CompletableFuture<Answer> answer) throws Exception {
    return answer.get(20, TimeUnit.SECONDS);
  }

  @Test
  @Tag("INV-AG-2")
  void eachRequestIsDoneOnceWhereverAWriteFails() throws Exception {
    for (int cut = 0; cut < 14; cut++) {
      for (boolean takesEffect : new boolean[] {false, true}) {
        MemoryRegisters registers = new MemoryRegisters();
        Deque<Registers> views = new ArrayDeque<>();
        views.add(registers.killedAfter(cut, takesEffect));
        views.add(registers.view());
        try (Pair pair = new Pair(views, "cut-" + cut + takesEffect)) {
          List<Answer> answers = new ArrayList<>();
          for (int i = 0; i < 4; i++) {
            answers.add(done(pair.submit("ns-" + i, i == 2 ? 200_000 : 20)));
          }
          assertThat(answers).extracting(Answer::result).containsOnly(Result.DONE);
          assertThat(answers).extracting(Answer::verbs).containsOnly("n");
          assertThat(answers).extracting(Answer::version).containsExactly(1L, 2L, 3L, 4L);
          await().atMost(SOON).until(() -> pair.source.applied() == 4);
          assertThat(pair.source.status().resources()).isEqualTo(4);
        }
      }
    }
  }

  @Test
  void requestsThatComeTogetherAreWrittenTogether() throws Exception {
    MemoryRegisters registers = new MemoryRegisters();
    MemoryRegisters.View view = registers.view();
    // The first write is held until the others have come.
    CompletableFuture<Void> gate = new CompletableFuture<>();
    List<String> written = new CopyOnWriteArrayList<>();
    Registers slow =
        new Registers() {
          @Override
          public java.util.concurrent.CompletionStage<Found> get(String id) {
            return view.get(id);
          }

          @Override
          public java.util.concurrent.CompletionStage<?> put(
              String id, long revision, byte[] value) {
            written.add(id);
            boolean held = written.stream().filter(w -> w.contains("log-")).count() == 2;
            return held
                ? gate.thenCompose(any -> view.put(id, revision, value))
                : view.put(id, revision, value);
          }
        };
    Deque<Registers> views = new ArrayDeque<>(List.of(slow));
    try (Pair pair = new Pair(views, "group")) {
      List<CompletableFuture<Answer>> answers = new ArrayList<>();
      answers.add(pair.submit("first", 10));
      await()
          .atMost(SOON)
          .until(() -> written.stream().filter(w -> w.contains("log-")).count() == 2);
      for (int i = 0; i < 20; i++) {
        answers.add(pair.submit("ns-" + i, 10));
      }
      TestProbe<StoreFollower.Command> late = kit.createTestProbe();
      await()
          .atMost(SOON)
          .until(
              () -> {
                // A snapshot is not sent while something is being written.
                pair.store.tell(new ResourceStore.Follow("late", "", 0, 0, "", 0, late.getRef()));
                return true;
              });
      late.expectNoMessage(Duration.ofMillis(300));
      gate.complete(null);
      for (CompletableFuture<Answer> answer : answers) {
        assertThat(done(answer).result()).isEqualTo(Result.DONE);
      }
      assertThat(written.stream().filter(w -> w.contains("log-")).count()).isLessThanOrEqualTo(5);
      StoreFollower.Delivery delivery = late.expectMessageClass(StoreFollower.Delivery.class);
      assertThat(Codec.snapshot(delivery.chunk().bytes()).all()).hasSize(1);
    }
  }

  @Test
  void aMinorityStoresNothingAndSaysSo() throws Exception {
    Deque<Registers> views = new ArrayDeque<>(List.of(new MemoryRegisters().view()));
    try (Pair pair = new Pair(views, "minority")) {
      assertThat(done(pair.submit("a", 10)).result()).isEqualTo(Result.DONE);
      pair.minority.set(Optional.of("not decided: this side is a minority"));
      Answer answer = done(pair.submit("b", 10));
      assertThat(answer.result()).isEqualTo(Result.UNAVAILABLE);
      assertThat(answer.reasons()).containsExactly("not decided: this side is a minority");
      pair.minority.set(Optional.empty());
      assertThat(done(pair.submit("c", 10)).version()).isEqualTo(2);
    }
  }

  @Test
  @Tag("INV-CL-3")
  void aRequestThatMakesNoSenseIsRefused() throws Exception {
    Deque<Registers> views = new ArrayDeque<>(List.of(new MemoryRegisters().view()));
    try (Pair pair = new Pair(views, "nonsense")) {
      CompletableFuture<Answer> answer = new CompletableFuture<>();
      pair.follower.tell(new StoreFollower.Submit("x", new byte[] {1, 2, 3}, answer));
      assertThat(done(answer).result()).isEqualTo(Result.REFUSED);
      TestProbe<StoreFollower.Command> probe = kit.createTestProbe();
      pair.store.tell(
          new ResourceStore.Part("y", "no such home", 0, 1, new byte[0], probe.getRef()));
      assertThat(probe.expectMessageClass(StoreFollower.NotOpen.class).reason())
          .isEqualTo("the store has moved");
      assertThat(done(pair.submit("a", 10)).version()).isEqualTo(1);
    }
  }
}
