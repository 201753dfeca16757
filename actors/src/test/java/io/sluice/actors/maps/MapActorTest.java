// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maps;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.kernel.FakeMap;
import io.sluice.kernel.bpf.TypedMap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 1, unit = TimeUnit.MINUTES)
final class MapActorTest {
  private static final Duration LONG = Duration.ofSeconds(10);

  private final ActorTestKit kit =
      ActorTestKit.create(ManualTime.config().withFallback(ConfigFactory.load()));
  private final ManualTime time = ManualTime.get(kit.system());
  private final List<String> writes = Collections.synchronizedList(new ArrayList<>());
  private final Object lock = new Object();
  private final FakeMap<String, Integer> map =
      new FakeMap<>(new Object(), "fake", 4, (name, key, value) -> writes.add(key + "=" + value));
  private final TestProbe<MapActor.Result<String>> results = kit.createTestProbe();

  @AfterEach
  void close() {
    kit.shutdownTestKit();
  }

  private ActorRef<MapActor.Command<String, Integer>> spawn(MapActor.Options options) {
    return kit.spawn(MapActor.create(map.new Handle(), options));
  }

  private MapActor.Update<String, Integer> update(Map<String, Integer> puts, String... removes) {
    return new MapActor.Update<>(puts, Set.of(removes), results.ref());
  }

  private MapActor.Refused<String> receiveRefused() {
    MapActor.Result<String> result = results.receiveMessage(LONG);
    assertThat(result).isInstanceOf(MapActor.Refused.class);
    return (MapActor.Refused<String>) result;
  }

  private MapActor.Occupancy occupancy(ActorRef<MapActor.Command<String, Integer>> actor) {
    TestProbe<MapActor.Occupancy> probe = kit.createTestProbe();
    actor.tell(new MapActor.GetOccupancy<>(probe.ref()));
    return probe.receiveMessage(LONG);
  }

  private MapActor.Contents<String, Integer> read(
      ActorRef<MapActor.Command<String, Integer>> actor) {
    TestProbe<MapActor.Contents<String, Integer>> probe = kit.createTestProbe();
    actor.tell(new MapActor.Read<>(probe.ref()));
    return probe.receiveMessage(LONG);
  }

  @Test
  void onlyTheDifferenceIsWritten() {
    map.plant("a", 1);
    map.plant("b", 2);
    var actor = spawn(MapActor.Options.KEEPING);
    actor.tell(update(Map.of("a", 1, "b", 3), "c"));
    assertThat(results.receiveMessage(LONG)).isEqualTo(new MapActor.Applied<>("fake"));
    assertThat(writes).containsExactly("b=3");
    actor.tell(update(Map.of(), "a"));
    results.receiveMessage(LONG);
    assertThat(map.copy()).isEqualTo(Map.of("b", 3));
    assertThat(read(actor).entries()).isEqualTo(Map.of("b", 3));
  }

  @Test
  void manyUpdatesAreOneBatchAndTheLastCounts() {
    var actor = spawn(MapActor.Options.KEEPING);
    read(actor);
    int before = map.calls();
    synchronized (lock) {
      for (int i = 0; i < 1_000; i++) {
        actor.tell(update(Map.of("a", i)));
      }
    }
    results.receiveSeveralMessages(1_000, LONG);
    assertThat(map.copy()).isEqualTo(Map.of("a", 999));
    assertThat(map.calls() - before).isLessThan(10);
  }

  @Test
  @Tag("INV-AG-3")
  void unknownEntriesGoOnlyAfterTheSourceIsInSync() {
    map.plant("old", 1);
    map.plant("wanted", 2);
    var actor = spawn(MapActor.Options.SWEEPING);
    actor.tell(update(Map.of("wanted", 2, "new", 3)));
    results.receiveMessage(LONG);
    assertThat(map.copy()).containsOnlyKeys("old", "wanted", "new");
    actor.tell(new MapActor.SourceInSync<>());
    assertThat(read(actor).entries()).containsOnlyKeys("wanted", "new");
    assertThat(writes).containsExactly("new=3", "old=null");
  }

  @Test
  void whatTheOwnerSweepsStays() {
    map.plant("old", 1);
    var actor = spawn(MapActor.Options.KEEPING);
    actor.tell(new MapActor.SourceInSync<>());
    assertThat(read(actor).entries()).containsOnlyKeys("old");
  }

