// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Builder and decoder check each other, and both are checked against packets from elsewhere. */
class PacketTest {
  /** An Ethernet and an IPv4 header whose checksum somebody else has computed. */
  private static final byte[] FOREIGN_HEADER =
      HexFormat.of()
          .parseHex("000000000000000000000000080045000073000040004011b861c0a80001c0a800c7");

  static Stream<PacketBuilder> packets() {
    return Stream.of("10.0.0.1 10.0.0.2", "fd00::1 fd00::2")
        .map(pair -> pair.split(" "))
        .flatMap(
            p ->
                Stream.of(
                    PacketBuilder.from(p[0], p[1]).tcp(1000, 80, Packet.SYN),
                    PacketBuilder.from(p[0], p[1]).tcp(1, 2, Packet.ACK).payloadLength(1461),
                    PacketBuilder.from(p[0], p[1]).udp(53, 5353).payloadLength(33),
                    PacketBuilder.from(p[0], p[1]).udp(0, 0),
                    PacketBuilder.from(p[0], p[1]).sctp(5, 6, 0xcafe).payloadLength(40),
                    PacketBuilder.from(p[0], p[1]).echoRequest(7, 1).payloadLength(56),
                    PacketBuilder.from(p[0], p[1]).echoReply(7, 1).trailing(20),
                    PacketBuilder.from(p[0], p[1]).protocol(47).payloadLength(20)));
  }

  @ParameterizedTest
  @MethodSource("packets")
  void everyByteCounts(PacketBuilder builder) {
    byte[] frame = builder.build();
    Packet packet = Packet.parse(frame);
    assertThat(packet.problems()).isEmpty();
    assertThat(Packet.difference(packet, packet)).isEmpty();
    if (packet.proto() == 47) {
      return;
    }
    byte[] payload = packet.payload();
    if (payload.length > 0) {
      byte[] changed = frame.clone();
      changed[54 + 14] ^= 0x10;
      assertThat(Packet.parse(changed).problems()).isNotEmpty();
    }
  }

  @Test
  void summariesAndDifferences() {
    Packet syn = Packet.parse(PacketBuilder.from("10.0.0.1", "10.0.0.2").tcp(1000, 80, 2).build());
    Packet ack =
        Packet.parse(
            PacketBuilder.from("10.0.0.1", "10.0.0.3").tcp(1000, 81, 0x10).ttl(63).build());
    assertThat(syn.summary()).isEqualTo("TCP 10.0.0.1:1000 > 10.0.0.2:80 [S] ttl 64 payload 0");
    assertThat(Packet.difference(syn, ack))
        .contains("destination: 10.0.0.2 and 10.0.0.3", "destination port: 80 and 81")
        .contains("ttl: 64 and 63", "TCP flags: S and A")
        .doesNotContain("source");
  }

  @Test
  void optionsAndExtensionHeaders() {
    Packet four =
        Packet.parse(
            PacketBuilder.from("10.0.0.1", "10.0.0.2")
                .ipv4Options(new byte[] {1, 1, 1, 1, 0})
                .tcp(1, 2, Packet.SYN)
                .build());
    assertThat(four.problems()).isEmpty();
    assertThat(four.destinationPort()).isEqualTo(2);
    Packet six =
        Packet.parse(
            PacketBuilder.from("fd00::1", "fd00::2")
                .extensionHeader(0, new byte[] {1, 4, 0, 0, 0, 0})
                .extensionHeader(60, new byte[20])
                .extensionHeader(51, new byte[10])
                .udp(1, 2)
                .payloadLength(5)
                .build());
    assertThat(six.problems()).isEmpty();
    assertThat(six.proto()).isEqualTo(Packet.UDP);
    assertThat(six.destinationPort()).isEqualTo(2);
    assertThat(six.payload()).hasSize(5);
  }

  @Test
  void errorsQuotePackets() {
    byte[] about =
        PacketBuilder.from("10.0.0.1", "10.0.0.2").udp(1000, 53).payloadLength(100).build();
    Packet error =
        Packet.parse(PacketBuilder.from("10.0.0.9", "10.0.0.1").icmpError(3, 3, about, 28).build());
    assertThat(error.problems()).isEmpty();
    assertThat(error.inner()).get().matches(inner -> inner.destinationPort() == 53);
    assertThat(error.summary())
        .isEqualTo(
            "ICMP 10.0.0.9 > 10.0.0.1 type 3 code 3 ttl 64 payload 28"
                + " {UDP 10.0.0.1:1000 > 10.0.0.2:53 ttl 64 payload 0}");
    about[14 + 8]--; // another TTL, and the quoted header's checksum no longer fits
    Packet wrong =
        Packet.parse(PacketBuilder.from("10.0.0.9", "10.0.0.1").icmpError(3, 3, about, 28).build());
    assertThat(wrong.problems()).containsExactly("quoted packet: IPv4 header checksum");
  }

  @Test
  void checksumsOfOthersAreRight() {
    assertThat(Packet.parse(FOREIGN_HEADER).problems())
        .containsExactly("cut off: 95 bytes are missing", "transport header cut off");
    // RFC 3720, B.4: 32 bytes of zeroes.
    assertThat(Checksums.crc32c(new byte[32], 0, 32)).isEqualTo(0xaa36918a);
  }

  @Test
  void refusesWhatHasNoIpHeader() {
    assertThatIllegalArgumentException().isThrownBy(() -> Packet.parse(new byte[10]));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Packet.parse(new byte[60]))
        .withMessage("a frame of type 0x0");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Packet.parse(
                    PacketBuilder.from("10.0.0.1", "10.0.0.2").udp(1, 2).cutTo(30).build()))
        .withMessage("an IP header cut off");
    assertThat(
            Packet.parse(PacketBuilder.from("::1", "::2").udp(1, 2).cutTo(60).build()).problems())
        .containsExactly("cut off: 2 bytes are missing", "transport header cut off");
  }
}
