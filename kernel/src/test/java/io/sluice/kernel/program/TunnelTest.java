// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtIfindex;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.program.ChainHarness.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows between this node's pods and what lives behind the tunnel. */
class TunnelTest extends OverlayTest {
  private static final int OUR_MARK = SluiceMark.MARK_SEEN | SluiceMark.MARK_BYPASS;

  /** The one entry that stands for itself, or the tracking entry. */
  private CtValue entry(Family family) {
    return harness.entries(family).values().stream().findFirst().orElseThrow();
  }

  private Overlay.Key to(Family family, int node) {
    return new Overlay.Key(Overlay.VNI, Overlay.host(family, node), 0, 0);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void toAPodOfAnotherNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.a(), 1000, net.remotePod(), 80);
    byte[] next = traffic.next(net.a(), 1000, net.remotePod(), 80);
    for (byte[] frame : new byte[][] {first, next, next}) {
      Life life = harness.send(a, frame);
      assertThat(life.story()).isEqualTo("tunnel: tunnel");
      assertThat(life.last().ourMark()).isEqualTo(OUR_MARK);
      assertThat(Packet.difference(Packet.parse(frame), life.packet()))
          .isEqualTo("ttl: 64 and 63\n");
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, a, frame)).isEqualTo(to(family, 2));
    }
    assertThat(harness.entries(family)).hasSize(1);
    assertThat(entry(family).tunnelPeer()).isEqualTo(Overlay.host(family, 2));
    Life back = overlay.arrive(traffic.answer(net.remotePod(), 80, net.a(), 1000), 2);
    assertThat(back.place()).isEqualTo("a");
    back = overlay.arrive(traffic.next(net.remotePod(), 80, net.a(), 1000), 2);
    assertThat(back.story()).isEqualTo("a: " + straight());
    assertThat(back.packet().ttl()).isEqualTo(63);
    assertThat(back.packet().problems()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void toAServiceWithABackendOnAnotherNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.addService(
        7, net.service(), 80, traffic.proto(), new Target(net.remotePod(), 8080, 21));
    byte[] first = traffic.first(net.a(), 1000, net.service(), 80);
    byte[] next = traffic.next(net.a(), 1000, net.service(), 80);
    for (byte[] frame : new byte[][] {first, next}) {
      Life life = harness.send(a, frame);
      assertThat(life.story()).isEqualTo("tunnel: tunnel");
      assertThat(life.packet().problems()).isEmpty();
      assertThat(life.packet().destination()).isEqualTo(net.remotePod());
      assertThat(life.packet().destinationPort()).isEqualTo(8080);
      assertThat(life.packet().ttl()).isEqualTo(63);
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, a, frame)).isEqualTo(to(family, 2));
    }
    assertThat(harness.entries(family)).hasSize(2);
    assertThat(harness.entries(family).values())
        .allMatch(e -> e.tunnelPeer().equals(Overlay.host(family, 2)));
    overlay.arrive(traffic.answer(net.remotePod(), 8080, net.a(), 1000), 2);
    Life back = overlay.arrive(traffic.next(net.remotePod(), 8080, net.a(), 1000), 2);
    assertThat(back.story()).isEqualTo("a: " + straight());
    assertThat(back.packet().problems()).isEmpty();
    assertThat(back.packet().source()).isEqualTo(net.service());
    assertThat(back.packet().sourcePort()).isEqualTo(80);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-GAP-2")
  void whatAnotherNodeOpensMeetsThePodsOwnProgram(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.remotePod(), 1000, net.b(), 80);
    assertThat(overlay.arrive(first, 2).story()).isEqualTo("b: redirect to_pod");
    assertThat(overlay.arrive(first, 2).place()).isEqualTo("b");
    // The answer finds the way back without any route.
    byte[] answer = traffic.answer(net.b(), 80, net.remotePod(), 1000);
    assertThat(harness.send(b, answer).story()).isEqualTo("tunnel: tunnel");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 2));
    assertThat(overlay.arrive(traffic.next(net.remotePod(), 1000, net.b(), 80), 2).story())
        .isEqualTo("b: " + straight());
    if (traffic == Traffic.TCP) {
      assertThat(overlay.arrive(first, 2).story()).as("late SYN").isEqualTo("b: redirect to_pod");
    }
    assertThat(harness.entries(family)).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-POL-1")
  void whatEitherEndpointDeniesDoesNotPass(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.deny(b, SluiceHook.HOOK_OUT);
    byte[] first = traffic.first(net.remotePod(), 1000, net.b(), 80);
    for (int i = 0; i < 2; i++) {
      assertThat(overlay.arrive(first, 2).story()).isEqualTo("nowhere: redirect policy");
      byte[] next = traffic.next(net.remotePod(), 1000, net.b(), 80);
      assertThat(overlay.arrive(next, 2).story()).isEqualTo("nowhere: redirect policy");
    }
    harness.deny(a, SluiceHook.HOOK_IN);
    byte[] denied = traffic.first(net.a(), 1000, net.remotePod(), 80);
    assertThat(harness.send(a, denied).story()).isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-GAP-1")
  void whatAnotherNodeOpensIsKeptFromAPodThatIsNotReady(Family family, Traffic traffic) {
    Net net = Net.of(family);
    int flags = ChainHarness.USUAL_FLAGS & ~ChainHarness.READY;
    harness.configure(b, flags, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    byte[] first = traffic.first(net.remotePod(), 1000, net.b(), 80);
    for (int i = 0; i < 2; i++) {
      Life life = overlay.arrive(first, 2);
      assertThat(life.story()).isEqualTo("stack: not_ready");
      assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_SKIP_FIB);
    }
    harness.configure(
        b, ChainHarness.USUAL_FLAGS, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
    harness.bumpEpoch();
    assertThat(overlay.arrive(first, 2).story()).isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-RPF-1")
  void aNodeSendsForItsOwnPodsOnly(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.remotePod(), 1000, net.b(), 80);
    assertThat(overlay.arrive(first, 3).story()).isEqualTo("nowhere: tunnel_source");
    assertThat(overlay.in(first, Overlay.host(family, 2), 4097).toString())
        .as("another network")
        .startsWith("tunnel_source");
    assertThat(overlay.in(first, null, 0).toString()).as("no key").startsWith("tunnel_source");
    for (Ip source : new Ip[] {net.a(), net.client(), Overlay.host(family, 1)}) {
      assertThat(overlay.arrive(traffic.first(source, 1000, net.b(), 80), 2).story())
          .isEqualTo("nowhere: tunnel_source");
    }
    assertThat(harness.entries(family)).isEmpty();
    // Nor does it join a flow of another node's pod, unless the pod has moved there.
    overlay.arrive(first, 2);
    harness.send(b, traffic.answer(net.b(), 80, net.remotePod(), 1000));
    byte[] next = traffic.next(net.remotePod(), 1000, net.b(), 80);
    assertThat(overlay.arrive(next, 3).story()).isEqualTo("nowhere: tunnel_source");
    overlay.movePod(net.remotePod(), 3);
    assertThat(overlay.arrive(next, 3).story()).isEqualTo("b: " + straight());
    byte[] answer = traffic.next(net.b(), 80, net.remotePod(), 1000);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 3));
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void forTheHostItself(Family family, Traffic traffic) {
    Net net = Net.of(family);
    for (byte[] frame :
        new byte[][] {
          traffic.first(net.remotePod(), 80, Overlay.host(family, 1), 1000),
          traffic.next(net.remotePod(), 80, Overlay.host(family, 1), 1000)
        }) {
      Life life = overlay.arrive(frame, 2);
      assertThat(life.story()).isEqualTo("stack: host");
      assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
      assertThat(life.last().frame()).isEqualTo(frame);
    }
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void aHostOfAnotherNodeIsAnsweredByTheTunnel(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip host = Overlay.host(family, 2);
    assertThat(overlay.arrive(traffic.first(host, 1000, net.b(), 80), 2).place()).isEqualTo("b");
    byte[] answer = traffic.answer(net.b(), 80, host, 1000);
    byte[] next = traffic.next(net.b(), 80, host, 1000);
    assertThat(harness.send(b, answer).story()).isEqualTo("tunnel: tunnel");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, next)).isEqualTo(to(family, 2));
    // Its route says nothing of a tunnel: the flow does.
    harness.bumpEpoch();
    assertThat(harness.send(b, next).story()).isEqualTo("tunnel: tunnel");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, next)).isEqualTo(to(family, 2));
    // What the pod itself opens goes there by the underlay.
    assertThat(harness.send(b, traffic.first(net.b(), 81, host, 1000)).story())
        .isEqualTo("stack: stack");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void unknownMidflowIsLeftToTables(Family family) {
    Net net = Net.of(family);
    byte[] next = Traffic.TCP.next(net.remotePod(), 1000, net.b(), 80);
    Life life = overlay.arrive(next, 2);
    assertThat(life.story()).isEqualTo("stack: fallthrough");
    assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_FALLTHROUGH);
    assertThat(overlay.arrive(next, 3).story()).isEqualTo("nowhere: tunnel_source");
    Ip nobody = Ip.parse(family == Family.IPV4 ? "10.244.1.77" : "fd00:244:1::77");
    assertThat(overlay.arrive(Traffic.UDP.first(net.remotePod(), 1, nobody, 2), 2).story())
        .isEqualTo("nowhere: workload_gone");
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsNoFlowDoesNotComeOut(Family family) {
    Net net = Net.of(family);
    byte[] fragment =
        PacketBuilder.from(net.remotePod(), net.b()).udp(1, 2).fragment(0, true).build();
    assertThat(overlay.arrive(fragment, 2).story()).isEqualTo("nowhere: fragment");
    byte[] cut =
        PacketBuilder.from(net.remotePod(), net.b())
            .tcp(1, 2, 2)
            .cutTo(family == Family.IPV4 ? 40 : 60)
            .build();
    assertThat(overlay.arrive(cut, 2).last().dropped()).isTrue();
    if (family == Family.IPV6) {
      byte[] solicitation = PacketBuilder.from(net.remotePod(), net.b()).icmp(135, 0, 0).build();
      assertThat(overlay.arrive(solicitation, 2).story()).isEqualTo("nowhere: tunnel_source");
    }
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-ICMP-1")
  void hopsEndAtTheStack(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] out = traffic.packet(net.a(), 1000, net.remotePod(), 80, Packet.SYN).ttl(1).build();
    assertThat(harness.send(a, out).story()).isEqualTo("stack: ttl");
    byte[] in = traffic.packet(net.remotePod(), 1001, net.b(), 80, Packet.SYN).ttl(1).build();
    Life life = overlay.arrive(in, 2);
    assertThat(life.story()).isEqualTo("stack: ttl");
    assertThat(life.last().frame()).isEqualTo(in);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void theDeviceTakesItsKeyFromProgramsOrFromRoutes(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip host = Overlay.host(family, 1);
    byte[] frame = traffic.first(host, 1000, net.remotePod(), 80);
    Outcome own = overlay.out(frame, SluiceMark.MARK_SEEN | 1);
    assertThat(own.toString()).startsWith("tunnel verdict -1");
    assertThat(own.mark()).as("marks do not leave the node").isEqualTo(1);
    assertThat(own.frame()).isEqualTo(frame);
    assertThat(overlay.keyOf(SluiceHook.HOOK_OUT, overlay.device, frame)).isEqualTo(to(family, 2));
    Outcome sent = overlay.out(frame, OUR_MARK | 1);
    assertThat(sent.toString()).startsWith("bypass");
    assertThat(sent.mark()).isEqualTo(1);
    for (Ip nowhere : new Ip[] {net.client(), net.b()}) {
      Outcome lost = overlay.out(traffic.first(host, 1000, nowhere, 80), 0);
      assertThat(lost.toString()).startsWith("no_tunnel_route");
    }
    // Fragments, which the stack makes, have the addresses all the same.
    byte[] fragment = PacketBuilder.from(net.a(), net.remotePod()).fragment(64, false).build();
    assertThat(overlay.out(fragment, SluiceMark.MARK_SEEN).toString()).startsWith("tunnel");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-4")
  void aWorkloadThatIsGoneIsToldToTheOtherNode(Family family) {
    Net net = Net.of(family);
    overlay.arrive(Traffic.TCP.first(net.remotePod(), 1000, net.b(), 80), 2);
    harness.send(b, Traffic.TCP.answer(net.b(), 80, net.remotePod(), 1000));
    harness.removeRoute(net.b());
    harness.bumpEpoch();
    byte[] next = Traffic.TCP.next(net.remotePod(), 1000, net.b(), 80);
    Life life = overlay.arrive(next, 2);
    assertThat(life.story()).isEqualTo("tunnel: refused_rst bypass");
    assertThat(life.packet().tcpFlags()).isEqualTo(Packet.RST);
    assertThat(life.packet().destination()).isEqualTo(net.remotePod());
    assertThat(life.packet().problems()).isEmpty();
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, overlay.device, next, Overlay.host(family, 2)))
        .isEqualTo(to(family, 2));
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void entriesHealWhenTheTunnelOrTheNodeIsAnother(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] next = traffic.next(net.a(), 1000, net.remotePod(), 80);
    harness.send(a, traffic.first(net.a(), 1000, net.remotePod(), 80));
    overlay.movePod(net.remotePod(), 3);
    harness.bumpEpoch();
    assertThat(harness.send(a, next).story()).isEqualTo("tunnel: tunnel");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, a, next)).isEqualTo(to(family, 3));
    // The device is made anew: another ifindex (c's will do), then none.
    harness.setNode(c.ifindex(), 77, 0, 0);
    assertThat(harness.send(a, next).story()).isEqualTo("tunnel: tunnel");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, a, next).vni()).isEqualTo(77);
    CtValue e = entry(family);
    assertThat(new int[] {e.c().ifindex0(), e.c().ifindex1()})
        .containsExactlyInAnyOrder(a.ifindex(), c.ifindex());
    harness.setNode(0, 0, 0, 0);
    assertThat(harness.send(a, next).story()).isEqualTo("stack: not_ready");
    harness.setNode(overlay.device.ifindex(), Overlay.VNI, 0, 0);
    assertThat(harness.send(a, next).story()).isEqualTo("tunnel: tunnel");
    // No encapsulation any more: by the host's routes.
    overlay.put(net.remotePod(), family.bits(), 1, Overlay.host(family, 3));
    harness.bumpEpoch();
    assertThat(harness.send(a, next).story()).isEqualTo("stack: stack");
    assertThat(entry(family).tunnelPeer()).isEqualTo(Ip.any(family));
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void aFlowOfBeforeTheTunnelGoesOverToIt(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.setNode(0, 0, 0, 0);
    Ip remote = net.remotePod();
    overlay.put(remote, family.bits(), 1, Overlay.host(family, 2));
    assertThat(harness.send(a, traffic.first(net.a(), 1000, remote, 80)).place())
        .isEqualTo("stack");
    CtValue e = entry(family);
    assertThat(new int[] {e.c().ifindex0(), e.c().ifindex1()}).contains(CtIfindex.CT_IF_STACK);
    harness.setNode(overlay.device.ifindex(), Overlay.VNI, 0, 0);
    overlay.movePod(remote, 2);
    // Whichever side's packet is first.
    assertThat(overlay.arrive(traffic.answer(remote, 80, net.a(), 1000), 2).place()).isEqualTo("a");
    assertThat(harness.send(a, traffic.next(net.a(), 1000, remote, 80)).story())
        .isEqualTo("tunnel: tunnel");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-POL-1")
  void aPodThatMovesHereHasApprovedNothing(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.remotePod(), 80));
    overlay.arrive(traffic.answer(net.remotePod(), 80, net.a(), 1000), 2);
    harness.deny(c, SluiceHook.HOOK_OUT);
    harness.addRoute(net.remotePod(), c.ifindex());
    harness.bumpEpoch();
    Outcome out =
        harness.run(SluiceHook.HOOK_IN, a, traffic.next(net.a(), 1000, net.remotePod(), 80), 0);
    assertThat(out.toString()).startsWith("redirect");
    assertThat(harness.fromStack(c, out.frame(), out.mark()).story()).isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodThatMovesAwayIsReachedByWhoOpensAnew(Family family) {
    Net net = Net.of(family);
    harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80));
    harness.send(b, Traffic.TCP.answer(net.b(), 80, net.a(), 1000));
    harness.send(a, Traffic.UDP.first(net.a(), 53, net.b(), 53));
    overlay.movePod(net.b(), 2);
    harness.bumpEpoch();
    assertThat(harness.send(a, Traffic.TCP.next(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("a: refused_rst bypass");
    assertThat(harness.send(a, Traffic.TCP.first(net.a(), 1000, net.b(), 80)).story())
        .isEqualTo("tunnel: tunnel");
    assertThat(harness.send(a, Traffic.UDP.next(net.a(), 53, net.b(), 53)).story())
        .isEqualTo("tunnel: tunnel");
  }
}
