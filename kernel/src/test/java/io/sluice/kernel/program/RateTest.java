// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SluiceHook;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packet and byte rates of a pod. */
@Tag("INV-QOS-1")
class RateTest extends ChainTest {
  private static final long SECOND = 1_000_000_000L;
  private QosMaps qos;

  @BeforeEach
  void maps() {
    qos = new QosMaps(harness);
  }

  /** Runs work on two threads at once, both where the pods are; returns the sum. */
  private int onTwoCpus(IntSupplier work) {
    CyclicBarrier barrier = new CyclicBarrier(2);
    List<CompletableFuture<Integer>> both =
        IntStream.range(0, 2)
            .mapToObj(
                i ->
                    CompletableFuture.supplyAsync(
                        () ->
                            harness.inNamespace(
                                () -> {
                                  barrier.await();
                                  return work.getAsInt();
                                })))
            .toList();
    return both.stream().mapToInt(CompletableFuture::join).sum();
  }

  @ParameterizedTest
  @ValueSource(ints = {SluiceHook.HOOK_IN, SluiceHook.HOOK_OUT})
  void exactlyTheBurstAndWhatHasFlownInPass(int hook) {
    Net net = Net.of(Family.IPV4);
    int burst = 3_000;
    int tries = 5_000;
    qos.limit(a, hook, QosMaps.packets(1, burst), IfaceFlags.IFACE_QOS);
    byte[] frame =
        hook == SluiceHook.HOOK_IN
            ? Traffic.UDP.first(net.a(), 1000, net.b(), 80)
            : Traffic.UDP.first(net.b(), 1000, net.a(), 80);
    long start = System.nanoTime();
    int passed =
        onTwoCpus(
            () -> {
              TestRun run = new TestRun(harness.chain.preamble(hook), 2048);
              run.context(SkbContext.EMPTY.onInterface(a.ifindex()));
              int n = 0;
              for (int i = 0; i < tries; i++) {
                n += run.packet(frame).run(1) == Outcome.SHOT ? 0 : 1;
              }
              return n;
            });
    long seconds = (System.nanoTime() - start) / SECOND;
    assertThat(passed).isBetween(burst, burst + (int) seconds + 1);
    assertThat(qos.use(a, hook).packetsDropped()).isEqualTo(2 * tries - passed);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aBucketFillsAtItsRateUpToItsBurst(Family family) {
    Net net = Net.of(family);
    byte[] frame = Traffic.UDP.first(net.a(), 1000, net.b(), 80);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.packets(10, 40), IfaceFlags.IFACE_QOS);
    // Empty two seconds ago: 20 packets since, one more at most while this runs.
    empty(2 * SECOND);
    int passed = passed(frame, 30);
    assertThat(passed).isBetween(20, 22);
    assertThat(harness.send(a, frame).story()).isIn("nowhere: packet_rate", "b: redirect to_pod");
    empty(3600 * SECOND);
    assertThat(passed(frame, 60)).as("no more than the burst").isBetween(40, 42);
  }

  private void empty(long ago) {
    QosUse was = qos.use(a, SluiceHook.HOOK_IN);
    qos.setUse(
        a,
        SluiceHook.HOOK_IN,
        new QosUse(
            was.taken(), was.freed(), 0, System.nanoTime() - ago, 0, 0, was.byteTime(), 0, 0));
  }

  private int passed(byte[] frame, int tries) {
    int n = 0;
    for (int i = 0; i < tries; i++) {
      n += harness.run(SluiceHook.HOOK_IN, a, frame, 0).dropped() ? 0 : 1;
    }
    return n;
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void bytesAreCountedAndAPacketLargerThanTheBucketPassesOnce(Family family) {
    Net net = Net.of(family);
    byte[] large = Traffic.UDP.packet(net.a(), 1, net.b(), 80, 0).payloadLength(1200).build();
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.bytes(1, 1000), IfaceFlags.IFACE_QOS);
    assertThat(harness.send(a, large).story()).isEqualTo("b: redirect to_pod");
    assertThat(harness.send(a, large).story()).isEqualTo("nowhere: bandwidth");
    assertThat(qos.use(a, SluiceHook.HOOK_IN).bytesDropped()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsLimitedIsNotGoneRound(Family family) {
    Net net = Net.of(family);
    byte[] next = Traffic.TCP.next(net.a(), 1000, net.b(), 80);
    int paced = IfaceFlags.IFACE_QOS | IfaceFlags.IFACE_PACED;
    qos.limit(b, SluiceHook.HOOK_OUT, QosMaps.packets(1, 4), paced);
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
    assertThat(harness.send(b, Traffic.TCP.answer(net.b(), 80, net.a(), 1000)).story())
        .as("only what b gets is limited")
        .isEqualTo("a: peer");
    for (int i = 0; i < 3; i++) {
      assertThat(harness.send(a, next).story()).isEqualTo("b: redirect to_pod");
    }
    assertThat(harness.send(a, next).story()).isIn("nowhere: redirect packet_rate");
    // The limit goes: the flow finds its short way; and comes back.
    qos.flags(b, 0);
    harness.bumpEpoch();
    harness.send(a, next);
    assertThat(harness.send(a, next).story()).isEqualTo("b: peer");
    qos.flags(b, paced);
    harness.bumpEpoch();
    assertThat(harness.send(a, next).story()).isEqualTo("nowhere: redirect packet_rate");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whoOpensTheFlowMayBeTheLimitedOne(Family family) {
    Net net = Net.of(family);
    qos.limit(
        a,
        SluiceHook.HOOK_OUT,
        QosMaps.packets(1, 100),
        IfaceFlags.IFACE_QOS | IfaceFlags.IFACE_PACED);
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
    harness.send(b, Traffic.TCP.answer(net.b(), 80, net.a(), 1000));
    assertThat(harness.send(a, Traffic.TCP.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
    assertThat(harness.send(b, Traffic.TCP.next(net.b(), 80, net.a(), 1000)).story())
        .isEqualTo("a: redirect to_pod");
  }
}
