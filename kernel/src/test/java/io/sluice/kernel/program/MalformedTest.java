// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Packets that are not what they should be: dropped and counted, or passed untouched. */
class MalformedTest extends ChainTest {
  private static final int IP = 14;

  private static byte[] changed(byte[] frame, Consumer<byte[]> change) {
    byte[] copy = frame.clone();
    change.accept(copy);
    return copy;
  }

  private void assertDropped(byte[] frame, String reason) {
    assertThat(harness.send(a, frame).story()).isEqualTo("nowhere: " + reason);
  }

  /** From the IP header's end on: the kernel refuses to test-run anything shorter. */
  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void cutOffAtEveryLength(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byte[] whole = traffic.packet(net.a(), 1000, net.b(), 80, Packet.SYN).payloadLength(9).build();
    int header = family == Family.IPV4 ? 20 : 40;
    for (int length = IP + header; length < whole.length; length++) {
      assertDropped(Arrays.copyOf(whole, length), "malformed");
    }
    assertThat(harness.entries(family)).isEmpty();
    assertThat(harness.send(a, whole).place()).isEqualTo("b");
  }

  @Test
  void lengthsAndVersionsOfIpv4() {
    Net net = Net.of(Family.IPV4);
    byte[] good = Traffic.TCP.first(net.a(), 1000, net.b(), 80);
    assertDropped(changed(good, f -> f[IP] = 0x65), "malformed");
    assertDropped(changed(good, f -> f[IP] = 0x44), "malformed");
    assertDropped(changed(good, f -> f[IP] = 0x4f), "malformed");
    assertDropped(changed(good, f -> f[IP + 3] = 19), "malformed");
    assertDropped(changed(good, f -> f[IP + 3] = 39), "malformed");
    assertDropped(changed(good, f -> f[IP + 3] = 41), "malformed");
    assertDropped(changed(good, f -> f[IP + 2] = 0x7f), "malformed");
    assertDropped(changed(good, f -> f[IP + 3] = 0), "malformed");
  }

  @Test
  void lengthsAndVersionsOfIpv6() {
    Net net = Net.of(Family.IPV6);
    byte[] good = Traffic.TCP.first(net.a(), 1000, net.b(), 80);
    assertDropped(changed(good, f -> f[IP] = 0x45), "malformed");
    assertDropped(changed(good, f -> f[IP + 5] = 19), "malformed");
    assertDropped(changed(good, f -> f[IP + 5] = 21), "malformed");
    assertDropped(changed(good, f -> f[IP + 4] = 0x7f), "malformed");
    assertDropped(changed(good, f -> f[IP + 5] = 0), "malformed");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void headerLengthsOfTcp(Family family) {
    Net net = Net.of(family);
    byte[] good = Traffic.TCP.first(net.a(), 1000, net.b(), 80);
    int dataOffset = good.length - 20 + 12;
    for (int words = 0; words < 16; words++) {
      int value = words << 4;
      byte[] frame = changed(good, f -> f[dataOffset] = (byte) value);
      if (words != 5) {
        assertDropped(frame, "malformed");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  void fragments(Family family, Traffic traffic) {
    Net net = Net.of(family);
    assertDropped(
        traffic.packet(net.a(), 1, net.b(), 80, Packet.SYN).fragment(0, true).build(), "fragment");
    assertDropped(
        traffic.packet(net.a(), 1, net.b(), 80, Packet.SYN).fragment(8, true).build(), "fragment");
    assertDropped(
        traffic.packet(net.a(), 1, net.b(), 80, Packet.SYN).fragment(8, false).build(), "fragment");
    if (family == Family.IPV4) {
      byte[] whole = traffic.packet(net.a(), 1, net.b(), 80, Packet.SYN).dontFragment().build();
      assertThat(harness.send(a, whole).place()).isEqualTo("b");
    }
  }

  @Test
  void extensionHeaders() {
    Net net = Net.of(Family.IPV6);
    for (int headers = 1; headers <= 8; headers++) {
      PacketBuilder packet = PacketBuilder.from(net.a(), net.b()).udp(1000 + headers, 80);
      for (int i = 0; i < headers; i++) {
        packet.extensionHeader(60, new byte[6]);
      }
      Life life = harness.send(a, packet.build());
      assertThat(life.story())
          .as(headers + " headers")
          .isIn("b: redirect to_pod", "nowhere: ext_headers");
      assertThat(life.place()).isEqualTo(headers <= 5 ? "b" : life.place());
      assertThat(life.place()).isEqualTo(headers >= 7 ? "nowhere" : life.place());
    }
    // A header that reaches beyond the packet, and one that ends with it.
    byte[] good =
        PacketBuilder.from(net.a(), net.b()).extensionHeader(60, new byte[6]).udp(1, 2).build();
    assertDropped(changed(good, f -> f[IP + 41] = (byte) 255), "malformed");
    assertDropped(changed(good, f -> f[IP + 41] = 1), "malformed");
    assertDropped(Arrays.copyOf(good, IP + 41), "malformed");
    // One that claims more than is looked at.
    byte[] large =
        PacketBuilder.from(net.a(), net.b())
            .extensionHeader(60, new byte[6])
            .udp(1, 2)
            .payloadLength(1800)
            .build();
    assertThat(harness.send(a, changed(large, f -> f[IP + 41] = (byte) 200)).place())
        .isNotEqualTo(Life.STACK);
  }

  @Test
  void otherProtocolsThanIp() {
    byte[] frame = Traffic.UDP.first(Net.of(Family.IPV4).a(), 1, Net.of(Family.IPV4).b(), 2);
    assertThat(harness.send(a, changed(frame, f -> f[13] = 6)).last().reason())
        .as("ARP")
        .isEqualTo(io.sluice.kernel.layout.SluiceReason.REASON_NOT_TRACKED);
    assertDropped(changed(frame, f -> f[12] = (byte) 0x81), "not_ip");
    assertDropped(changed(frame, f -> f[12] = (byte) 0x88), "not_ip");
    // The other family's type: the header does not match.
    assertDropped(
        changed(
            Arrays.copyOf(frame, 80),
            f -> {
              f[12] = (byte) 0x86;
              f[13] = (byte) 0xdd;
            }),
        "malformed");
  }

  @Test
  void neighbourDiscoveryPasses() {
    Net net = Net.of(Family.IPV6);
    for (int type : new int[] {133, 135, 136, 143}) {
      byte[] frame = PacketBuilder.from(net.a(), net.b()).icmp(type, 0, 0).build();
      Life life = harness.send(a, frame);
      assertThat(life.story()).isEqualTo("stack: not_tracked");
      assertThat(life.last().frame()).isEqualTo(frame);
    }
    assertThat(harness.entries(Family.IPV6)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void protocolsWithoutPortsAreFlowsOfAddresses(Family family) {
    Net net = Net.of(family);
    byte[] gre = PacketBuilder.from(net.a(), net.b()).protocol(47).payloadLength(50).build();
    assertThat(harness.send(a, gre).story()).isEqualTo("b: redirect to_pod");
    assertThat(harness.send(a, gre).story()).isEqualTo("b: peer");
    byte[] back = PacketBuilder.from(net.b(), net.a()).protocol(47).payloadLength(50).build();
    assertThat(harness.send(b, back).story()).isEqualTo("a: peer");
  }
}
