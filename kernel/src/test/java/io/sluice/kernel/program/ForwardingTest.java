// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows without translation: where packets go, with which mark, and what is kept from going. */
class ForwardingTest extends ChainTest {
  private static final int FOREIGN_MARK = 0x2000_0001;

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void podToPod(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.a(), 1000, net.b(), 80);
    Life life = harness.send(a, first);
    assertThat(life.story()).isEqualTo("b: redirect to_pod");
    assertThat(Packet.difference(Packet.parse(first), life.packet())).isEqualTo("ttl: 64 and 63\n");
    Life answer = harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    assertThat(answer.place()).isEqualTo("a");
    assertThat(answer.packet().problems()).isEmpty();
    assertThat(harness.send(a, traffic.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
    assertThat(harness.send(b, traffic.next(net.b(), 80, net.a(), 1000)).story())
        .isEqualTo("a: peer");
    assertThat(harness.entries(family)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void echo(Family family) {
    Net net = Net.of(family);
    byte[] request = PacketBuilder.from(net.a(), net.b()).echoRequest(77, 1).build();
    byte[] reply = PacketBuilder.from(net.b(), net.a()).echoReply(77, 1).build();
    assertThat(harness.send(a, request).story()).isEqualTo("b: redirect to_pod");
    assertThat(harness.send(b, reply).story()).isEqualTo("a: peer");
    assertThat(harness.send(a, request).story()).isEqualTo("b: peer");
    assertThat(harness.send(b, reply).packet().problems()).isEmpty();
  }

  /** Also one with the same identifier, which only its type tells from an answer. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void anEchoRequestIsNeverTakenForAnAnswer(Family family) {
    Net net = Net.of(family);
    harness.deny(a, SluiceHook.HOOK_OUT);
    byte[] request = PacketBuilder.from(net.a(), net.b()).echoRequest(77, 1).build();
    byte[] back = PacketBuilder.from(net.b(), net.a()).echoRequest(77, 1).build();
    assertThat(harness.send(a, request).story()).isEqualTo("b: redirect to_pod");
    assertThat(harness.send(b, back).story()).isEqualTo("nowhere: redirect policy");
    byte[] reply = PacketBuilder.from(net.b(), net.a()).echoReply(77, 1).build();
    assertThat(harness.send(b, reply).story()).isEqualTo("a: peer");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-PATH-3")
  void marksAreClearedOnTheWayIntoAPodAndSetOnTheWayOut(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.a(), 1000, net.b(), 80);
    Outcome in = harness.run(SluiceHook.HOOK_IN, a, first, FOREIGN_MARK | 0x1ff0_0000);
    assertThat(in.mark()).isEqualTo(FOREIGN_MARK | SluiceMark.MARK_SEEN);
    Outcome out =
        harness.run(SluiceHook.HOOK_OUT, b, in.frame(), FOREIGN_MARK | SluiceMark.MARK_SEEN);
    assertThat(out.mark()).isEqualTo(FOREIGN_MARK);
    harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    byte[] next = traffic.next(net.a(), 1000, net.b(), 80);
    Outcome peer = harness.run(SluiceHook.HOOK_IN, a, next, FOREIGN_MARK | 0x1ff0_0000);
    assertThat(peer.toString()).startsWith("peer");
    assertThat(peer.mark()).isEqualTo(FOREIGN_MARK);
    byte[] outside = traffic.first(net.a(), 1000, net.client(), 80);
    Outcome stack = harness.run(SluiceHook.HOOK_IN, a, outside, FOREIGN_MARK | 0x1ff0_0000);
    assertThat(stack.toString()).startsWith("stack");
    assertThat(stack.mark()).isEqualTo(FOREIGN_MARK | SluiceMark.MARK_SEEN);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-GAP-1")
  void newFlowsToAnInterfaceThatIsNotReadyAreLeftToTheStack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    int otherReady = family == Family.IPV4 ? IfaceFlags.IFACE_READY6 : IfaceFlags.IFACE_READY4;
    int ready = family == Family.IPV4 ? IfaceFlags.IFACE_READY4 : IfaceFlags.IFACE_READY6;
    int configured = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD | otherReady;
    harness.configure(b, configured, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    byte[] first = traffic.first(net.a(), 1000, net.b(), 80);
    for (int i = 0; i < 2; i++) {
      Life life = harness.send(a, first);
      assertThat(life.story()).isEqualTo("stack: not_ready");
      assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_SKIP_FIB);
      assertThat(life.packet().ttl()).as("the stack counts hops itself").isEqualTo(64);
    }
    // Ready now, and all flows are told.
    harness.configure(b, configured | ready, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    harness.bumpEpoch();
    assertThat(harness.send(a, first).story()).isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-GAP-2")
  void anInitialSynNeverTakesRedirectPeer(Family family) {
    Net net = Net.of(family);
    byte[] syn = Traffic.TCP.first(net.a(), 1000, net.b(), 80);
    harness.send(a, syn);
    assertThat(harness.send(a, syn).story()).as("again").isEqualTo("b: redirect to_pod");
    harness.send(b, Traffic.TCP.answer(net.b(), 80, net.a(), 1000));
    assertThat(harness.send(a, Traffic.TCP.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
    assertThat(harness.send(a, syn).story()).as("late").isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-RPF-1")
  void aPodSendsFromItsOwnAddressesOnly(Family family, Traffic traffic) {
    Net net = Net.of(family);
    assertThat(harness.send(a, traffic.first(net.c(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(a, traffic.first(net.client(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(a, traffic.first(net.remotePod(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.entries(family)).isEmpty();
    // A second address, known by its route.
    Ip second = Ip.parse(family == Family.IPV4 ? "10.244.1.99" : "fd00:244:1::99");
    harness.addRoute(second, a.ifindex());
    assertThat(harness.send(a, traffic.first(second, 1000, net.b(), 80)).place()).isEqualTo("b");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-RPF-1")
  void nobodyJoinsAnEstablishedFlowFromAnotherInterface(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.b(), 80));
    harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    assertThat(harness.send(c, traffic.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(c, traffic.next(net.b(), 80, net.a(), 1000)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(a, traffic.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-POL-1")
  void whatEitherEndpointDeniesDoesNotArrive(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.a(), 1000, net.b(), 80);
    harness.deny(a, SluiceHook.HOOK_IN);
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: policy");
    assertThat(harness.entries(family)).isEmpty();
    harness.reset();
    harness.deny(b, SluiceHook.HOOK_OUT);
    for (int i = 0; i < 3; i++) {
      assertThat(harness.send(a, first).story()).isEqualTo("nowhere: redirect policy");
      assertThat(harness.send(a, traffic.next(net.a(), 1000, net.b(), 80)).story())
          .isEqualTo("nowhere: redirect policy");
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatComesByTheStackMeetsThePodsPolicy(Family family) {
    Net net = Net.of(family);
    byte[] first = Traffic.TCP.first(net.client(), 1000, net.b(), 80);
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.fromStack(b, first, 0).story()).isEqualTo("nowhere: policy");
    harness.reset();
    assertThat(harness.fromStack(b, first, 0).story()).isEqualTo("b: to_pod");
    Life answer = harness.send(b, Traffic.TCP.answer(net.b(), 80, net.client(), 1000));
    assertThat(answer.story()).isEqualTo("stack: stack");
    assertThat(answer.packet().ttl()).isEqualTo(64);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void unknownMidflowIsLeftToTables(Family family) {
    Net net = Net.of(family);
    byte[] next = Traffic.TCP.next(net.a(), 1000, net.b(), 80);
    Life life = harness.send(a, next);
    assertThat(life.story()).isEqualTo("stack: fallthrough");
    assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_FALLTHROUGH);
    assertThat(harness.entries(family)).isEmpty();
    assertThat(harness.fromStack(b, next, life.last().mark()).story()).isEqualTo("b: fallthrough");
    assertThat(harness.fromStack(b, next, 0).story()).isEqualTo("nowhere: midflow");
    assertThat(harness.send(c, next).story()).isEqualTo("nowhere: rpf");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void hopsEndAtTheStack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] last = traffic.packet(net.a(), 1000, net.b(), 80, Packet.SYN).ttl(1).build();
    Life life = harness.send(a, last);
    assertThat(life.story()).isEqualTo("stack: ttl");
    assertThat(life.last().frame()).isEqualTo(last);
    byte[] two = traffic.packet(net.a(), 1000, net.b(), 80, Packet.SYN).ttl(2).build();
    Life delivered = harness.send(a, two);
    assertThat(delivered.place()).isEqualTo("b");
    assertThat(delivered.packet().ttl()).isEqualTo(1);
    assertThat(delivered.packet().problems()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void whoseInterfaceIsNotConfiguredIsDropped(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.configure(a, 0, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    byte[] first = traffic.first(net.a(), 1000, net.b(), 80);
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: no_iface");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aWorkloadThatIsGoneIsToldToTheSender(Family family) {
    Net net = Net.of(family);
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
    harness.send(b, Traffic.TCP.answer(net.b(), 80, net.a(), 1000));
    harness.send(a, Traffic.UDP.first(net.a(), 53, net.b(), 53));
    harness.removeRoute(net.b());
    harness.configure(b, 0, 0, 0);
    harness.bumpEpoch();
    Life reset = harness.send(a, Traffic.TCP.next(net.a(), 1000, net.b(), 80));
    assertThat(reset.story()).isEqualTo("a: refused_rst bypass");
    assertThat(reset.packet().tcpFlags()).isEqualTo(Packet.RST);
    assertThat(reset.packet().problems()).isEmpty();
    // Who opens begins anew, as the address may live elsewhere now.
    assertThat(harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("stack: stack");
    assertThat(harness.send(a, Traffic.UDP.next(net.a(), 53, net.b(), 53)).story())
        .isEqualTo("stack: stack");
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void anAnswerToAWorkloadThatIsGoneIsDropped(Family family) {
    Net net = Net.of(family);
    harness.send(a, Traffic.UDP.first(net.a(), 53, net.b(), 53));
    harness.send(b, Traffic.UDP.answer(net.b(), 53, net.a(), 53));
    harness.removeRoute(net.a());
    harness.configure(a, 0, 0, 0);
    harness.bumpEpoch();
    assertThat(harness.send(b, Traffic.UDP.next(net.b(), 53, net.a(), 53)).story())
        .isEqualTo("nowhere: workload_gone");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-POL-1")
  void aNewWorkloadUnderAnOldAddressHasApprovedNothing(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.b(), 80));
    harness.send(b, traffic.answer(net.b(), 80, net.a(), 1000));
    assertThat(harness.send(a, traffic.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
    // The address of b moves to c, which may neither send nor receive.
    harness.configure(c, ChainHarness.USUAL_FLAGS, ChainHarness.DENY_SLOT, ChainHarness.DENY_SLOT);
    harness.addRoute(net.b(), c.ifindex());
    harness.bumpEpoch();
    byte[] next = traffic.next(net.a(), 1000, net.b(), 80);
    Outcome out = harness.run(SluiceHook.HOOK_IN, a, next, 0);
    assertThat(out.toString()).startsWith("redirect");
    assertThat(harness.fromStack(c, out.frame(), out.mark()).story()).isEqualTo("nowhere: policy");
    assertThat(harness.send(c, traffic.next(net.b(), 80, net.a(), 1000)).story())
        .isEqualTo("nowhere: policy");
  }
}
