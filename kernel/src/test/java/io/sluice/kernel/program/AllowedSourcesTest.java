// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks that a pod may send from besides its own addresses. */
@Tag("INV-RPF-1")
class AllowedSourcesTest extends ChainTest {
  private QosMaps qos;

  @BeforeEach
  void maps() {
    qos = new QosMaps(harness);
  }

  private static Ip network(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.9.0.0" : "fd09::");
  }

  private static Ip within(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.9.255.7" : "fd09::ff07");
  }

  private static Ip beside(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.10.0.1" : "fd09:1::1");
  }

  private static int prefix(Family family) {
    return family == Family.IPV4 ? 16 : 32;
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void onlyWithinItsNetworksAndOnlyThatPod(Family family, Traffic traffic) {
    Net net = Net.of(family);
    qos.allow(a, network(family), prefix(family));
    qos.flags(c, io.sluice.kernel.layout.IfaceFlags.IFACE_SOURCES);
    assertThat(harness.send(a, traffic.first(beside(family), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(c, traffic.first(within(family), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.send(b, traffic.first(within(family), 1000, net.a(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(harness.entries(family)).as("refused traffic makes no entry").isEmpty();
    assertThat(harness.send(a, traffic.first(within(family), 1000, net.b(), 80)).story())
        .isEqualTo("b: redirect to_pod");
    assertThat(harness.send(a, traffic.first(net.a(), 1000, net.b(), 80)).place()).isEqualTo("b");
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void answersFindTheirWayBackWithoutARoute(Family family) {
    Net net = Net.of(family);
    qos.allow(a, network(family), prefix(family));
    harness.send(a, Traffic.TCP.first(within(family), 1000, net.b(), 80));
    byte[] answer = Traffic.TCP.next(net.b(), 80, within(family), 1000);
    assertThat(reason(answer)).isEqualTo("peer");
    harness.bumpEpoch();
    assertThat(reason(answer)).as("though routes have changed").isEqualTo("peer");
    assertThat(harness.send(a, Traffic.TCP.next(within(family), 1000, net.b(), 80)).story())
        .isEqualTo("b: peer");
    // The permission goes: neither direction passes any more.
    qos.forbid(a, network(family), prefix(family));
    harness.bumpEpoch();
    assertThat(harness.send(a, Traffic.TCP.next(within(family), 1000, net.b(), 80)).story())
        .isEqualTo("nowhere: rpf");
    assertThat(reason(answer)).isEqualTo("refused_rst");
  }

  private String reason(byte[] fromB) {
    return io.sluice.kernel.layout.SluiceReason.name(
        harness.run(io.sluice.kernel.layout.SluiceHook.HOOK_IN, b, fromB, 0).reason());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void errorsAndMidflowPacketsAreJudgedLikewise(Family family) {
    Net net = Net.of(family);
    qos.allow(a, network(family), prefix(family));
    byte[] midflow = Traffic.TCP.packet(within(family), 9, net.b(), 80, Packet.ACK).build();
    assertThat(harness.send(a, midflow).story()).isEqualTo("stack: fallthrough");
    byte[] other = Traffic.TCP.packet(beside(family), 9, net.b(), 80, Packet.ACK).build();
    assertThat(harness.send(a, other).story()).isEqualTo("nowhere: rpf");
    harness.send(b, Traffic.UDP.first(net.b(), 5, net.a(), 6));
    byte[] quoted = Traffic.UDP.first(net.b(), 5, net.a(), 6);
    int type = family == Family.IPV4 ? 3 : 1;
    byte[] router =
        PacketBuilder.from(within(family), net.b()).icmpError(type, 1, quoted, 64).build();
    assertThat(harness.send(a, router).place()).as("a router behind a").isEqualTo("b");
    byte[] stranger =
        PacketBuilder.from(beside(family), net.b()).icmpError(type, 1, quoted, 64).build();
    assertThat(harness.send(a, stranger).story()).isEqualTo("nowhere: rpf");
  }
}
