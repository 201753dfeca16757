// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Packets while somebody else changes what they meet. */
class ConcurrencyTest extends ChainTest {
  private static final int CHANGES = 2_000;
  private static final int SPANS = 8;

  /** Sends new flows from a, each with another port, until told to stop; returns their number. */
  private CompletableFuture<Integer> sendUntil(
      AtomicBoolean done, Traffic traffic, Ip from, Ip to, Consumer<TestRun> judge) {
    Map<Integer, byte[]> frames = new TreeMap<>();
    for (int port = 1; port <= 4096; port++) {
      frames.put(port, traffic.first(from, port, to, 80));
    }
    CountDownLatch started = new CountDownLatch(1);
    CompletableFuture<Integer> result =
        CompletableFuture.supplyAsync(
            () ->
                harness.inNamespace(
                    () -> {
                      TestRun run = new TestRun(harness.chain.preamble(SluiceHook.HOOK_IN), 2048);
                      run.context(SkbContext.EMPTY.onInterface(a.ifindex()));
                      int sent = 0;
                      while (!done.get()) {
                        for (byte[] frame : frames.values()) {
                          assertThat(run.packet(frame).run(1)).isEqualTo(Outcome.REDIRECT);
                          judge.accept(run);
                          sent++;
                          started.countDown();
                        }
                      }
                      return sent;
                    }));
    // Or it has failed, which joining it will tell.
    CompletableFuture.anyOf(result, CompletableFuture.runAsync(() -> await(started)))
        .exceptionally(e -> null)
        .join();
    return result;
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-PROG-3")
  @Tag("INV-POL-1")
  void replacingAPolicyDropsNothingAndLetsNothingPass(Family family) {
    Net net = Net.of(family);
    harness.configure(a, ChainHarness.USUAL_FLAGS, ChainHarness.TEST_SLOT, ChainHarness.ALLOW_SLOT);
    harness.chain.allowAll(SluiceHook.HOOK_IN, ChainHarness.TEST_SLOT);
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Integer> sent = sendUntil(done, Traffic.TCP, net.a(), net.b(), run -> {});
    try {
      for (int i = 0; i < CHANGES; i++) {
        harness.chain.allowAll(SluiceHook.HOOK_IN, ChainHarness.TEST_SLOT);
      }
    } finally {
      done.set(true);
    }
    assertThat(sent.join()).isPositive();
  }

  /** The order of changes is the agent's: span, service, generations; the old span goes later. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-3")
  void noPacketSeesHalfAService(Family family) {
    Net net = Net.of(family);
    Map<Family, Target[]> sets = new EnumMap<>(Family.class);
    sets.put(family, new Target[] {new Target(net.b(), 8080, 21), new Target(net.c(), 8080, 22)});
    Target[] both = sets.get(family);
    harness.addService(7, net.service(), 80, Packet.UDP, both[0]);
    // What must never be met: another service's backend, in the spans that are not in use.
    Target foreign = new Target(net.a(), 9, 23);
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Integer> sent =
        sendUntil(
            done,
            Traffic.UDP,
            net.a(),
            net.service(),
            run -> {
              Packet packet = Packet.parse(run.output());
              assertThat(packet.destinationPort()).isEqualTo(8080);
              assertThat(packet.destination()).isIn(net.b(), net.c());
            });
    try {
      for (int i = 0; i < CHANGES; i++) {
        int base = 1000 + 10 * (i % SPANS);
        Target now = both[i % 2];
        harness.setBackends(7, base, family, now);
        harness.bumpGeneration(both[(i + 1) % 2].id());
        int old = 1000 + 10 * ((i + SPANS / 2) % SPANS);
        harness
            .backends
            .get(family)
            .put(old, new Backend(foreign.addr(), foreign.port(), 0, 8, foreign.id(), 0));
      }
    } finally {
      done.set(true);
    }
    assertThat(sent.join()).isPositive();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void replacingASubProgramDropsNothing(Family family) {
    Net net = Net.of(family);
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Integer> sent = sendUntil(done, Traffic.UDP, net.a(), net.b(), run -> {});
    Map<Integer, Integer> ids = harness.chain.progs(SluiceHook.HOOK_IN).programIds();
    Map<Integer, Fd> programs = new TreeMap<>();
    ids.forEach((slot, id) -> programs.put(slot, programById(id)));
    try {
      for (int i = 0; i < CHANGES / 10; i++) {
        programs.forEach(harness.chain.progs(SluiceHook.HOOK_IN)::set);
      }
    } finally {
      done.set(true);
      programs.values().forEach(Fd::close);
    }
    assertThat(sent.join()).isPositive();
  }

  private static Fd programById(int id) {
    return io.sluice.kernel.bpf.Bpf.programById(id).orElseThrow();
  }
}
