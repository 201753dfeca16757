// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Service translation: where packets go, and that nothing in them is wrong afterwards. */
class ServiceNatTest extends ChainTest {
  static final String FAMILIES_AND_TRAFFIC = "io.sluice.kernel.program.Traffic#inFamilies";

  private static final int SERVICE = 7;
  private static final int BACKEND_B = 21;
  private static final int BACKEND_C = 22;

  private void serviceOf(Net net, Traffic traffic, Target... targets) {
    harness.addService(SERVICE, net.service(), 80, traffic.proto(), targets);
  }

  private static Target onB(Net net) {
    return new Target(net.b(), 8080, BACKEND_B);
  }

  private static Target onC(Net net) {
    return new Target(net.c(), 8080, BACKEND_C);
  }

  private static void assertTuple(Life life, Ip from, int fromPort, Ip to, int toPort) {
    Packet packet = life.packet();
    assertThat(packet.problems()).as(packet.summary()).isEmpty();
    assertThat(packet.source()).isEqualTo(from);
    assertThat(packet.destination()).isEqualTo(to);
    assertThat(packet.sourcePort()).isEqualTo(fromPort);
    assertThat(packet.destinationPort()).isEqualTo(toPort);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void thereAndBack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    byte[] first = traffic.first(net.a(), 1000, net.service(), 80);
    Life there = harness.send(a, first);
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertTuple(there, net.a(), 1000, net.b(), 8080);
    assertThat(there.packet().payload()).isEqualTo(Packet.parse(first).payload());
    Life back = harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
    assertThat(back.place()).isEqualTo("a");
    assertTuple(back, net.service(), 80, net.a(), 1000);
    for (int i = 0; i < 3; i++) {
      Life onward = harness.send(a, traffic.next(net.a(), 1000, net.service(), 80));
      assertThat(onward.story()).isEqualTo("b: peer");
      assertTuple(onward, net.a(), 1000, net.b(), 8080);
      Life again = harness.send(b, traffic.next(net.b(), 8080, net.a(), 1000));
      assertThat(again.story()).isEqualTo("a: peer");
      assertTuple(again, net.service(), 80, net.a(), 1000);
      if (traffic == Traffic.UDP_WITHOUT_CHECKSUM) {
        assertThat(onward.packet().checksum()).isZero();
        assertThat(again.packet().checksum()).isZero();
      }
    }
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void checksumsOfManyFlowsAndLengths(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net), onC(net));
    Random random = new Random(family.number());
    TreeSet<Ip> reached = new TreeSet<>();
    for (int i = 0; i < 100; i++) {
      int port = 1 + random.nextInt(65535);
      Life there = harness.send(a, traffic.first(net.a(), port, net.service(), 80));
      assertThat(there.packet().problems()).isEmpty();
      byte[] next =
          traffic
              .packet(net.a(), port, net.service(), 80, Packet.ACK)
              .payloadLength(random.nextInt(1400))
              .trailing(random.nextInt(9))
              .build();
      Life onward = harness.send(a, next);
      assertThat(onward.packet().problems()).as(onward.packet().summary()).isEmpty();
      assertThat(onward.packet().destination()).isEqualTo(there.packet().destination());
      reached.add(there.packet().destination());
    }
    assertThat(reached).containsExactly(net.b(), net.c());
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void sumsThatTheNetworkCardGaveStayRight(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
    // The run fails if the programs leave skb->csum another than the packet's sum.
    assertSumKept(a, traffic.next(net.a(), 1000, net.service(), 80));
    assertSumKept(b, traffic.next(net.b(), 8080, net.a(), 1000));
    byte[] sent = traffic.next(net.a(), 1000, net.b(), 8080);
    int unreachable = family == Family.IPV4 ? 3 : 1;
    assertSumKept(
        b, PacketBuilder.from(net.b(), net.a()).icmpError(unreachable, 1, sent, 64).build());
  }

