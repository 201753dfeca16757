// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where the backend is, of traffic that entered by another node: here, by node 2's address. */
class BackendNodeTest extends OutsideTest {
  private byte[] first(Traffic traffic, Net net, int port) {
    return traffic.first(net.client(), port, node(net.family(), 2), NODE_PORT);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-1")
  void itIsTranslatedHereAndAnsweredByTheNodeThatItEnteredBy(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(net.b()));
    Life there = forwarded(first(traffic, net, 1000), entered);
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertTuple(there, net.client(), 1000, net.b(), 8080);
    for (int kind : new int[] {CtState.CT_NAT_FORWARD, CtState.CT_NAT_REVERSE}) {
      Seen entry = entry(family, kind);
      assertThat(entry.has(CtState.CT_FORWARD)).isTrue();
      assertThat(entry.has(CtState.CT_DSR)).isFalse();
      assertThat(entry.opener(CtState.CT_TUNNEL_A)).isTrue();
      assertThat(entry.other(CtState.CT_TUNNEL_A)).isFalse();
      assertThat(entry.opener(CtState.CT_OUT_A)).isFalse();
      assertThat(entry.value().tunnelPeer()).isEqualTo(entered);
    }
    for (int i = 0; i < 2; i++) {
      byte[] frame =
          i == 0
              ? traffic.answer(net.b(), 8080, net.client(), 1000)
              : traffic.next(net.b(), 8080, net.client(), 1000);
      Life back = harness.send(b, frame);
      assertThat(back.story()).isEqualTo("tunnel: forward");
      assertTuple(back, entered, NODE_PORT, net.client(), 1000);
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, frame)).isEqualTo(to(family, 2, FORWARD));
      Life onward = forwarded(traffic.next(net.client(), 1000, entered, NODE_PORT), entered);
      assertThat(onward.story()).isEqualTo("b: peer");
      assertTuple(onward, net.client(), 1000, net.b(), 8080);
      harness.bumpEpoch();
    }
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-DSR-2")
  void onlyBackendsOfThisNodeGetIt(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip elsewhere = Overlay.pod(family, 3);
    nodePort(family, traffic, at(net.remotePod()), at(elsewhere), at(net.b()));
    for (int port = 1000; port < 1040; port++) {
      Life life = forwarded(first(traffic, net, port), node(family, 2));
      assertTuple(life, net.client(), port, net.b(), 8080);
    }
    nodePort(family, traffic, at(net.remotePod()), at(elsewhere));
    assertThat(forwarded(first(traffic, net, 2000), node(family, 2)).story())
        .isEqualTo("nowhere: no_local_backend");
    // What asks for local backends only by policy, and what does not, are alike here.
    nodePort(family, traffic, at(net.remotePod()), at(net.c()));
    int flags = FrontendFlags.FRONTEND_NODE_PORT | FrontendFlags.FRONTEND_LOCAL;
    frontend(SERVICE, Ip.any(family), NODE_PORT, traffic.proto(), flags);
    assertTuple(
        forwarded(first(traffic, net, 3000), node(family, 2)), net.client(), 3000, net.c(), 8080);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void onlyNodesForwardAndNotForPodsOfThisOne(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    byte[] first = first(traffic, net, 1000);
    for (Ip nobody : new Ip[] {net.client(), net.remotePod(), self(family)}) {
      assertThat(forwarded(first, nobody).story()).isEqualTo("nowhere: tunnel_source");
    }
    byte[] pods = traffic.first(net.a(), 1000, node(family, 2), NODE_PORT);
    assertThat(forwarded(pods, node(family, 2)).story()).isEqualTo("nowhere: tunnel_source");
    // Nor what the overlay carries for services.
    assertThat(overlay.arrive(first, 2).story()).isEqualTo("nowhere: tunnel_source");
    assertThat(harness.entries(family)).isEmpty();
    assertThat(forwarded(traffic.first(net.client(), 1000, net.b(), 80), node(family, 2)).story())
        .as("for no service")
        .isEqualTo("nowhere: backend_gone");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void anEstablishedFlowIsNotJoinedByOthers(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    forwarded(first(traffic, net, 1000), node(family, 2));
    harness.send(b, traffic.answer(net.b(), 8080, net.client(), 1000));
    byte[] next = traffic.next(net.client(), 1000, node(family, 2), NODE_PORT);
    assertThat(forwarded(next, net.client()).story()).isEqualTo("nowhere: tunnel_source");
    assertThat(overlay.arrive(next, 2).story()).isEqualTo("nowhere: tunnel_source");
    byte[] answer = traffic.next(node(family, 2), NODE_PORT, net.client(), 1000);
    assertThat(forwarded(answer, node(family, 3)).story()).isEqualTo("nowhere: tunnel_source");
    // Without a connection to keep, a client may enter by another node; answers follow.
    Life moved = forwarded(next, node(family, 3));
    byte[] back = traffic.next(net.b(), 8080, net.client(), 1000);
    if (traffic == Traffic.TCP) {
      assertThat(moved.story()).isEqualTo("nowhere: tunnel_source");
      assertThat(enter(next).story()).isEqualTo("nowhere: midflow");
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, back)).isEqualTo(to(family, 2, FORWARD));
    } else {
      assertThat(moved.story()).isEqualTo("b: peer");
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, back)).isEqualTo(to(family, 3, FORWARD));
      assertThat(enter(next).story()).isEqualTo("b: peer");
      assertThat(harness.send(b, back).story()).isEqualTo("out: out");
      assertThat(forwarded(next, node(family, 2)).story()).isEqualTo("b: peer");
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, back)).isEqualTo(to(family, 2, FORWARD));
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-6")
  void aServiceWithoutBackendsRefusesByTheTunnel(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic);
    byte[] first = first(traffic, net, 1000);
    Outcome out = overlay.in(first, node(family, 2), FORWARD);
    assertThat(reason(out)).isEqualTo(traffic == Traffic.TCP ? "refused_rst" : "refused_icmp");
    assertThat(out.packet().problems()).isEmpty();
    assertThat(out.packet().source()).isEqualTo(node(family, 2));
    assertThat(out.packet().destination()).isEqualTo(net.client());
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, overlay.device, first, node(family, 2), FORWARD))
        .isEqualTo(to(family, 2, FORWARD));
    Outcome device = overlay.out(out.frame(), out.mark());
    assertThat(reason(device)).isEqualTo("bypass");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aBackendOfTheHostItselfAnswersByTheTunnel(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(self(family)));
    Life there = forwarded(first(traffic, net, 1000), node(family, 2));
    assertThat(there.story()).isEqualTo("stack: stack");
    assertTuple(there, net.client(), 1000, self(family), 8080);
    byte[] answer = traffic.answer(self(family), 8080, net.client(), 1000);
    Life back = leave(answer);
    assertThat(back.story()).isEqualTo("tunnel: forward");
    assertTuple(back, node(family, 2), NODE_PORT, net.client(), 1000);
    assertThat(overlay.keyOf(SluiceHook.HOOK_OUT, up, answer)).isEqualTo(to(family, 2, FORWARD));
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-9")
  void byTwoNodesWithOneClientPortAreTwoFlowsForTheBackend(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    forwarded(first(traffic, net, 1000), node(family, 2));
    Life two =
        forwarded(traffic.first(net.client(), 1000, node(family, 3), NODE_PORT), node(family, 3));
    int port = two.packet().sourcePort();
    assertThat(port).isBetween(Chain.PSNAT_FIRST, Chain.PSNAT_LAST);
    byte[] one = traffic.answer(net.b(), 8080, net.client(), 1000);
    byte[] other = traffic.answer(net.b(), 8080, net.client(), port);
    assertTuple(harness.send(b, one), node(family, 2), NODE_PORT, net.client(), 1000);
    assertTuple(harness.send(b, other), node(family, 3), NODE_PORT, net.client(), 1000);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, one)).isEqualTo(to(family, 2, FORWARD));
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, other)).isEqualTo(to(family, 3, FORWARD));
  }
}
