// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How many connections a pod opens, and is opened. */
@Tag("INV-QOS-1")
class ConnectionLimitTest extends ChainTest {
  private static final int LIMITED = IfaceFlags.IFACE_CONNECTIONS;
  private QosMaps qos;

  @BeforeEach
  void maps() {
    qos = new QosMaps(harness);
  }

  private Outcome open(Net net, int port) {
    return harness.run(SluiceHook.HOOK_IN, a, Traffic.TCP.first(net.a(), port, net.b(), 80), 0);
  }

  private void finish(Net net, int port) {
    int fin = Packet.FIN | Packet.ACK;
    harness.send(a, Traffic.TCP.packet(net.a(), port, net.b(), 80, fin).build());
    harness.send(b, Traffic.TCP.packet(net.b(), 80, net.a(), port, fin).build());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void oneMoreThanThePodMayOpenIsResetAndLeavesNoEntry(Family family) {
    Net net = Net.of(family);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.connections(2), LIMITED);
    open(net, 1000);
    open(net, 1001);
    Outcome refused = open(net, 1002);
    assertThat(SluiceReason.name(refused.reason())).isEqualTo("connections");
    assertThat(refused.packet().destination()).isEqualTo(net.a());
    assertThat(refused.packet().tcpFlags()).isEqualTo(Packet.RST | Packet.ACK);
    assertThat(refused.packet().problems()).isEmpty();
    assertThat(harness.entries(family)).hasSize(2);
    assertThat(qos.use(a, SluiceHook.HOOK_IN).refused()).isEqualTo(1);
    assertThat(harness.send(a, Traffic.UDP.first(net.a(), 1002, net.b(), 80)).place())
        .as("UDP is not counted")
        .isEqualTo("b");
    finish(net, 1000);
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isEqualTo(1);
    assertThat(open(net, 1003).reason()).isEqualTo(SluiceReason.REASON_REDIRECT);
    assertThat(open(net, 1004).reason()).isEqualTo(SluiceReason.REASON_CONNECTIONS);
    harness.send(a, Traffic.TCP.packet(net.a(), 1001, net.b(), 80, Packet.RST).build());
    finish(net, 1001);
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).as("freed once").isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void oneMoreThanThePodMayBeOpenedIsResetByThePodsOwnWay(Family family) {
    Net net = Net.of(family);
    qos.limit(b, SluiceHook.HOOK_OUT, QosMaps.connections(1), LIMITED);
    harness.addService(
        1,
        net.service(),
        80,
        Packet.TCP,
        new Target(net.b(), 8080, 1),
        new Target(net.b(), 8080, 1));
    byte[] first = Traffic.TCP.first(net.a(), 1000, net.service(), 80);
    assertThat(harness.send(a, first).story()).isEqualTo("b: redirect to_pod");
    assertThat(harness.send(a, first).story()).as("again").isEqualTo("b: redirect to_pod");
    assertThat(qos.held(b, SluiceHook.HOOK_OUT)).isEqualTo(1);
    for (int i = 0; i < 2; i++) {
      byte[] second = Traffic.TCP.first(net.a(), 1001, net.service(), 80);
      Life refused = harness.send(a, second);
      assertThat(refused.reasons()).isEqualTo("redirect connections");
      Life reset = harness.send(b, refused.last().frame());
      assertThat(reset.place()).isEqualTo("a");
      assertThat(reset.packet().source()).isEqualTo(net.service());
      assertThat(reset.packet().sourcePort()).isEqualTo(80);
      assertThat(reset.packet().tcpFlags()).isEqualTo(Packet.RST | Packet.ACK);
      assertThat(reset.packet().problems()).isEmpty();
    }
    assertThat(qos.held(b, SluiceHook.HOOK_OUT)).isEqualTo(1);
    harness.send(a, Traffic.TCP.packet(net.a(), 1000, net.service(), 80, Packet.RST).build());
    assertThat(qos.held(b, SluiceHook.HOOK_OUT)).isZero();
    assertThat(harness.send(a, Traffic.TCP.first(net.a(), 1001, net.service(), 80)).story())
        .isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatComesByTheStackIsResetToo(Family family) {
    Net net = Net.of(family);
    qos.limit(b, SluiceHook.HOOK_OUT, QosMaps.connections(1), LIMITED);
    assertThat(harness.fromStack(b, Traffic.TCP.first(net.client(), 1, net.b(), 80), 0).place())
        .isEqualTo("b");
    Outcome refused =
        harness.run(SluiceHook.HOOK_OUT, b, Traffic.TCP.first(net.client(), 2, net.b(), 80), 0);
    assertThat(refused.reason()).isEqualTo(SluiceReason.REASON_CONNECTIONS);
    Life reset = harness.send(b, refused.frame());
    assertThat(reset.story()).isEqualTo("stack: stack");
    assertThat(reset.packet().destination()).isEqualTo(net.client());
    // The same once more: the reset flow begins anew, and is judged anew.
    refused =
        harness.run(SluiceHook.HOOK_OUT, b, Traffic.TCP.first(net.client(), 2, net.b(), 80), 0);
    assertThat(refused.reason()).isEqualTo(SluiceReason.REASON_CONNECTIONS);
    assertThat(qos.held(b, SluiceHook.HOOK_OUT)).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void neitherTakenNorFreedTwiceOnTwoCpus(Family family) {
    Net net = Net.of(family);
    int most = 500;
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.connections(most), LIMITED);
    List<byte[]> syns = frames(net, Packet.SYN);
    int opened = both(syns, SluiceReason.REASON_REDIRECT);
    assertThat(opened).isEqualTo(2 * syns.size());
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isEqualTo(most);
    assertThat(qos.holders(family)).isEqualTo(most);
    // Both reset all of them: each is freed once.
    both(frames(net, Packet.RST), 0);
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isZero();
    assertThat(qos.use(a, SluiceHook.HOOK_IN).freed())
        .isEqualTo(qos.use(a, SluiceHook.HOOK_IN).taken());
  }

  private static List<byte[]> frames(Net net, int flags) {
    List<byte[]> frames = new ArrayList<>();
    for (int port = 1000; port < 3000; port++) {
      frames.add(Traffic.TCP.packet(net.a(), port, net.b(), 80, flags).build());
    }
    return frames;
  }

  /** Two CPUs send the same packets, each in an order of its own; returns how many were sent. */
  private int both(List<byte[]> frames, int reason) {
    CyclicBarrier barrier = new CyclicBarrier(2);
    List<CompletableFuture<Integer>> runs = new ArrayList<>();
    for (int cpu = 0; cpu < 2; cpu++) {
      int step = cpu == 0 ? 1 : -1;
      runs.add(
          CompletableFuture.supplyAsync(
              () ->
                  harness.inNamespace(
                      () -> {
                        TestRun run = new TestRun(harness.chain.preamble(SluiceHook.HOOK_IN), 2048);
                        run.context(SkbContext.EMPTY.onInterface(a.ifindex()));
                        barrier.await();
                        for (int i = 0; i < frames.size(); i++) {
                          int at = step > 0 ? i : frames.size() - 1 - i;
                          run.packet(frames.get(at)).run(1);
                        }
                        return frames.size();
                      })));
    }
    return runs.stream().mapToInt(CompletableFuture::join).sum();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whoBeginsAnewKeepsItsOwnConnection(Family family) {
    Net net = Net.of(family);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.connections(1), LIMITED);
    harness.addService(1, net.service(), 80, Packet.TCP, new Target(net.b(), 8080, 1));
    byte[] syn = Traffic.TCP.first(net.a(), 1000, net.service(), 80);
    assertThat(harness.send(a, syn).place()).isEqualTo("b");
    harness.bumpGeneration(1);
    harness.addService(1, net.service(), 80, Packet.TCP, new Target(net.c(), 8080, 2));
    assertThat(harness.send(a, syn).place())
        .as("unanswered, and its backend is gone")
        .isEqualTo("c");
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isEqualTo(1);
    assertThat(qos.holders(family)).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatExpiresIsFreed(Family family) {
    Net net = Net.of(family);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.connections(5), LIMITED);
    qos.limit(b, SluiceHook.HOOK_OUT, QosMaps.connections(5), LIMITED);
    harness.addService(1, net.service(), 80, Packet.TCP, new Target(net.b(), 8080, 1));
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.service(), 80));
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isEqualTo(2);
    assertThat(qos.held(b, SluiceHook.HOOK_OUT)).isEqualTo(2);
    assertThat(qos.holders(family)).isEqualTo(2);
    harness.entries(family).forEach((key, value) -> clean(family, key, value));
    assertThat(harness.entries(family)).hasSize(1);
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isZero();
    assertThat(qos.held(b, SluiceHook.HOOK_OUT)).isZero();
  }

  private void clean(Family family, CtKey key, CtValue value) {
    if ((value.c().state() & CtState.CT_NAT_FORWARD) != 0) {
      return;
    }
    String n = Integer.toString(family.number());
    CtKey none = new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
    try (BpfObject object = harness.chain.loadAlong("ct_clean" + n);
        Fd program = object.programFd("ct_clean");
        BpfMap<CtKey, CtJudged> queue =
            new BpfMap<>(
                "ct_clean",
                object.mapFd("ct_clean" + n),
                CtKey.codec(family),
                CtJudged.codec(family))) {
      queue.putAll(
          Map.of(key, new CtJudged(none, value.c().lastSeen(), 0, 0, 0, CtVerdict.CT_DEAD)));
      TestRun.once(program, new byte[64], null);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aTwinThatIsMadeAnewHoldsWhatItsPairHeld(Family family) {
    Net net = Net.of(family);
    qos.limit(a, SluiceHook.HOOK_IN, QosMaps.connections(5), LIMITED);
    harness.addService(1, net.service(), 80, Packet.TCP, new Target(net.b(), 8080, 1));
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.service(), 80));
    assertThat(qos.holders(family)).isEqualTo(1);
    harness.send(a, Traffic.TCP.packet(net.a(), 1000, net.service(), 80, Packet.RST).build());
    assertThat(qos.held(a, SluiceHook.HOOK_IN)).isZero();
    assertThat(qos.holders(family)).isZero();
  }
}