  @Test
  void fullMapIsARefusalNotAFailure() {
    var actor = spawn(MapActor.Options.KEEPING);
    Map<String, Integer> six = new LinkedHashMap<>();
    for (int i = 0; i < 6; i++) {
      six.put("k" + i, i);
    }
    actor.tell(update(six));
    MapActor.Refused<String> refused = receiveRefused();
    assertThat(refused.keys()).isEqualTo(Set.of("k4", "k5"));
    assertThat(refused.reason()).contains("fake").contains("4 entries");
    // Others are not concerned: updates go on, and room is found where something goes.
    actor.tell(update(Map.of("k0", 7)));
    assertThat(results.receiveMessage(LONG)).isInstanceOf(MapActor.Applied.class);
    actor.tell(update(Map.of("k5", 5), "k1"));
    assertThat(results.receiveMessage(LONG)).isInstanceOf(MapActor.Applied.class);
    assertThat(map.copy()).isEqualTo(Map.of("k0", 7, "k2", 2, "k3", 3, "k5", 5));
    assertThat(occupancy(actor))
        .isEqualTo(new MapActor.Occupancy("fake", 4, 4, 2, Optional.empty()));
  }

  /** The kernel may find itself full where we count room: tries count other things, too. */
  @Test
  void kernelThatSaysFullIsBelieved() {
    var actor = spawn(MapActor.Options.KEEPING);
    actor.tell(update(Map.of("a", 1)));
    results.receiveMessage(LONG);
    map.fail(1, 0, 28);
    actor.tell(update(Map.of("a", 2, "b", 2)));
    assertThat(receiveRefused().keys()).isEqualTo(Set.of("b"));
    assertThat(map.copy()).isEqualTo(Map.of("a", 2));
  }

  @Test
  void failingKernelIsAskedAgainWithGrowingBackOffAndReadAnew() {
    var actor = spawn(MapActor.Options.KEEPING);
    read(actor);
    map.fail(2, 1, 12);
    Map<String, Integer> three = new LinkedHashMap<>();
    three.put("a", 1);
    three.put("b", 2);
    three.put("c", 3);
    actor.tell(update(three));
    awaitFailure(actor);
    assertThat(map.copy()).isEqualTo(Map.of("a", 1));
    time.timePasses(Duration.ofMillis(210));
    Awaitility.await().atMost(LONG).until(() -> map.copy().size() == 2);
    time.timePasses(Duration.ofMillis(380));
    results.expectNoMessage(Duration.ZERO);
    time.timePasses(Duration.ofMillis(30));
    assertThat(results.receiveMessage(LONG)).isInstanceOf(MapActor.Applied.class);
    assertThat(map.copy()).isEqualTo(three);
    // Each entry once: what the failed batches had written was seen.
    assertThat(writes).hasSize(3);
    assertThat(occupancy(actor).failure()).isEmpty();
  }

  private void awaitFailure(ActorRef<MapActor.Command<String, Integer>> actor) {
    Awaitility.await().atMost(LONG).until(() -> occupancy(actor).failure().isPresent());
  }

  @Test
  void refreshRepairsWhatOthersChanged() {
    var actor = spawn(MapActor.Options.KEEPING);
    actor.tell(update(Map.of("a", 1)));
    results.receiveMessage(LONG);
    map.plant("a", 9);
    actor.tell(new MapActor.Refresh<>());
    assertThat(read(actor).entries()).isEqualTo(Map.of("a", 1));
    assertThat(map.copy()).isEqualTo(Map.of("a", 1));
  }

  /** An actor that fails starts anew, reads the kernel, and forgets no request. */
  @Test
  void restartKeepsWhatIsWantedAndAnswersEverybody() {
    AtomicInteger mistakes = new AtomicInteger(1);
    var actor =
        kit.spawn(
            MapActor.create(new Clumsy(map.new Handle(), mistakes), MapActor.Options.KEEPING));
    actor.tell(update(Map.of("a", 1)));
    Awaitility.await().atMost(LONG).until(() -> mistakes.get() == 0);
    map.plant("b", 2);
    time.timePasses(Duration.ofSeconds(1));
    actor.tell(update(Map.of("c", 3)));
    results.receiveSeveralMessages(2, LONG);
    assertThat(read(actor).entries()).isEqualTo(Map.of("a", 1, "b", 2, "c", 3));
  }

  /** Throws where the actor does not expect it. */
  private record Clumsy(TypedMap<String, Integer> map, AtomicInteger mistakes)
      implements TypedMap<String, Integer> {
    @Override
    public String name() {
      return map.name();
    }

    @Override
    public int maxEntries() {
      if (mistakes.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw new IllegalStateException("clumsy");
      }
      return map.maxEntries();
    }

    @Override
    public Optional<Integer> get(String key) {
      return map.get(key);
    }

    @Override
    public void put(String key, Integer value) {
      map.put(key, value);
    }

    @Override
    public void putAll(Map<String, Integer> entries) {
      map.putAll(entries);
    }

    @Override
    public void removeAll(Collection<String> keys) {
      map.removeAll(keys);
    }

    @Override
    public void forEach(BiConsumer<? super String, ? super Integer> visitor) {
      map.forEach(visitor);
    }
  }
}