  /** Where an answer is shorter than the packet, the kernel forgets the packet's sum instead. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void theSumOfAResetIsRight(Family family) {
    Net net = Net.of(family);
    serviceOf(net, Traffic.TCP);
    assertSumKept(a, Traffic.TCP.first(net.a(), 1000, net.service(), 80));
  }

  private void assertSumKept(Pod from, byte[] frame) {
    harness.inNamespace(
        () -> {
          TestRun run = new TestRun(harness.chain.preamble(SluiceHook.HOOK_IN), 2048);
          run.checksumComplete();
          run.packet(frame).context(SkbContext.EMPTY.onInterface(from.ifindex()));
          assertThat(run.run(1)).isEqualTo(Outcome.REDIRECT);
          assertThat(Packet.parse(run.output()).problems()).isEmpty();
          return null;
        });
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void withOptionsOrExtensionHeaders(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    PacketBuilder builder = traffic.packet(net.a(), 1000, net.service(), 80, Packet.SYN);
    if (family == Family.IPV4) {
      builder.ipv4Options(new byte[] {7, 39, 4}).payloadLength(17);
    } else {
      builder
          .extensionHeader(0, new byte[] {1, 4, 0, 0, 0, 0})
          .extensionHeader(60, new byte[30])
          .extensionHeader(43, new byte[] {4, 0, 0, 0, 0, 0});
    }
    byte[] first = builder.build();
    Life life = harness.send(a, first);
    assertThat(life.story()).isEqualTo("b: redirect to_pod");
    assertTuple(life, net.a(), 1000, net.b(), 8080);
    assertThat(life.packet().payload()).isEqualTo(Packet.parse(first).payload());
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-1")
  void policySeesTheBackend(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    harness.chain.clearPacketState();
    harness.run(SluiceHook.HOOK_IN, a, traffic.first(net.a(), 1000, net.service(), 80), 0);
    var seen = harness.chain.packetState();
    assertThat(policyView(seen.daddr(), family)).isEqualTo(net.b());
    assertThat(seen.dport()).isEqualTo(8080);
    assertThat(policyView(seen.saddr(), family)).isEqualTo(net.a());
    assertThat(policyView(seen.origDaddr(), family)).isEqualTo(net.service());
    assertThat(seen.origDport()).isEqualTo(80);
    assertThat(seen.service()).isEqualTo(SERVICE);
    // And the backend's own policy, for what it gets has been translated.
    harness.reset();
    serviceOf(net, traffic, onB(net));
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.send(a, traffic.first(net.a(), 1000, net.service(), 80)).story())
        .isEqualTo("nowhere: redirect policy");
  }

  /** IPv4 takes the first word of the wide addresses that policy programs read. */
  private static Ip policyView(Ip wide, Family family) {
    return family == Family.IPV6 ? wide : new Ip(Family.IPV4, 0, wide.high() >>> 32);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-3")
  void aBackendThatIsNotWrittenOrAnothersIsNeverUsed(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    byte[] first = traffic.first(net.a(), 1000, net.service(), 80);
    // Its span is empty.
    harness.services.put(SERVICE, harness.services.get(SERVICE).map(s -> at(s, 3000)).get());
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: backend_gone");
    // Its span is another service's.
    harness.setBackends(8, 3000, family, onC(net));
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: backend_gone");
    // Its only backend is dead.
    harness.setBackends(SERVICE, 3000, family, onB(net));
    harness.bumpGeneration(BACKEND_B);
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: backend_gone");
    assertThat(harness.entries(family)).isEmpty();
    // Beyond the array.
    harness.services.put(SERVICE, harness.services.get(SERVICE).map(s -> at(s, -5)).get());
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: backend_gone");
  }

  private static io.sluice.kernel.layout.Service at(io.sluice.kernel.layout.Service s, int base) {
    return new io.sluice.kernel.layout.Service(
        base, s.count(), s.local(), s.flags(), s.affinitySeconds(), s.owner());
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-6")
  void aServiceWithoutBackendsRefuses(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic);
    byte[] first = traffic.first(net.a(), 1000, net.service(), 80);
    Life life = harness.send(a, first);
    Packet answer = life.packet();
    assertThat(answer.problems()).as(answer.summary()).isEmpty();
    assertThat(answer.source()).isEqualTo(net.service());
    assertThat(answer.destination()).isEqualTo(net.a());
    assertThat(answer.ttl()).isEqualTo(64);
    assertThat(java.util.Arrays.copyOfRange(life.last().frame(), 0, 6))
        .isEqualTo(java.util.Arrays.copyOfRange(first, 6, 12));
    if (traffic == Traffic.TCP) {
      assertThat(life.story()).isEqualTo("a: refused_rst bypass");
      assertThat(answer.tcpFlags()).isEqualTo(Packet.RST | Packet.ACK);
      assertThat(answer.sourcePort()).isEqualTo(80);
      assertThat(answer.destinationPort()).isEqualTo(1000);
      assertThat(answer.sequence()).isZero();
      assertThat(answer.acknowledgement()).isEqualTo(1001);
    } else {
      assertThat(life.story()).isEqualTo("a: refused_icmp bypass");
      assertThat(answer.icmpType()).isEqualTo(family == Family.IPV4 ? 3 : 1);
      assertThat(answer.icmpCode()).isEqualTo(family == Family.IPV4 ? 3 : 4);
      Packet quoted = answer.inner().orElseThrow();
      assertThat(quoted.source()).isEqualTo(net.a());
      assertThat(quoted.destination()).isEqualTo(net.service());
      assertThat(quoted.sourcePort()).isEqualTo(1000);
      assertThat(quoted.destinationPort()).isEqualTo(80);
    }
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-6")
  void midflowToAServiceIsResetButResetsAreNot(Family family) {
    Net net = Net.of(family);
    serviceOf(net, Traffic.TCP, onB(net));
    PacketBuilder data =
        PacketBuilder.from(net.a(), net.service())
            .tcp(1000, 80, Packet.ACK | Packet.PSH, 5000, 6000)
            .payloadLength(10)
            .trailing(6);
    Life life = harness.send(a, data.build());
    assertThat(life.story()).isEqualTo("a: refused_rst bypass");
    assertThat(life.packet().problems()).isEmpty();
    assertThat(life.packet().tcpFlags()).isEqualTo(Packet.RST);
    assertThat(life.packet().sequence()).isEqualTo(6000);
    PacketBuilder synFin =
        PacketBuilder.from(net.a(), net.service())
            .tcp(1000, 80, Packet.FIN, 5000, 0)
            .payloadLength(10)
            .trailing(6);
    assertThat(harness.send(a, synFin.build()).packet().acknowledgement()).isEqualTo(5011);
    byte[] reset =
        PacketBuilder.from(net.a(), net.service()).tcp(1000, 80, Packet.RST, 5000, 0).build();
    assertThat(harness.send(a, reset).story()).isEqualTo("nowhere: midflow");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-8")
  void aPodReachesItselfThroughItsService(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, new Target(net.a(), 8080, BACKEND_B));
    Life there = harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    assertThat(there.story()).isEqualTo("a: redirect to_pod");
    assertTuple(there, net.service(), 1000, net.a(), 8080);
    Life back = harness.send(a, traffic.answer(net.a(), 8080, net.service(), 1000));
    assertThat(back.place()).isEqualTo("a");
    assertTuple(back, net.service(), 80, net.a(), 1000);
    Life onward = harness.send(a, traffic.next(net.a(), 1000, net.service(), 80));
    assertThat(onward.place()).isEqualTo("a");
    assertTuple(onward, net.service(), 1000, net.a(), 8080);
    Life again = harness.send(a, traffic.next(net.a(), 8080, net.service(), 1000));
    assertThat(again.place()).isEqualTo("a");
    assertTuple(again, net.service(), 80, net.a(), 1000);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-9")
  void twoFlowsThatBecomeOneTupleGetDifferentPorts(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    harness.send(a, traffic.first(net.a(), 1000, net.b(), 8080));
    Life second = harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    assertThat(second.place()).isEqualTo("b");
    int port = second.packet().sourcePort();
    assertThat(port).isBetween(Chain.PSNAT_FIRST, Chain.PSNAT_LAST);
    assertTuple(second, net.a(), port, net.b(), 8080);
    Life back = harness.send(b, traffic.answer(net.b(), 8080, net.a(), port));
    assertTuple(back, net.service(), 80, net.a(), 1000);
    Life direct = harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
    assertTuple(direct, net.b(), 8080, net.a(), 1000);
    Life onward = harness.send(a, traffic.next(net.a(), 1000, net.service(), 80));
    assertTuple(onward, net.a(), port, net.b(), 8080);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-CT-4")
  void aRemovedBackendKeepsTcpAndLosesTheRestAtOnce(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
    harness.setBackends(SERVICE, 2000, family, onC(net));
    harness.bumpGeneration(BACKEND_B);
    Life life = harness.send(a, traffic.next(net.a(), 1000, net.service(), 80));
    Ip expected = traffic == Traffic.TCP ? net.b() : net.c();
    assertTuple(life, net.a(), 1000, expected, 8080);
    assertThat(harness.entries(family)).as("the former pair is gone").hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-4")
  void anUnansweredSynGoesToALiveBackend(Family family) {
    Net net = Net.of(family);
    serviceOf(net, Traffic.TCP, onB(net));
    byte[] syn = Traffic.TCP.first(net.a(), 1000, net.service(), 80);
    harness.send(a, syn);
    harness.setBackends(SERVICE, 2000, family, onC(net));
    assertTuple(harness.send(a, syn), net.a(), 1000, net.b(), 8080);
    harness.bumpGeneration(BACKEND_B);
    assertTuple(harness.send(a, syn), net.a(), 1000, net.c(), 8080);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aFlowOlderThanItsServiceIsTranslatedOnceThereIsOne(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.a(), 1000, net.service(), 80);
    assertThat(harness.send(a, first).story()).isEqualTo("stack: stack");
    serviceOf(net, traffic, onB(net));
    assertTuple(harness.send(a, first), net.a(), 1000, net.b(), 8080);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aBackendElsewhereIsReachedByTheStack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, new Target(net.remotePod(), 8080, BACKEND_B));
    Life there = harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    assertThat(there.story()).isEqualTo("stack: stack");
    assertTuple(there, net.a(), 1000, net.remotePod(), 8080);
    assertThat(there.packet().ttl()).isEqualTo(64);
    byte[] answer = traffic.answer(net.remotePod(), 8080, net.a(), 1000);
    Life back = harness.fromStack(a, answer, 0);
    assertThat(back.story()).isEqualTo("a: to_pod");
    assertTuple(back, net.service(), 80, net.a(), 1000);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void theEntriesOfAFlowTellServiceAndBackend(Family family, Traffic traffic) {
    Net net = Net.of(family);
    serviceOf(net, traffic, onB(net));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    Map<CtKey, CtValue> entries = harness.entries(family);
    assertThat(entries).hasSize(2);
    assertThat(entries.values())
        .allMatch(v -> v.c().service() == SERVICE && v.c().backend() == BACKEND_B)
        .anyMatch(v -> (v.c().state() & CtState.CT_NAT_FORWARD) != 0)
        .anyMatch(v -> (v.c().state() & CtState.CT_NAT_REVERSE) != 0);
  }
}
