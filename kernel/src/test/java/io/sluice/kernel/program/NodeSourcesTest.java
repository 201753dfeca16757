// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks that pods of other nodes may send from besides their own addresses. */
@Tag("INV-RPF-1")
class NodeSourcesTest extends OverlayTest {
  private static Ip network(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.9.0.0" : "fd09::");
  }

  private static int prefix(Family family) {
    return family == Family.IPV4 ? 16 : 32;
  }

  private static Ip within(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.9.255.7" : "fd09::ff07");
  }

  private static Ip beside(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.10.0.1" : "fd09:1::1");
  }

  private void allow(Family family, int node) {
    overlay.allow(node, network(family), prefix(family));
  }

  private void forbid(Family family, int node) {
    overlay.forbid(node, network(family), prefix(family));
  }

  private void isAnsweredBy(Family family, byte[] answer, int node) {
    assertThat(harness.send(b, answer).story()).isEqualTo("tunnel: tunnel");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer).node())
        .isEqualTo(Overlay.host(family, node));
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void onlyWithinTheNodesNetworksAndOnlyFromThatNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    allow(family, 2);
    byte[] first = traffic.first(within(family), 1000, net.b(), 80);
    assertThat(overlay.arrive(traffic.first(beside(family), 1000, net.b(), 80), 2).story())
        .isEqualTo("nowhere: tunnel_source");
    assertThat(overlay.arrive(first, 3).story()).isEqualTo("nowhere: tunnel_source");
    assertThat(overlay.arrive(traffic.next(within(family), 1, net.b(), 80), 3).story())
        .isEqualTo("nowhere: tunnel_source");
    assertThat(harness.entries(family)).as("refused traffic makes no entry").isEmpty();

    Life life = overlay.arrive(first, 2);
    assertThat(life.story()).isEqualTo("b: redirect to_pod");
    assertThat(life.packet().source()).as("what the pod's policy sees").isEqualTo(within(family));
    isAnsweredBy(family, traffic.answer(net.b(), 80, within(family), 1000), 2);
    byte[] next = traffic.next(within(family), 1000, net.b(), 80);
    assertThat(overlay.arrive(next, 2).story()).isEqualTo("b: " + straight());
    assertThat(overlay.arrive(next, 3).story())
        .as("nor does another node join the flow")
        .isEqualTo("nowhere: tunnel_source");
    assertThat(overlay.arrive(next, 2).story()).isEqualTo("b: " + straight());
    assertThat(harness.entries(family)).hasSize(1);
    // The address leads nowhere, for what others open.
    assertThat(harness.send(b, traffic.first(net.b(), 81, within(family), 1001)).story())
        .isEqualTo("stack: stack");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void answersGoBackToTheNodeThoughRoutesHaveChanged(Family family, Traffic traffic) {
    Net net = Net.of(family);
    allow(family, 2);
    overlay.arrive(traffic.first(within(family), 1000, net.b(), 80), 2);
    byte[] answer = traffic.answer(net.b(), 80, within(family), 1000);
    byte[] next = traffic.next(net.b(), 80, within(family), 1000);
    harness.bumpEpoch();
    isAnsweredBy(family, answer, 2);
    harness.bumpEpoch();
    isAnsweredBy(family, next, 2);
    // Whoever else has the network around.
    overlay.movePod(within(family), 3);
    harness.bumpEpoch();
    isAnsweredBy(family, next, 2);
    byte[] more = traffic.next(within(family), 1000, net.b(), 80);
    assertThat(overlay.arrive(more, 2).story()).isEqualTo("b: " + straight());
    isAnsweredBy(family, next, 2);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void whereTwoNodesMayTheFlowIsOfWhoSendsLast(Family family, Traffic traffic) {
    Net net = Net.of(family);
    allow(family, 2);
    allow(family, 3);
    overlay.arrive(traffic.first(within(family), 1000, net.b(), 80), 2);
    byte[] answer = traffic.answer(net.b(), 80, within(family), 1000);
    isAnsweredBy(family, answer, 2);
    byte[] next = traffic.next(within(family), 1000, net.b(), 80);
    assertThat(overlay.arrive(next, 3).story()).isEqualTo("b: " + straight());
    isAnsweredBy(family, traffic.next(net.b(), 80, within(family), 1000), 3);
    // One of them may not any more.
    forbid(family, 2);
    harness.bumpEpoch();
    assertThat(overlay.arrive(next, 2).story()).isEqualTo("nowhere: tunnel_source");
    isAnsweredBy(family, traffic.next(net.b(), 80, within(family), 1000), 3);
    assertThat(overlay.arrive(next, 3).story()).isEqualTo("b: " + straight());
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void aNetworkThatGoesEndsItsFlows(Family family, Traffic traffic) {
    Net net = Net.of(family);
    allow(family, 2);
    byte[] first = traffic.first(within(family), 1000, net.b(), 80);
    overlay.arrive(first, 2);
    harness.send(b, traffic.answer(net.b(), 80, within(family), 1000));
    forbid(family, 2);
    harness.bumpEpoch();
    byte[] next = traffic.next(within(family), 1000, net.b(), 80);
    assertThat(overlay.arrive(next, 2).story()).isEqualTo("nowhere: tunnel_source");
    assertThat(overlay.arrive(traffic.first(within(family), 1001, net.b(), 80), 2).story())
        .isEqualTo("nowhere: tunnel_source");
    Life told = harness.send(b, traffic.next(net.b(), 80, within(family), 1000));
    assertThat(told.story())
        .as("not by the host's own routes")
        .contains(traffic == Traffic.TCP ? "refused_rst" : "workload_gone");
    // It is there again: so is the flow.
    allow(family, 2);
    assertThat(overlay.arrive(next, 2).story()).isEqualTo("b: " + straight());
    isAnsweredBy(family, traffic.next(net.b(), 80, within(family), 1000), 2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatLivesHereOrIsOfALinkComesFromNoOtherNode(Family family) {
    Net net = Net.of(family);
    overlay.allow(2, Ip.any(family), 0);
    Ip link = Ip.parse(family == Family.IPV4 ? "169.254.3.3" : "fe80::3");
    for (Ip source : new Ip[] {net.a(), Overlay.host(family, 1)}) {
      assertThat(overlay.arrive(Traffic.UDP.first(source, 1000, net.b(), 80), 2).story())
          .isEqualTo("nowhere: tunnel_source");
    }
    assertThat(overlay.arrive(Traffic.UDP.first(link, 1000, net.b(), 80), 2).place())
        .isEqualTo(family == Family.IPV4 ? "b" : "nowhere");
    assertThat(overlay.arrive(Traffic.UDP.first(net.client(), 1000, net.b(), 80), 2).place())
        .isEqualTo("b");
    assertThat(overlay.arrive(Traffic.UDP.first(net.client(), 1000, net.b(), 80), 3).story())
        .isEqualTo("nowhere: tunnel_source");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void errorsAndMidflowPacketsAreJudgedLikewise(Family family) {
    Net net = Net.of(family);
    Ip host = Overlay.host(family, 1);
    allow(family, 2);
    byte[] midflow = Traffic.TCP.packet(within(family), 9, net.b(), 80, Packet.ACK).build();
    assertThat(overlay.arrive(midflow, 2).story()).isEqualTo("stack: fallthrough");
    assertThat(overlay.arrive(midflow, 3).story()).isEqualTo("nowhere: tunnel_source");
    byte[] quoted = Traffic.UDP.first(host, 5, net.remotePod(), 6);
    int type = family == Family.IPV4 ? 3 : 1;
    byte[] router = PacketBuilder.from(within(family), host).icmpError(type, 1, quoted, 64).build();
    assertThat(overlay.arrive(router, 2).story()).as("about a flow of the host").contains("host");
    assertThat(overlay.arrive(router, 3).story()).isEqualTo("nowhere: tunnel_source");
  }
}
