// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Packets of a flow, for each kind of transport that services know. */
enum Traffic {
  TCP(Packet.TCP),
  UDP(Packet.UDP),
  UDP_WITHOUT_CHECKSUM(Packet.UDP),
  SCTP(Packet.SCTP);

  private final int proto;

  Traffic(int proto) {
    this.proto = proto;
  }

  int proto() {
    return proto;
  }

  /** Every kind in every family that has it. */
  static Stream<Arguments> inFamilies() {
    return Arrays.stream(Family.values())
        .flatMap(
            family ->
                Arrays.stream(values())
                    .filter(t -> t != UDP_WITHOUT_CHECKSUM || family == Family.IPV4)
                    .map(t -> Arguments.of(family, t)));
  }

  /** A packet with a TCP header's flags, where there is one. */
  PacketBuilder packet(Ip from, int fromPort, Ip to, int toPort, int tcpFlags) {
    PacketBuilder packet = PacketBuilder.from(from, to);
    return switch (this) {
      case TCP -> packet.tcp(fromPort, toPort, tcpFlags);
      case UDP -> packet.udp(fromPort, toPort).payloadLength(31);
      case UDP_WITHOUT_CHECKSUM -> packet.udp(fromPort, toPort).withoutChecksum().payloadLength(8);
      case SCTP -> packet.sctp(fromPort, toPort, 0x5107).payloadLength(100);
    };
  }

  /** Opens the flow. */
  byte[] first(Ip from, int fromPort, Ip to, int toPort) {
    return packet(from, fromPort, to, toPort, Packet.SYN).build();
  }

  /** The opened side's first packet. */
  byte[] answer(Ip from, int fromPort, Ip to, int toPort) {
    return packet(from, fromPort, to, toPort, Packet.SYN | Packet.ACK).build();
  }

  /** Any later packet. */
  byte[] next(Ip from, int fromPort, Ip to, int toPort) {
    int flags = Packet.ACK | Packet.PSH;
    return packet(from, fromPort, to, toPort, flags).payloadLength(123).build();
  }
}
