// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.program.ChainHarness.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** ICMP errors about flows: translated as the packets that they quote, and for their owner only. */
@Tag("INV-ICMP-2")
class IcmpErrorTest extends ChainTest {
  static final String FAMILIES_AND_TRAFFIC = "io.sluice.kernel.program.Traffic#inFamilies";

  /** Bytes of an IP packet that an error quotes: all of it, unless it is long. */
  private static final int QUOTED = 500;

  private static byte[] unreachable(Ip from, Ip to, byte[] about, int quoted) {
    int type = from.family() == Family.IPV4 ? 3 : 1;
    int port = from.family() == Family.IPV4 ? 3 : 4;
    return PacketBuilder.from(from, to).icmpError(type, port, about, quoted).build();
  }

  private static byte[] timeExceeded(Ip from, Ip to, byte[] about) {
    int type = from.family() == Family.IPV4 ? 11 : 3;
    return PacketBuilder.from(from, to).icmpError(type, 0, about, QUOTED).build();
  }

  private void establish(Net net, Traffic traffic, Ip backend) {
    harness.addService(7, net.service(), 80, traffic.proto(), new Target(backend, 8080, 21));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    if (backend.equals(net.b())) {
      harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
    }
  }

  private static void assertError(
      Life life, Ip from, Ip to, Ip quotedFrom, int quotedFromPort, Ip quotedTo, int quotedToPort) {
    Packet error = life.packet();
    // A quoted SCTP packet's CRC is left as it was: nobody verifies it, for quotations are cut off.
    assertThat(error.problems()).as(error.summary()).isSubsetOf("quoted packet: SCTP checksum");
    assertThat(error.source()).isEqualTo(from);
    assertThat(error.destination()).isEqualTo(to);
    Packet quoted = error.inner().orElseThrow();
    assertThat(quoted.source()).isEqualTo(quotedFrom);
    assertThat(quoted.destination()).isEqualTo(quotedTo);
    assertThat(quoted.sourcePort()).isEqualTo(quotedFromPort);
    assertThat(quoted.destinationPort()).isEqualTo(quotedToPort);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void fromTheBackendToTheClient(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic, net.b());
    byte[] about = traffic.next(net.a(), 1000, net.b(), 8080);
    Life life = harness.send(b, unreachable(net.b(), net.a(), about, QUOTED));
    assertThat(life.story()).isEqualTo("a: redirect bypass");
    assertError(life, net.service(), net.a(), net.a(), 1000, net.service(), 80);
    assertThat(life.packet().ttl()).isEqualTo(63);
    // The least that must be quoted: the header and 8 bytes.
    int least = family == Family.IPV4 ? 28 : 48;
    Life brief = harness.send(b, unreachable(net.b(), net.a(), about, least));
    assertError(brief, net.service(), net.a(), net.a(), 1000, net.service(), 80);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void fromTheClientToTheBackend(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic, net.b());
    byte[] about = traffic.next(net.service(), 80, net.a(), 1000);
    Life life = harness.send(a, unreachable(net.a(), net.service(), about, QUOTED));
    assertThat(life.place()).isEqualTo("b");
    assertError(life, net.a(), net.b(), net.b(), 8080, net.a(), 1000);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void fromARouterOnTheWayToABackendElsewhere(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic, net.remotePod());
    byte[] about = traffic.next(net.a(), 1000, net.remotePod(), 8080);
    Life life = harness.fromStack(a, timeExceeded(net.client(), net.a(), about), 0);
    assertThat(life.story()).isEqualTo("a: icmp_error");
    assertError(life, net.client(), net.a(), net.a(), 1000, net.service(), 80);
    // The backend itself, though, speaks as the service.
    Life end = harness.fromStack(a, unreachable(net.remotePod(), net.a(), about, QUOTED), 0);
    assertError(end, net.service(), net.a(), net.a(), 1000, net.service(), 80);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aboutAFlowThatIsNotTranslated(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.send(a, traffic.first(net.a(), 1000, net.b(), 80));
    byte[] about = traffic.first(net.a(), 1000, net.b(), 80);
    byte[] error = unreachable(net.b(), net.a(), about, QUOTED);
    Life life = harness.send(b, error);
    assertThat(life.story()).isEqualTo("a: redirect bypass");
    assertThat(Packet.difference(Packet.parse(error), life.packet())).isEqualTo("ttl: 64 and 63\n");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aboutAnEcho(Family family) {
    Net net = Net.of(family);
    byte[] about = PacketBuilder.from(net.a(), net.b()).echoRequest(7, 1).build();
    harness.send(a, about);
    Life life = harness.send(b, unreachable(net.b(), net.a(), about, QUOTED));
    assertThat(life.place()).isEqualTo("a");
    assertThat(life.packet().problems()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aboutAPodThatReachesItself(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic, net.a());
    byte[] about = traffic.next(net.service(), 1000, net.a(), 8080);
    Life life = harness.send(a, unreachable(net.a(), net.service(), about, QUOTED));
    assertThat(life.place()).isEqualTo("a");
    assertError(life, net.service(), net.a(), net.a(), 1000, net.service(), 80);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void nobodyReportsOnOthers(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic, net.b());
    byte[] about = traffic.next(net.a(), 1000, net.b(), 8080);
    assertThat(harness.send(c, unreachable(net.b(), net.a(), about, QUOTED)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(c, unreachable(net.c(), net.a(), about, QUOTED)).story())
        .isEqualTo("nowhere: icmp_unknown");
    // To another than the sender of what is quoted.
    assertThat(harness.send(b, unreachable(net.b(), net.c(), about, QUOTED)).story())
        .isEqualTo("nowhere: icmp_unknown");
    // About no flow at all.
    byte[] nothing = traffic.next(net.a(), 4321, net.b(), 8080);
    assertThat(harness.send(b, unreachable(net.b(), net.a(), nothing, QUOTED)).story())
        .isEqualTo("nowhere: icmp_unknown");
    // Cut off before the ports.
    int tooShort = family == Family.IPV4 ? 23 : 43;
    assertThat(harness.send(b, unreachable(net.b(), net.a(), about, tooShort)).story())
        .isEqualTo("nowhere: malformed");
    assertThat(harness.send(b, unreachable(net.b(), net.a(), about, 3)).story())
        .isEqualTo("nowhere: malformed");
    // Padding of the frame is no quotation.
    int type = family == Family.IPV4 ? 3 : 1;
    PacketBuilder padded =
        PacketBuilder.from(net.b(), net.a()).icmpError(type, 1, about, tooShort).trailing(40);
    assertThat(harness.send(b, padded.build()).story()).isEqualTo("nowhere: malformed");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void paddingOfTheFrameIsLeftAlone(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic, net.b());
    byte[] about = traffic.next(net.a(), 1000, net.b(), 8080);
    int least = family == Family.IPV4 ? 28 : 48;
    int type = family == Family.IPV4 ? 3 : 1;
    byte[] padded =
        PacketBuilder.from(net.b(), net.a()).icmpError(type, 1, about, least).trailing(40).build();
    Life life = harness.send(b, padded);
    assertError(life, net.service(), net.a(), net.a(), 1000, net.service(), 80);
    int end = padded.length - 40;
    assertThat(java.util.Arrays.copyOfRange(life.last().frame(), end, padded.length))
        .isEqualTo(java.util.Arrays.copyOfRange(padded, end, padded.length));
  }
}
