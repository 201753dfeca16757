// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtIfindex;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where traffic from outside enters, and its backend is another node's. */
class RemoteBackendTest extends OutsideTest {
  private void assertForwards(Seen entry, Family family) {
    assertThat(entry.has(CtState.CT_FORWARD)).isTrue();
    assertThat(entry.other(CtState.CT_TUNNEL_A)).isTrue();
    assertThat(entry.opener(CtState.CT_TUNNEL_A)).isFalse();
    assertThat(entry.otherIfindex()).isEqualTo(overlay.device.ifindex());
    assertThat(entry.value().tunnelPeer()).isEqualTo(node(family, 2));
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ENC-1")
  void itGetsThePacketAsItCame(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    byte[] first = traffic.first(net.client(), 1000, self(family), NODE_PORT);
    byte[] next = traffic.next(net.client(), 1000, self(family), NODE_PORT);
    for (byte[] frame : new byte[][] {first, next, first, next}) {
      Life there = enter(frame);
      assertThat(there.story()).isEqualTo("tunnel: forward");
      assertUnchanged(frame, there, "ttl: 64 and 63\n");
      assertThat(there.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_BYPASS);
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, frame)).isEqualTo(to(family, 2, FORWARD));
    }
    Seen entry = entry(family, 0);
    assertForwards(entry, family);
    assertThat(entry.opener(CtState.CT_OUT_A)).isTrue();
    assertThat(entry.openerIfindex()).isEqualTo(up.ifindex());
    assertThat(entry.has(CtState.CT_DSR)).isFalse();
    byte[] answer = traffic.answer(self(family), NODE_PORT, net.client(), 1000);
    Life back = forwarded(answer, node(family, 2));
    assertThat(back.story()).isEqualTo("out: out");
    assertUnchanged(answer, back, "ttl: 64 and 63\n");
    // Routes have changed: still that node's.
    harness.bumpEpoch();
    assertThat(enter(next).story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, next)).isEqualTo(to(family, 2, FORWARD));
    assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("out: out");
    assertThat(harness.entries(family)).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-7")
  void theHostsOwnGoesTheSameWay(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    byte[] first = traffic.first(self(family), 1000, node(family, 3), NODE_PORT);
    Life there = leave(first);
    assertThat(there.story()).isEqualTo("tunnel: forward");
    assertUnchanged(first, there, "");
    assertThat(overlay.keyOf(SluiceHook.HOOK_OUT, up, first)).isEqualTo(to(family, 2, FORWARD));
    assertForwards(entry(family, 0), family);
    assertThat(entry(family, 0).openerIfindex()).isEqualTo(CtIfindex.CT_IF_STACK);
    byte[] answer = traffic.answer(node(family, 3), NODE_PORT, self(family), 1000);
    Life back = forwarded(answer, node(family, 2));
    assertThat(back.story()).isEqualTo("stack: stack");
    assertThat(back.last().frame()).isEqualTo(answer);
    harness.bumpEpoch();
    assertThat(leave(traffic.next(self(family), 1000, node(family, 3), NODE_PORT)).story())
        .isEqualTo("tunnel: forward");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-7")
  void theHostsOwnByLoopbackIsAnsweredThere(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    byte[] first = traffic.first(self(family), 1000, self(family), NODE_PORT);
    assertThat(leave(loopback, first, 0).story()).isEqualTo("tunnel: forward");
    byte[] answer = traffic.answer(self(family), NODE_PORT, self(family), 1000);
    assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("loopback: loopback");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void answersComeFromTheNodeThatWasAsked(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    for (byte[] answer :
        new byte[][] {
          traffic.answer(self(family), NODE_PORT, net.client(), 1000),
          traffic.next(self(family), NODE_PORT, net.client(), 1000)
        }) {
      assertThat(forwarded(answer, node(family, 3)).story()).isEqualTo("nowhere: tunnel_source");
      assertThat(forwarded(answer, net.client()).story()).isEqualTo("nowhere: tunnel_source");
      assertThat(overlay.arrive(answer, 2).story())
          .as("the overlay")
          .isEqualTo("nowhere: tunnel_source");
      assertThat(reason(overlay.in(answer, node(family, 2), 77)))
          .as("another's network")
          .isEqualTo("tunnel_source");
      assertThat(reason(overlay.in(answer, null, 0))).isEqualTo("tunnel_source");
      assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("out: out");
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aForwardedPacketIsNotOfAnOverlaysFlow(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.remotePod(), 80));
    byte[] answer = traffic.answer(net.remotePod(), 80, net.a(), 1000);
    for (int number = 2; number <= 3; number++) {
      assertThat(forwarded(answer, node(family, number)).story())
          .isEqualTo("nowhere: tunnel_source");
    }
    assertThat(overlay.arrive(answer, 2).place()).isEqualTo("a");
    overlay.arrive(traffic.first(net.remotePod(), 2000, net.b(), 80), 2);
    byte[] next = traffic.next(net.remotePod(), 2000, net.b(), 80);
    for (int number = 2; number <= 3; number++) {
      assertThat(forwarded(next, node(family, number)).story()).isEqualTo("nowhere: tunnel_source");
    }
    assertThat(overlay.arrive(next, 2).place()).isEqualTo("b");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void withoutATunnelThereIsNoWay(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    harness.setNode(0, 0, 0, 0);
    assertThat(enter(traffic.first(net.client(), 1000, self(family), NODE_PORT)).story())
        .isEqualTo("nowhere: no_tunnel_route");
    // It is there without an overlay, too.
    harness.setNode(overlay.device.ifindex(), 0, 0, 0);
    assertThat(enter(traffic.first(net.client(), 1000, self(family), NODE_PORT)).story())
        .isEqualTo("tunnel: forward");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-1")
  void aLoadBalancersAddressGoesOnAsItIs(Family family, Traffic traffic) {
    Net net = Net.of(family);
    service(SERVICE, family, 0, 0, at(net.remotePod()));
    frontend(SERVICE, net.service(), 80, traffic.proto(), FrontendFlags.FRONTEND_LOAD_BALANCER);
    byte[] first = traffic.first(net.client(), 1000, net.service(), 80);
    Life there = enter(first);
    assertThat(there.story()).isEqualTo("tunnel: forward");
    assertUnchanged(first, there, "ttl: 64 and 63\n");
  }
}
