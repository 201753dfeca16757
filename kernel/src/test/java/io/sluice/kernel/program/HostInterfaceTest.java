// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtIfindex;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Host interfaces and loopback: services whose backends live here, and what is the stack's. */
class HostInterfaceTest extends OutsideTest {
  private static final int APPROVED_TO_ITS_END = SluiceMark.MARK_SEEN | SluiceMark.MARK_BYPASS;

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-1")
  void aClientReachesAPodByTheNodePortAndIsAnswered(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    Life there = enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertTuple(there, net.client(), 1000, net.b(), 8080);
    assertThat(there.packet().ttl()).isEqualTo(63);
    for (int kind : new int[] {CtState.CT_NAT_FORWARD, CtState.CT_NAT_REVERSE}) {
      Seen entry = entry(family, kind);
      assertThat(entry.opener(CtState.CT_OUT_A)).isTrue();
      assertThat(entry.other(CtState.CT_OUT_A)).isFalse();
      assertThat(entry.openerIfindex()).isEqualTo(up.ifindex());
      assertThat(entry.otherIfindex()).isEqualTo(b.ifindex());
      assertThat(entry.value().c().service()).isEqualTo(SERVICE);
    }
    for (int i = 0; i < 2; i++) {
      byte[] frame =
          i == 0
              ? traffic.answer(net.b(), 8080, net.client(), 1000)
              : traffic.next(net.b(), 8080, net.client(), 1000);
      Life back = harness.send(b, frame);
      assertThat(back.story()).isEqualTo("out: out");
      assertTuple(back, self(family), NODE_PORT, net.client(), 1000);
      assertThat(back.packet().ttl()).isEqualTo(63);
      assertThat(back.last().ourMark()).isEqualTo(APPROVED_TO_ITS_END);
      Life gone = leave(up, back.last().frame(), back.last().mark());
      assertThat(gone.story()).isEqualTo("up: bypass");
      assertThat(gone.last().ourMark()).isZero();
      Life onward = enter(traffic.next(net.client(), 1000, self(family), NODE_PORT));
      assertThat(onward.story()).isEqualTo("b: peer");
      assertTuple(onward, net.client(), 1000, net.b(), 8080);
    }
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-7")
  void aPodReachesANodePortByAnyNodesAddressAndNoOther(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    int port = 1000;
    for (int number = 1; number <= 3; number++) {
      Ip address = node(family, number);
      Life there = harness.send(a, traffic.first(net.a(), port, address, NODE_PORT));
      assertThat(there.story()).isEqualTo("b: redirect to_pod");
      assertTuple(there, net.a(), port, net.b(), 8080);
      Life back = harness.send(b, traffic.answer(net.b(), 8080, net.a(), port));
      assertTuple(back, address, NODE_PORT, net.a(), port);
      port++;
    }
    for (Ip other : new Ip[] {net.client(), net.c(), net.remotePod()}) {
      Life life = harness.send(a, traffic.first(net.a(), port, other, NODE_PORT));
      assertThat(life.packet().destination()).isEqualTo(other);
    }
    // What is exact comes first.
    service(8, family, 0, 0, at(net.c()));
    frontend(8, self(family), NODE_PORT, traffic.proto(), FrontendFlags.FRONTEND_EXTERNAL_IP);
    Life exact = harness.send(a, traffic.first(net.a(), 2000, self(family), NODE_PORT));
    assertTuple(exact, net.a(), 2000, net.c(), 8080);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-7")
  void theHostReachesServicesByItself(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    // Routed out, to another node's address.
    Life there = leave(traffic.first(self(family), 1000, node(family, 2), NODE_PORT));
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertTuple(there, self(family), 1000, net.b(), 8080);
    Life back = harness.send(b, traffic.answer(net.b(), 8080, self(family), 1000));
    assertThat(back.story()).isEqualTo("stack: stack");
    assertTuple(back, node(family, 2), NODE_PORT, self(family), 1000);
    Life onward = leave(traffic.next(self(family), 1000, node(family, 2), NODE_PORT));
    assertThat(onward.place()).isEqualTo("b");
    assertTuple(onward, self(family), 1000, net.b(), 8080);
    // By loopback, to its own.
    Life own = leave(loopback, traffic.first(self(family), 2000, self(family), NODE_PORT), 0);
    assertThat(own.story()).isEqualTo("b: redirect to_pod");
    Life answer = harness.send(b, traffic.answer(net.b(), 8080, self(family), 2000));
    assertThat(answer.story()).isEqualTo("loopback: loopback");
    assertTuple(answer, self(family), NODE_PORT, self(family), 2000);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aBackendOfTheHostItselfIsReachedByTheStack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(self(family)));
    Life there = enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    assertThat(there.story()).isEqualTo("stack: stack");
    assertThat(there.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    assertTuple(there, net.client(), 1000, self(family), 8080);
    Life back = leave(traffic.answer(self(family), 8080, net.client(), 1000));
    assertThat(back.story()).isEqualTo("up: stack");
    assertTuple(back, self(family), NODE_PORT, net.client(), 1000);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aBackendOutsideTheClusterIsReachedByTheNodesOwnAddress(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip far = Ip.parse(family == Family.IPV4 ? "203.0.113.9" : "2001:db8:9::9");
    nodePort(family, traffic, at(far));
    for (byte[] frame :
        new byte[][] {
          traffic.first(net.client(), 1000, self(family), NODE_PORT),
          traffic.next(net.client(), 1000, self(family), NODE_PORT)
        }) {
      Life there = enter(frame);
      assertThat(there.story()).isEqualTo("stack: stack");
      assertThat(there.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_MASQ);
      assertTuple(there, net.client(), 1000, far, 8080);
    }
    assertThat(entry(family, CtState.CT_NAT_FORWARD).has(CtState.CT_MASQ)).isTrue();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void whatIsForNoServiceIsTrackedAndTheStacks(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.client(), 1000, self(family), 22);
    Life there = enter(first);
    assertThat(there.story()).isEqualTo("stack: stack");
    assertThat(there.last().frame()).isEqualTo(first);
    assertThat(there.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    Seen entry = entry(family, 0);
    assertThat(entry.openerIfindex()).isEqualTo(up.ifindex());
    assertThat(entry.otherIfindex()).isEqualTo(CtIfindex.CT_IF_STACK);
    byte[] answer = traffic.answer(self(family), 22, net.client(), 1000);
    Life back = leave(answer);
    assertThat(back.story()).isEqualTo("up: stack");
    assertThat(back.last().frame()).isEqualTo(answer);
    assertThat(back.last().ourMark()).isZero();
    // The host's own: out, and its answer in.
    byte[] own = traffic.first(self(family), 2000, net.client(), 443);
    assertThat(leave(own).story()).isEqualTo("up: stack");
    Life in = enter(traffic.answer(net.client(), 443, self(family), 2000));
    assertThat(in.story()).isEqualTo("stack: stack");
    assertThat(in.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-GAP-2")
  void aPodsOwnAddressIsReachedFromOutsideByWayOfItsProgram(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.client(), 1000, net.b(), 80);
    Life there = enter(first);
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertUnchanged(first, there, "ttl: 64 and 63\n");
    assertThat(harness.send(b, traffic.answer(net.b(), 80, net.client(), 1000)).story())
        .isEqualTo("out: out");
    harness.deny(c, SluiceHook.HOOK_OUT);
    assertThat(enter(traffic.first(net.client(), 1000, net.c(), 80)).story())
        .isEqualTo("nowhere: redirect policy");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void tcpInMidflowIsTheStacksUnlessItIsForAService(Family family) {
    Net net = Net.of(family);
    nodePort(family, Traffic.TCP, at(net.b()));
    byte[] out = Traffic.TCP.next(self(family), 22, net.client(), 1000);
    assertThat(leave(out).story()).isEqualTo("up: not_tracked");
    Life in = enter(Traffic.TCP.next(net.client(), 1000, self(family), 22));
    assertThat(in.story()).isEqualTo("stack: not_tracked");
    assertThat(in.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    assertThat(harness.entries(family)).isEmpty();
    Life refused = enter(Traffic.TCP.next(net.client(), 1000, self(family), NODE_PORT));
    assertThat(refused.story()).isEqualTo("up: refused_rst bypass");
    assertTuple(refused, self(family), NODE_PORT, net.client(), 1000);
    assertThat(refused.packet().tcpFlags()).isEqualTo(Packet.RST);
    byte[] reset =
        PacketBuilder.from(net.client(), self(family)).tcp(1000, NODE_PORT, Packet.RST).build();
    assertThat(enter(reset).story()).isEqualTo("nowhere: midflow");
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsNoFlowIsLeftAlone(Family family) {
    Net net = Net.of(family);
    Ip group = Ip.parse(family == Family.IPV4 ? "224.0.0.251" : "ff02::fb");
    byte[][] frames = {
      Traffic.UDP.first(net.client(), 5353, group, 5353),
      Traffic.UDP.first(net.client(), 5353, node(family, 2), Chain.VXLAN_PORT),
      Traffic.UDP.packet(net.client(), 1000, net.b(), 80, 0).fragment(0, true).build(),
      Traffic.UDP.packet(net.client(), 1000, net.b(), 80, 0).fragment(64, false).build(),
    };
    for (byte[] frame : frames) {
      Life in = enter(frame);
      assertThat(in.story()).isEqualTo("stack: not_tracked");
      assertThat(in.last().frame()).isEqualTo(frame);
      assertThat(leave(frame).story()).isEqualTo("up: not_tracked");
    }
    byte[] lldp = new byte[60];
    lldp[12] = (byte) 0x88;
    lldp[13] = (byte) 0xcc;
    assertThat(enter(lldp).story()).isEqualTo("stack: not_tracked");
    assertThat(leave(lldp).story()).isEqualTo("up: not_tracked");
    assertThat(harness.entries(family)).isEmpty();
    // What came round by loopback is not looked at twice.
    byte[] own = Traffic.TCP.first(self(family), 1000, self(family), 22);
    Life round = leave(loopback, own, 0);
    assertThat(round.last().ourMark()).isEqualTo(SluiceMark.MARK_BYPASS);
    Outcome in = harness.run(SluiceHook.HOOK_IN, loopback, own, round.last().mark());
    assertThat(reason(in)).isEqualTo("bypass");
    assertThat(in.ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-6")
  void aServiceWithoutBackendsRefuses(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic);
    String how = traffic == Traffic.TCP ? "refused_rst" : "refused_icmp";
    Life life = enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    assertThat(life.story()).isEqualTo("up: " + how + " bypass");
    assertThat(life.packet().problems()).isEmpty();
    assertThat(life.packet().source()).isEqualTo(self(family));
    assertThat(life.packet().destination()).isEqualTo(net.client());
    // The host itself gets the answer where the packet would have gone out.
    byte[] own = traffic.first(self(family), 1000, node(family, 2), NODE_PORT);
    Outcome out = harness.run(SluiceHook.HOOK_OUT, up, own, 0);
    assertThat(reason(out)).isEqualTo(how);
    assertThat(out.verdict()).isEqualTo(Outcome.REDIRECT);
    assertThat(out.packet().problems()).isEmpty();
    assertThat(out.packet().source()).isEqualTo(node(family, 2));
    assertThat(out.packet().destination()).isEqualTo(self(family));
    Outcome in = harness.run(SluiceHook.HOOK_IN, up, out.frame(), out.mark());
    assertThat(reason(in)).isEqualTo("bypass");
    assertThat(in.verdict()).isEqualTo(Outcome.UNSPEC);
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-9")
  void twoFrontendsAndOneClientPortAreTwoFlowsForTheBackend(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    frontend(SERVICE, net.service(), 80, traffic.proto(), FrontendFlags.FRONTEND_EXTERNAL_IP);
    Life one = enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    assertTuple(one, net.client(), 1000, net.b(), 8080);
    Life two = enter(traffic.first(net.client(), 1000, net.service(), 80));
    int port = two.packet().sourcePort();
    assertThat(port).isBetween(Chain.PSNAT_FIRST, Chain.PSNAT_LAST);
    assertTuple(two, net.client(), port, net.b(), 8080);
    for (int i = 0; i < 3; i++) {
      assertTuple(
          enter(traffic.next(net.client(), 1000, net.service(), 80)),
          net.client(),
          port,
          net.b(),
          8080);
      Life back = harness.send(b, traffic.next(net.b(), 8080, net.client(), port));
      assertTuple(back, net.service(), 80, net.client(), 1000);
      Life other = harness.send(b, traffic.next(net.b(), 8080, net.client(), 1000));
      assertTuple(other, self(family), NODE_PORT, net.client(), 1000);
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-PATH-1")
  void answersThatTheLinkDoesNotTakeAreTheStacks(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    harness.send(b, traffic.answer(net.b(), 8080, net.client(), 1000));
    byte[] big =
        traffic
            .packet(net.b(), 8080, net.client(), 1000, Packet.ACK)
            .payloadLength(LINK_MTU)
            .build();
    Life back = harness.send(b, big);
    assertThat(back.story()).isEqualTo("stack: stack");
    assertThat(back.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    assertTuple(back, self(family), NODE_PORT, net.client(), 1000);
    Life out = leave(up, back.last().frame(), back.last().mark());
    assertThat(out.story()).isEqualTo("up: stack");
    assertTuple(out, self(family), NODE_PORT, net.client(), 1000);
  }
}
