// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** ICMP errors that traffic from outside causes, and those about it. */
class OutsideErrorsTest extends OutsideTest {
  private static final int ETHERNET = 14;
  private static final int QUOTED = 500;

  private static byte[] unreachable(Ip from, Ip to, byte[] about) {
    boolean v4 = from.family() == Family.IPV4;
    return PacketBuilder.from(from, to).icmpError(v4 ? 3 : 1, v4 ? 3 : 4, about, QUOTED).build();
  }

  private static Ip router(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.168.99.1" : "fd00:99::1");
  }

  private static void assertError(Life life, Ip from, Ip to, Ip quotedTo, int fromPort, int port) {
    Packet error = life.packet();
    assertThat(error.problems()).as(error.summary()).isSubsetOf("quoted packet: SCTP checksum");
    assertThat(error.source()).isEqualTo(from);
    assertThat(error.destination()).isEqualTo(to);
    Packet quoted = error.inner().orElseThrow();
    assertThat(quoted.source()).isEqualTo(to);
    assertThat(quoted.sourcePort()).isEqualTo(fromPort);
    assertThat(quoted.destination()).isEqualTo(quotedTo);
    assertThat(quoted.destinationPort()).isEqualTo(port);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void betweenAClientAndAPodOfThisNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    harness.send(b, traffic.answer(net.b(), 8080, net.client(), 1000));
    byte[] answer = traffic.next(self(family), NODE_PORT, net.client(), 1000);
    Life in = enter(unreachable(net.client(), self(family), answer));
    assertThat(in.story()).isEqualTo("b: redirect bypass");
    assertError(in, net.client(), net.b(), net.client(), 8080, 1000);
    Life onTheWay = enter(unreachable(router(family), self(family), answer));
    assertError(onTheWay, router(family), net.b(), net.client(), 8080, 1000);
    byte[] request = traffic.next(net.client(), 1000, net.b(), 8080);
    Life out = harness.send(b, unreachable(net.b(), net.client(), request));
    assertThat(out.story()).isEqualTo("out: out");
    assertError(out, self(family), net.client(), self(family), 1000, NODE_PORT);
    assertThat(harness.send(c, unreachable(net.c(), net.client(), request)).story())
        .as("no pod reports on others")
        .isEqualTo("nowhere: icmp_unknown");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void passTheNodeThatTheFlowEntersByAsTheyAre(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.remotePod()));
    byte[] request = traffic.first(net.client(), 1000, self(family), NODE_PORT);
    enter(request);
    byte[] answer = traffic.next(self(family), NODE_PORT, net.client(), 1000);
    byte[] error = unreachable(router(family), self(family), answer);
    Life in = enter(error);
    assertThat(in.story()).isEqualTo("tunnel: forward");
    assertThat(Packet.difference(Packet.parse(error), in.packet())).isEqualTo("ttl: 64 and 63\n");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, error)).isEqualTo(to(family, 2, FORWARD));
    byte[] back = unreachable(self(family), net.client(), request);
    Life out = forwarded(back, node(family, 2));
    assertThat(out.story()).isEqualTo("out: out");
    assertThat(Packet.difference(Packet.parse(back), out.packet())).isEqualTo("ttl: 64 and 63\n");
    assertThat(forwarded(back, node(family, 3)).story()).isEqualTo("nowhere: tunnel_source");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void areTranslatedWhereTheBackendIs(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(net.b()));
    forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
    byte[] answer = traffic.next(entered, NODE_PORT, net.client(), 1000);
    Life in = forwarded(unreachable(router(family), entered, answer), entered);
    assertThat(in.story()).isEqualTo("b: redirect bypass");
    assertError(in, router(family), net.b(), net.client(), 8080, 1000);
    assertThat(forwarded(unreachable(router(family), entered, answer), node(family, 3)).story())
        .isEqualTo("nowhere: tunnel_source");
    byte[] request = traffic.next(net.client(), 1000, net.b(), 8080);
    byte[] error = unreachable(net.b(), net.client(), request);
    Life out = harness.send(b, error);
    assertThat(out.story()).isEqualTo("tunnel: forward");
    assertError(out, entered, net.client(), entered, 1000, NODE_PORT);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, error)).isEqualTo(to(family, 2, FORWARD));
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void ofAHostsOwnBackendAreTranslatedOnTheirWayOut(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(self(family)));
    enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
    byte[] request = traffic.first(net.client(), 1000, self(family), 8080);
    Life out = leave(unreachable(self(family), net.client(), request));
    assertThat(out.story()).isEqualTo("up: icmp_error");
    assertError(out, self(family), net.client(), self(family), 1000, NODE_PORT);
    // Of a flow that entered by another node: by the tunnel.
    Ip entered = node(family, 3);
    forwarded(traffic.first(net.client(), 2000, entered, NODE_PORT), entered);
    byte[] other = traffic.first(net.client(), 2000, self(family), 8080);
    byte[] error = unreachable(self(family), net.client(), other);
    Life tunnel = leave(error);
    assertThat(tunnel.story()).isEqualTo("tunnel: forward");
    assertError(tunnel, entered, net.client(), entered, 2000, NODE_PORT);
    assertThat(overlay.keyOf(SluiceHook.HOOK_OUT, up, error)).isEqualTo(to(family, 3, FORWARD));
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void aboutWhatIsNotOursAreTheStacks(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] own = traffic.first(self(family), 1000, net.client(), 443);
    byte[] error = unreachable(net.client(), self(family), own);
    assertThat(enter(error).story()).as("unknown").isEqualTo("stack: not_tracked");
    assertThat(leave(own).story()).isEqualTo("up: stack");
    Life in = enter(error);
    assertThat(in.story()).as("known, not translated").isEqualTo("stack: not_tracked");
    assertThat(in.last().frame()).isEqualTo(error);
    byte[] out = unreachable(self(family), net.client(), own);
    assertThat(leave(out).story()).isEqualTo("up: not_tracked");
  }

  private void maglev(Family family, Traffic traffic, Ip backend) {
    service(SERVICE, family, ServiceFlags.SERVICE_MAGLEV, 0, at(backend));
    int flags = FrontendFlags.FRONTEND_LOAD_BALANCER;
    frontend(SERVICE, Net.of(family).service(), 80, traffic.proto(), flags);
    int[] slots = new int[8];
    Arrays.fill(slots, 100 * SERVICE);
    maps.setTable(SERVICE, slots, null);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  @Tag("INV-MAG-3")
  void findTheFlowsNodeByItsMaglevTable(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] answer = traffic.next(net.service(), 80, net.client(), 1000);
    byte[] error = unreachable(router(family), net.service(), answer);
    maglev(family, traffic, Overlay.pod(family, 3));
    Life relayed = enter(error);
    assertThat(relayed.story()).isEqualTo("tunnel: forward");
    assertThat(relayed.last().frame()).isEqualTo(error);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, error)).isEqualTo(to(family, 3, FORWARD));
    assertThat(harness.entries(family)).isEmpty();
    maglev(family, traffic, net.b());
    assertThat(enter(error).story()).as("nobody knows it").isEqualTo("nowhere: icmp_unknown");
    // Where the flow is known, any node may bring it.
    forwarded(traffic.first(net.client(), 1000, net.service(), 80), node(family, 2));
    for (int number = 2; number <= 3; number++) {
      Life in = forwarded(error, node(family, number));
      assertThat(in.story()).isEqualTo("b: redirect bypass");
      assertError(in, router(family), net.b(), net.client(), 8080, 1000);
    }
    assertThat(forwarded(error, net.client()).story()).isEqualTo("nowhere: tunnel_source");
  }

  /** By helpers alone, nobody knows whether a quoted checksum is still to be filled in. */
  private void assertQuotesWell(Packet error) {
    if (variant().kernCtx()) {
      assertThat(error.problems()).as(error.summary()).isEmpty();
    } else {
      assertThat(error.problems())
          .as(error.summary())
          .isSubsetOf("quoted packet: TCP checksum", "quoted packet: UDP checksum");
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-1")
  void hopsThatEndHereAreAnsweredByThisNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    boolean v4 = family == Family.IPV4;
    for (Ip backend : new Ip[] {net.b(), net.remotePod()}) {
      service(SERVICE, family, 0, 0, at(backend));
      frontend(SERVICE, net.service(), 80, traffic.proto(), FrontendFlags.FRONTEND_EXTERNAL_IP);
      for (int flags : new int[] {Packet.SYN, Packet.ACK}) {
        byte[] last = traffic.packet(net.client(), 1000, net.service(), 80, flags).ttl(1).build();
        Life life = enter(last);
        assertThat(life.story()).isEqualTo("up: ttl_answer bypass");
        Packet error = life.packet();
        assertQuotesWell(error);
        assertThat(error.source()).isEqualTo(self(family));
        assertThat(error.destination()).isEqualTo(net.client());
        assertThat(error.icmpType()).isEqualTo(v4 ? 11 : 3);
        assertThat(error.icmpCode()).isZero();
        Packet quoted = error.inner().orElseThrow();
        assertThat(quoted.destination()).isEqualTo(net.service());
        assertThat(quoted.destinationPort()).isEqualTo(80);
      }
      harness.ct.get(family).removeAll(harness.entries(family).keySet());
    }
  }

  private static int mtu(Family family) {
    return family == Family.IPV4 ? Overlay.MTU4 : Overlay.MTU6;
  }

  /** A packet of "size" bytes from its IP header on. */
  private static PacketBuilder sized(Traffic traffic, Ip from, Ip to, int port, int size) {
    int ip = from.family() == Family.IPV4 ? 20 : 40;
    int l4 = traffic == Traffic.TCP ? 20 : traffic == Traffic.SCTP ? 12 : 8;
    return traffic.packet(from, 1000, to, port, Packet.ACK).payloadLength(size - ip - l4);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ENC-2")
  @Tag("INV-ICMP-1")
  void tooBigForTheTunnelIsAnsweredByTheAddressThatTheClientSpokeTo(
      Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip asked = self(family);
    nodePort(family, traffic, at(net.remotePod()));
    enter(traffic.first(net.client(), 1000, asked, NODE_PORT));
    byte[] fits =
        sized(traffic, net.client(), asked, NODE_PORT, mtu(family)).dontFragment().build();
    assertThat(enter(fits).story()).isEqualTo("tunnel: forward");
    byte[] big =
        sized(traffic, net.client(), asked, NODE_PORT, mtu(family) + 1).dontFragment().build();
    Life life = enter(big);
    assertThat(life.story()).isEqualTo("up: too_big bypass");
    Packet error = life.packet();
    assertThat(error.problems()).as(error.summary()).isEmpty();
    assertThat(error.source()).isEqualTo(asked);
    assertThat(error.destination()).isEqualTo(net.client());
    boolean v4 = family == Family.IPV4;
    assertThat(error.icmpType()).isEqualTo(v4 ? 3 : 2);
    int icmp = ETHERNET + (v4 ? 20 : 40);
    assertThat(ByteBuffer.wrap(life.last().frame()).getInt(icmp + 4)).isEqualTo(mtu(family));
    assertThat(error.inner().orElseThrow().destinationPort()).isEqualTo(NODE_PORT);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ENC-2")
  void tooBigAnswersOfPodsAndOfTheHostAreAnsweredToThem(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(net.b()));
    forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
    harness.send(b, traffic.answer(net.b(), 8080, net.client(), 1000));
    byte[] big =
        traffic
            .packet(net.b(), 8080, net.client(), 1000, Packet.ACK)
            .payloadLength(mtu(family))
            .dontFragment()
            .build();
    Life life = harness.send(b, big);
    assertThat(life.story()).isEqualTo("b: too_big bypass");
    assertThat(life.packet().problems()).isEmpty();
    assertThat(life.packet().source()).isEqualTo(net.client());
    // The host's own, for a backend of another node.
    nodePort(family, traffic, at(net.remotePod()));
    leave(traffic.first(self(family), 1000, node(family, 3), NODE_PORT));
    byte[] own =
        sized(traffic, self(family), node(family, 3), NODE_PORT, mtu(family) + 1)
            .dontFragment()
            .build();
    Outcome out = harness.run(SluiceHook.HOOK_OUT, up, own, 0);
    assertThat(reason(out)).isEqualTo("too_big");
    assertThat(out.verdict()).isEqualTo(Outcome.REDIRECT);
    assertThat(out.packet().problems()).isEmpty();
    assertThat(out.packet().source()).isEqualTo(node(family, 3));
    assertThat(out.packet().destination()).isEqualTo(self(family));
    assertThat(reason(harness.run(SluiceHook.HOOK_IN, up, out.frame(), out.mark())))
        .isEqualTo("bypass");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ENC-2")
  @Tag("INV-ICMP-1")
  void tooBigForAPodsLinkIsAnsweredToWhereItCameFrom(Family family, Traffic traffic) {
    Net net = Net.of(family);
    int link = 1400;
    Ip entered = node(family, 2);
    nodePort(family, traffic, at(net.b()));
    harness.sh("ip link set dev b mtu " + link);
    try {
      enter(traffic.first(net.client(), 1000, self(family), NODE_PORT));
      byte[] fits =
          sized(traffic, net.client(), self(family), NODE_PORT, link).dontFragment().build();
      assertThat(enter(fits).place()).isEqualTo("b");
      byte[] big =
          sized(traffic, net.client(), self(family), NODE_PORT, link + 50).dontFragment().build();
      Life life = enter(big);
      assertThat(life.story()).isEqualTo("up: too_big bypass");
      assertThat(life.packet().problems()).isEmpty();
      assertThat(life.packet().source()).isEqualTo(self(family));
      int icmp = ETHERNET + (family == Family.IPV4 ? 20 : 40);
      assertThat(ByteBuffer.wrap(life.last().frame()).getInt(icmp + 4)).isEqualTo(link);
      // By the tunnel, back to the node that it entered by.
      forwarded(traffic.first(net.client(), 1000, entered, NODE_PORT), entered);
      byte[] more =
          sized(traffic, net.client(), entered, NODE_PORT, link + 20).dontFragment().build();
      Outcome out = overlay.in(more, entered, FORWARD);
      assertThat(reason(out)).isEqualTo("too_big");
      assertThat(out.packet().problems()).isEmpty();
      assertThat(out.packet().source()).isEqualTo(entered);
      assertThat(overlay.keyOf(SluiceHook.HOOK_IN, overlay.device, more, entered, FORWARD))
          .isEqualTo(to(family, 2, FORWARD));
    } finally {
      harness.sh("ip link set dev b mtu 1500");
    }
  }

  /** It is the outer packet that is fragmented: the stack would take it for the node's own. */
  @ParameterizedTest
  @EnumSource(
      value = Traffic.class,
      names = {"TCP", "UDP", "SCTP"})
  @Tag("INV-ENC-2")
  void whatMayBeFragmentedIsForwardedAllTheSame(Traffic traffic) {
    Net net = Net.of(Family.IPV4);
    Ip asked = self(Family.IPV4);
    nodePort(Family.IPV4, traffic, at(net.remotePod()));
    enter(traffic.first(net.client(), 1000, asked, NODE_PORT));
    byte[] big = sized(traffic, net.client(), asked, NODE_PORT, LINK_MTU).build();
    Life life = enter(big);
    assertThat(life.story()).isEqualTo("tunnel: forward");
    assertUnchanged(big, life, "ttl: 64 and 63\n");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, big)).isEqualTo(to(Family.IPV4, 2, FORWARD));
  }
}
