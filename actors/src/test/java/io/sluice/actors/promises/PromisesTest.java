// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.promises;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.promises.Promises.Kind;
import io.sluice.persistence.LocalJournal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Over the real journal, so that what is tested is what is written. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class PromisesTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path folder;
  private ActorTestKit kit;
  private ActorRef<Promises.Command> promises;

  @BeforeEach
  void open() {
    kit =
        ActorTestKit.create(LocalJournal.open(folder).config().withFallback(ConfigFactory.load()));
    promises = spawn(10);
  }

  @AfterEach
  void close() {
    kit.shutdownTestKit();
  }

  private ActorRef<Promises.Command> spawn(int limit) {
    return kit.spawn(Promises.create(new Promises.Limits(limit, 262143, limit)));
  }

  private void restart(int limit) {
    kit.stop(promises);
    promises = spawn(limit);
  }

  private Promises.Assigned assign(Kind kind, String... keys) {
    return assign(kind, List.of(keys));
  }

  private Promises.Assigned assign(Kind kind, List<String> keys) {
    TestProbe<Promises.Assigned> probe = kit.createTestProbe();
    promises.tell(new Promises.Assign(kind, keys, probe.ref()));
    return probe.receiveMessage(LONG);
  }

  private void release(Kind kind, String... keys) {
    TestProbe<Done> probe = kit.createTestProbe();
    promises.tell(new Promises.Release(kind, Set.of(keys), probe.ref()));
    probe.receiveMessage(LONG);
  }

  private Map<String, Integer> held(Kind kind) {
    TestProbe<Promises.Held> probe = kit.createTestProbe();
    promises.tell(new Promises.Get(kind, probe.ref()));
    return probe.receiveMessage(LONG).ids();
  }

  private void save(String group, Map<String, String> values, String... forget) {
    TestProbe<Done> probe = kit.createTestProbe();
    promises.tell(new Promises.Save(group, values, Set.of(forget), probe.ref()));
    probe.receiveMessage(LONG);
  }

  private Map<String, String> saved(String group) {
    TestProbe<Promises.SavedValues> probe = kit.createTestProbe();
    promises.tell(new Promises.GetSaved(group, probe.ref()));
    return probe.receiveMessage(LONG).values();
  }

  @Test
  @Tag("INV-SVC-2")
  void numbersAreUniqueAndRestLongBeforeTheyAreReused() {
    assertThat(assign(Kind.SERVICE, "a", "b", "a").ids()).isEqualTo(Map.of("a", 1, "b", 2));
    release(Kind.SERVICE, "a");
    assertThat(assign(Kind.SERVICE, "c", "b").ids()).isEqualTo(Map.of("c", 3, "b", 2));
    restart(10);
    assertThat(assign(Kind.SERVICE, "d").ids()).isEqualTo(Map.of("d", 4));
    for (int id = 5; id <= 10; id++) {
      assertThat(assign(Kind.SERVICE, "e" + id).ids()).containsValue(id);
    }
    assertThat(assign(Kind.SERVICE, "a").ids()).isEqualTo(Map.of("a", 1));
    Promises.Assigned none = assign(Kind.SERVICE, "f", "b");
    assertThat(none.refused()).containsExactly("f");
    assertThat(none.ids()).isEqualTo(Map.of("b", 2));
  }

  @Test
  void kindsHaveTheirOwnNumbers() {
    assign(Kind.SERVICE, "a");
    assertThat(assign(Kind.SLOT, "eth0/in", "eth0/out").ids())
        .isEqualTo(Map.of("eth0/in", 1, "eth0/out", 2));
    assertThat(assign(Kind.BACKEND, "1/10.0.0.1/80").ids()).containsValue(1);
  }

  @Test
  @Tag("INV-AG-2")
  void valuesAreRememberedAndForgotten() {
    save("sysctl", Map.of("net.ipv4.conf.all.rp_filter", "2", "net.ipv4.ip_forward", "0"));
    save("sysctl", Map.of("net.ipv4.ip_forward", "1"), "net.ipv4.conf.all.rp_filter");
    save("routes", Map.of("x", "y"));
    restart(10);
    assertThat(saved("sysctl")).isEqualTo(Map.of("net.ipv4.ip_forward", "1"));
    assertThat(saved("routes")).isEqualTo(Map.of("x", "y"));
    assertThat(saved("nothing")).isEmpty();
  }

  @Test
  @Tag("INV-SVC-2")
  void adoptionReplacesAndBlockedNumbersAreNotGivenOut() {
    assign(Kind.SERVICE, "a", "b", "c");
    TestProbe<Done> probe = kit.createTestProbe();
    promises.tell(
        new Promises.Adopt(Kind.SERVICE, Map.of("b", 2, "k", 5), Set.of(6, 7), probe.ref()));
    probe.receiveMessage(LONG);
    assertThat(held(Kind.SERVICE)).isEqualTo(Map.of("b", 2, "k", 5));
    assertThat(assign(Kind.SERVICE, "x", "y").ids()).isEqualTo(Map.of("x", 8, "y", 9));
    promises.tell(new Promises.Unblock(Kind.SERVICE, Set.of(6)));
    assertThat(assign(Kind.SERVICE, "1", "2", "3", "4", "5").ids().values())
        .containsExactlyInAnyOrder(10, 1, 3, 4, 6);
    assertThat(assign(Kind.SERVICE, "6").refused()).containsExactly("6");
  }

  @Test
  @Tag("INV-AG-2")
  void tenThousandAtOnceAndManyEventsSurviveARestart() {
    restart(65535);
    List<String> keys =
        IntStream.range(0, 10_000).mapToObj(i -> "default/s" + i + "/80/TCP/4").toList();
    long began = System.nanoTime();
    Map<String, Integer> ids = assign(Kind.SERVICE, keys).ids();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
    assertThat(new HashSet<>(ids.values())).hasSize(10_000);
    for (int i = 0; i < 500; i++) {
      save("many", Map.of("key" + i % 7, "value" + i));
    }
    assertThat(saved("many")).hasSize(7);
    restart(65535);
    assertThat(held(Kind.SERVICE)).isEqualTo(ids);
    assertThat(saved("many")).hasSize(7).containsValue("value499");
    assertThat(assign(Kind.SERVICE, "one more").ids()).containsValue(10_001);
  }
}
