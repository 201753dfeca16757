// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** DSR: answers leave from the backend's node, past the one that the flow entered by. */
@Tag("INV-DSR-1")
class DirectReturnTest extends OutsideTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(true, true, true);
  }

  private void optOut(Ip client) {
    Family family = client.family();
    int prefix = family == Family.IPV4 ? 24 : 64;
    maps.optOut.get(family).put(new RouteKey(prefix, client.masked(prefix)), 1);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void answersAreLeftToTheStackWithTheServicesAddress(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(net.b()));
    Life there = forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
    assertTuple(there, net.client(), 1000, net.b(), 8080);
    assertThat(entry(family, CtState.CT_NAT_REVERSE).has(CtState.CT_DSR)).isTrue();
    for (int i = 0; i < 2; i++) {
      Life back =
          harness.send(
              b,
              i == 0
                  ? traffic.answer(net.b(), 8080, net.client(), 1000)
                  : traffic.next(net.b(), 8080, net.client(), 1000));
      assertThat(back.story()).isEqualTo("stack: stack");
      assertThat(back.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
      assertTuple(back, entered, NODE_PORT, net.client(), 1000);
      Life out = leave(up, back.last().frame(), back.last().mark());
      assertThat(out.story()).isEqualTo("up: stack");
      assertThat(out.last().ourMark()).isZero();
      assertTuple(out, entered, NODE_PORT, net.client(), 1000);
      assertThat(forwarded(traffic.next(net.client(), 1000, entered, NODE_PORT), entered).place())
          .isEqualTo("b");
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void whoOptsOutIsAnsweredByTheTunnel(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    optOut(net.client());
    nodePort(family, traffic, at(net.b()));
    forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
    byte[] answer = traffic.answer(net.b(), 8080, net.client(), 1000);
    assertThat(harness.send(b, answer).story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 2, FORWARD));
    // And so are hosts of the cluster, which sent it from their stack.
    forwarded(traffic.first(node(family, 3), 1000, entered, NODE_PORT), entered);
    assertThat(harness.send(b, traffic.answer(net.b(), 8080, node(family, 3), 1000)).story())
        .isEqualTo("tunnel: forward");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void theNodeThatItEnteredByKnowsAsWell(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    byte[] first = traffic.first(net.client(), 1000, self(family), NODE_PORT);
    assertThat(enter(first).story()).isEqualTo("tunnel: forward");
    assertThat(entry(family, 0).has(CtState.CT_DSR)).isTrue();
    byte[] next = traffic.next(net.client(), 1000, self(family), NODE_PORT);
    assertThat(enter(next).story()).isEqualTo("tunnel: forward");
    harness.ct.get(family).removeAll(List.copyOf(harness.entries(family).keySet()));
    optOut(net.client());
    enter(first);
    assertThat(entry(family, 0).has(CtState.CT_DSR)).isFalse();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void backendsOfTheNodeThatItEntersByAnswerAsEver(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    assertThat(entry(family, CtState.CT_NAT_REVERSE).has(CtState.CT_DSR)).isFalse();
    assertThat(harness.send(b, traffic.answer(net.b(), 8080, net.client(), 1000)).story())
        .isEqualTo("out: out");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aBackendOfTheHostItselfAnswersByItself(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(self(family)));
    Life there = forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
    assertThat(there.story()).isEqualTo("stack: stack");
    Life back = leave(traffic.answer(self(family), 8080, net.client(), 1000));
    assertThat(back.story()).isEqualTo("up: stack");
    assertTuple(back, entered, NODE_PORT, net.client(), 1000);
  }

  /** What is no answer of the backend's own stack comes by the tunnel, and is handed on. */
  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void errorsPassTheNodeThatItEnteredBy(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    byte[] first = traffic.first(net.client(), 1000, self(family), NODE_PORT);
    enter(first);
    boolean v4 = family == Family.IPV4;
    byte[] error =
        PacketBuilder.from(self(family), net.client())
            .icmpError(v4 ? 3 : 1, v4 ? 3 : 4, first, 500)
            .build();
    assertThat(forwarded(error, node(family, 2)).story()).isEqualTo("out: out");
    assertThat(forwarded(error, node(family, 3)).story()).isEqualTo("nowhere: tunnel_source");
    byte[] reset = traffic.packet(self(family), NODE_PORT, net.client(), 1000, Packet.RST).build();
    assertThat(forwarded(reset, node(family, 2)).story()).isEqualTo("out: out");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void errorsOfPodsGoWithTheServicesAddressByTheStack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(net.b()));
    forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
    boolean v4 = family == Family.IPV4;
    byte[] request = traffic.first(net.client(), 1000, net.b(), 8080);
    Life life =
        harness.send(
            b,
            PacketBuilder.from(net.b(), net.client())
                .icmpError(v4 ? 3 : 1, v4 ? 3 : 4, request, 500)
                .build());
    assertThat(life.story()).isEqualTo("stack: icmp_error");
    assertThat(life.packet().source()).isEqualTo(entered);
    assertThat(life.packet().inner().orElseThrow().destination()).isEqualTo(entered);
    Life out = leave(up, life.last().frame(), life.last().mark());
    assertThat(out.place()).isEqualTo("up");
    assertThat(out.last().frame()).isEqualTo(life.last().frame());
  }
}
