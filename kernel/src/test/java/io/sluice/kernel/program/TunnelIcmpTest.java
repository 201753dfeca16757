// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

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

/** ICMP errors about flows that pass the tunnel. */
@Tag("INV-ICMP-2")
class TunnelIcmpTest extends OverlayTest {
  private static final int QUOTED = 500;

  private static byte[] unreachable(Ip from, Ip to, byte[] about) {
    boolean v4 = from.family() == Family.IPV4;
    return PacketBuilder.from(from, to).icmpError(v4 ? 3 : 1, v4 ? 3 : 4, about, QUOTED).build();
  }

  private void toService(Net net, Traffic traffic) {
    harness.addService(
        7, net.service(), 80, traffic.proto(), new Target(net.remotePod(), 8080, 21));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
  }

  private static void assertAbout(Packet error, Ip from, Ip to, int toPort) {
    assertThat(error.problems()).as(error.summary()).isSubsetOf("quoted packet: SCTP checksum");
    assertThat(error.source()).isEqualTo(from);
    Packet quoted = error.inner().orElseThrow();
    assertThat(quoted.source()).isEqualTo(error.destination());
    assertThat(quoted.sourcePort()).isEqualTo(1000);
    assertThat(quoted.destination()).isEqualTo(to);
    assertThat(quoted.destinationPort()).isEqualTo(toPort);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void comeOutOfTheTunnelInTermsOfTheClient(Family family, Traffic traffic) {
    Net net = Net.of(family);
    toService(net, traffic);
    byte[] about = traffic.next(net.a(), 1000, net.remotePod(), 8080);
    Life end = overlay.arrive(unreachable(net.remotePod(), net.a(), about), 2);
    assertThat(end.story()).isEqualTo("a: redirect bypass");
    assertAbout(end.packet(), net.service(), net.service(), 80);
    // A router there may have any address: what counts is the node where the flow goes.
    Life router = overlay.arrive(unreachable(net.client(), net.a(), about), 2);
    assertAbout(router.packet(), net.client(), net.service(), 80);
    assertThat(overlay.arrive(unreachable(net.remotePod(), net.a(), about), 3).story())
        .isEqualTo("nowhere: tunnel_source");
    byte[] unknown = traffic.next(net.a(), 999, net.remotePod(), 8080);
    assertThat(overlay.arrive(unreachable(net.remotePod(), net.a(), unknown), 2).story())
        .isEqualTo("nowhere: icmp_unknown");
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void goIntoTheTunnelToWhoOpened(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] first = traffic.first(net.remotePod(), 1000, net.b(), 80);
    overlay.arrive(first, 2);
    byte[] error = unreachable(net.b(), net.remotePod(), first);
    Life life = harness.send(b, error);
    assertThat(life.story()).isEqualTo("tunnel: tunnel");
    assertThat(life.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_BYPASS);
    assertThat(Packet.difference(Packet.parse(error), life.packet())).isEqualTo("ttl: 64 and 63\n");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, error))
        .isEqualTo(new Overlay.Key(Overlay.VNI, Overlay.host(family, 2), 0, 0));
    assertThat(harness.send(a, unreachable(net.a(), net.remotePod(), first)).story())
        .as("another pod's flow")
        .isEqualTo("nowhere: icmp_unknown");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aboutTheHostsOwnFlowsAreForTheHost(Family family) {
    Net net = Net.of(family);
    Ip host = Overlay.host(family, 1);
    byte[] about = Traffic.UDP.first(host, 1000, net.remotePod(), 80);
    assertThat(overlay.arrive(unreachable(net.remotePod(), host, about), 2).story())
        .isEqualTo("stack: host");
    assertThat(overlay.arrive(unreachable(net.remotePod(), host, about), 3).story())
        .isEqualTo("nowhere: tunnel_source");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-ENC-2")
  void areNeverAnsweredThemselves(Family family) {
    Net net = Net.of(family);
    byte[] first = Traffic.UDP.first(net.remotePod(), 1000, net.b(), 80);
    overlay.arrive(first, 2);
    harness.setNode(overlay.device.ifindex(), Overlay.VNI, 80, 80);
    assertThat(harness.send(b, unreachable(net.b(), net.remotePod(), first)).story())
        .isEqualTo("stack: icmp_error");
  }
}
