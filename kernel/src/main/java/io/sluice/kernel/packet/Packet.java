// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.packet;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * An IP packet, read from a frame or from an ICMP error's quotation. Reads what is there and judges
 * it: every checksum is computed anew.
 */
public final class Packet {
  public static final int ICMP = 1;
  public static final int TCP = 6;
  public static final int UDP = 17;
  public static final int ICMPV6 = 58;
  public static final int SCTP = 132;

  public static final int FIN = 0x01;
  public static final int SYN = 0x02;
  public static final int RST = 0x04;
  public static final int PSH = 0x08;
  public static final int ACK = 0x10;

  private final byte[] bytes;
  private final int start;
  private final boolean quoted;
  private final Family family;
  private Ip source;
  private Ip destination;
  private int ttl;
  private int proto;
  private int transport;
  private int end;
  private boolean whole;
  private final List<String> problems = new ArrayList<>();

  private Packet(byte[] bytes, int start, boolean quoted, Family family) {
    this.bytes = bytes;
    this.start = start;
    this.quoted = quoted;
    this.family = family;
  }

  /**
   * Reads a frame with an Ethernet header.
   *
   * @throws IllegalArgumentException if there is no IP header in it, or it is cut off
   */
  public static Packet parse(byte[] frame) {
    if (frame.length < PacketBuilder.ETHERNET_SIZE) {
      throw new IllegalArgumentException("a frame of " + frame.length + " bytes");
    }
    int type = ByteBuffer.wrap(frame).getShort(12) & 0xffff;
    if (type != 0x0800 && type != 0x86dd) {
      throw new IllegalArgumentException("a frame of type 0x" + Integer.toHexString(type));
    }
    Family family = type == 0x0800 ? Family.IPV4 : Family.IPV6;
    return new Packet(frame, PacketBuilder.ETHERNET_SIZE, false, family).read();
  }

  private Packet read() {
    int header = family == Family.IPV4 ? 20 : 40;
    if (bytes.length < start + header) {
      throw new IllegalArgumentException("an IP header cut off");
    }
    if (u8(start) >> 4 != family.number()) {
      throw new IllegalArgumentException("IP version " + (u8(start) >> 4));
    }
    return family == Family.IPV4 ? readIpv4() : readIpv6();
  }

  private Packet readIpv4() {
    int header = (u8(start) & 15) * 4;
    source = address(start + 12);
    destination = address(start + 16);
    ttl = u8(start + 8);
    proto = u8(start + 9);
    transport = start + header;
    finish(start + u16(start + 2));
    if (header < 20 || transport > bytes.length) {
      problems.add("IPv4 header of " + header + " bytes");
    } else if (Checksums.sum(bytes, start, header) != 0xffff) {
      problems.add("IPv4 header checksum");
    }
    return judgeTransport();
  }

  private Packet readIpv6() {
    source = address(start + 8);
    destination = address(start + 24);
    ttl = u8(start + 7);
    proto = u8(start + 6);
    transport = start + 40;
    finish(transport + u16(start + 4));
    while (proto == 0 || proto == 43 || proto == 60 || proto == 51 || proto == 44) {
      if (transport + 2 > end) {
        problems.add("extension header cut off");
        break;
      }
      int length = u8(transport + 1);
      int size = proto == 51 ? (length + 2) * 4 : proto == 44 ? 8 : (length + 1) * 8;
      proto = u8(transport);
      transport += size;
    }
    return judgeTransport();
  }

  private void finish(int stated) {
    whole = stated <= bytes.length;
    end = Math.min(stated, bytes.length);
    if (!whole && !quoted) {
      problems.add("cut off: " + (stated - bytes.length) + " bytes are missing");
    }
  }

  private Packet judgeTransport() {
    int length = end - transport;
    if (transportSize() > length && !quoted) {
      problems.add("transport header cut off");
    }
    if (transportSize() > length || !whole) {
      return this;
    }
    int pseudo = Checksums.pseudo(source, destination, proto, length);
    boolean good =
        switch (proto) {
          case TCP -> sumsUp(pseudo, length);
          case UDP ->
              family == Family.IPV4 && u16(transport + 6) == 0
                  || u16(transport + 6) != 0 && sumsUp(pseudo, length);
          case ICMP -> family == Family.IPV6 || sumsUp(0, length);
          case ICMPV6 -> family == Family.IPV4 || sumsUp(pseudo, length);
          case SCTP -> crcIsRight(length);
          default -> true;
        };
    if (!good) {
      problems.add(protocolName() + " checksum");
    }
    return this;
  }

  private boolean sumsUp(int pseudo, int length) {
    return Checksums.fold((long) pseudo + Checksums.sum(bytes, transport, length)) == 0xffff;
  }

  private boolean crcIsRight(int length) {
    byte[] zeroed = Arrays.copyOfRange(bytes, transport, transport + length);
    Arrays.fill(zeroed, 8, 12, (byte) 0);
    return Checksums.crc32c(zeroed, 0, length) == i32(transport + 8);
  }

  private int transportSize() {
    return switch (proto) {
      case TCP -> 20;
      case SCTP -> 12;
      case UDP, ICMP, ICMPV6 -> 8;
      default -> 0;
    };
  }

  private int u8(int at) {
    return bytes[at] & 0xff;
  }

  private int u16(int at) {
    return u8(at) << 8 | u8(at + 1);
  }

  private int i32(int at) {
    return u16(at) << 16 | u16(at + 2);
  }

  private Ip address(int at) {
    return Ip.of(Arrays.copyOfRange(bytes, at, at + family.bytes()));
  }

  public Family family() {
    return family;
  }

  public Ip source() {
    return source;
  }

  public Ip destination() {
    return destination;
  }

  /** TTL or hop limit. */
  public int ttl() {
    return ttl;
  }

  /** The transport protocol's number, extension headers skipped. */
  public int proto() {
    return proto;
  }

  private boolean hasPorts() {
    return (proto == TCP || proto == UDP || proto == SCTP) && transport + 4 <= end;
  }

  /** 0 if the protocol has no ports. */
  public int sourcePort() {
    return hasPorts() ? u16(transport) : 0;
  }

  /** 0 if the protocol has no ports. */
  public int destinationPort() {
    return hasPorts() ? u16(transport + 2) : 0;
  }

  /** 0 unless TCP. */
  public int tcpFlags() {
    return proto == TCP && transport + 20 <= end ? u8(transport + 13) : 0;
  }

  /** TCP's sequence number; 0 unless TCP. */
  public int sequence() {
    return proto == TCP && transport + 20 <= end ? i32(transport + 4) : 0;
  }

  /** TCP's acknowledgement number; 0 unless TCP. */
  public int acknowledgement() {
    return proto == TCP && transport + 20 <= end ? i32(transport + 8) : 0;
  }

  private boolean isIcmp() {
    int own = family == Family.IPV4 ? ICMP : ICMPV6;
    return proto == own && transport + 8 <= end;
  }

  /** Type of an ICMP or ICMPv6 message, -1 for others. */
  public int icmpType() {
    return isIcmp() ? u8(transport) : -1;
  }

  /** Code of an ICMP or ICMPv6 message, -1 for others. */
  public int icmpCode() {
    return isIcmp() ? u8(transport + 1) : -1;
  }

  /** The identifier of an echo; of no meaning in other messages; 0 unless ICMP. */
  public int icmpId() {
    return isIcmp() ? u16(transport + 4) : 0;
  }

  /** The transport checksum as it stands there; 0 if there is none. */
  public int checksum() {
    return switch (transport + transportSize() > end ? 0 : proto) {
      case TCP -> u16(transport + 16);
      case UDP -> u16(transport + 6);
      case ICMP, ICMPV6 -> u16(transport + 2);
      case SCTP -> i32(transport + 8);
      default -> 0;
    };
  }

  /** What follows the transport header and its options, up to the packet's end by its IP header. */
  public byte[] payload() {
    int header =
        proto == TCP && transport + 20 <= end ? (u8(transport + 12) >> 4) * 4 : transportSize();
    return Arrays.copyOfRange(bytes, Math.min(end, transport + header), end);
  }

  /** The packet that an ICMP error quotes; empty for all others, and if it quotes none. */
  public Optional<Packet> inner() {
    boolean error =
        family == Family.IPV4
            ? List.of(3, 4, 5, 11, 12).contains(icmpType())
            : icmpType() >= 0 && icmpType() < 128;
    byte[] quotation = payload();
    if (!error
        || quotation.length < (family == Family.IPV4 ? 20 : 40)
        || (quotation[0] & 0xff) >> 4 != family.number()) {
      return Optional.empty();
    }
    return Optional.of(new Packet(quotation, 0, true, family).read());
  }

  /** What is wrong with it: lengths, and every checksum that can be verified. Empty if nothing. */
  public List<String> problems() {
    List<String> all = new ArrayList<>(problems);
    inner().ifPresent(inner -> inner.problems().forEach(p -> all.add("quoted packet: " + p)));
    return all;
  }

  private String protocolName() {
    return switch (proto) {
      case TCP -> "TCP";
      case UDP -> "UDP";
      case ICMP -> "ICMP";
      case ICMPV6 -> "ICMPv6";
      case SCTP -> "SCTP";
      default -> "protocol " + proto;
    };
  }

  private String flagsText() {
    StringBuilder text = new StringBuilder();
    String letters = "FSRPAUEC";
    for (int i = 0; i < letters.length(); i++) {
      text.append((tcpFlags() & 1 << i) != 0 ? String.valueOf(letters.charAt(i)) : "");
    }
    return text.toString();
  }

  /** One line: protocol, addresses and ports, what matters of the rest, and what is wrong. */
  public String summary() {
    String left = hasPorts() ? endpoint(source, sourcePort()) : source.toString();
    String right = hasPorts() ? endpoint(destination, destinationPort()) : destination.toString();
    StringBuilder text = new StringBuilder();
    text.append(protocolName()).append(' ').append(left).append(" > ").append(right);
    if (proto == TCP) {
      text.append(" [").append(flagsText()).append(']');
    } else if (isIcmp()) {
      text.append(" type ").append(icmpType()).append(" code ").append(icmpCode());
    }
    text.append(" ttl ").append(ttl).append(" payload ").append(payload().length);
    inner().ifPresent(inner -> text.append(" {").append(inner.summary()).append('}'));
    problems.forEach(problem -> text.append(" BAD ").append(problem));
    return text.toString();
  }

  private static String endpoint(Ip address, int port) {
    return address.family() == Family.IPV4 ? address + ":" + port : "[" + address + "]:" + port;
  }

  /** What differs between two packets, a line for each; empty if nothing but padding does. */
  public static String difference(Packet a, Packet b) {
    StringBuilder text = new StringBuilder();
    compare(text, "source", a.source, b.source);
    compare(text, "destination", a.destination, b.destination);
    compare(text, "protocol", a.proto, b.proto);
    compare(text, "source port", a.sourcePort(), b.sourcePort());
    compare(text, "destination port", a.destinationPort(), b.destinationPort());
    compare(text, "ttl", a.ttl, b.ttl);
    compare(text, "TCP flags", a.flagsText(), b.flagsText());
    compare(text, "sequence", a.sequence(), b.sequence());
    compare(text, "acknowledgement", a.acknowledgement(), b.acknowledgement());
    compare(text, "ICMP type", a.icmpType(), b.icmpType());
    compare(text, "ICMP code", a.icmpCode(), b.icmpCode());
    compare(text, "ICMP identifier", a.icmpId(), b.icmpId());
    compare(text, "problems", a.problems(), b.problems());
    if (a.inner().isPresent() && b.inner().isPresent()) {
      String inner = difference(a.inner().get(), b.inner().get());
      text.append(inner.isEmpty() ? "" : inner.replaceAll("(?m)^", "quoted "));
    } else if (!Arrays.equals(a.payload(), b.payload())) {
      int at = Arrays.mismatch(a.payload(), b.payload());
      text.append("payload: from byte ").append(at).append(", lengths ");
      text.append(a.payload().length).append(" and ").append(b.payload().length).append('\n');
    }
    return text.toString();
  }

  private static void compare(StringBuilder text, String what, Object a, Object b) {
    if (!a.equals(b)) {
      text.append(what).append(": ").append(a).append(" and ").append(b).append('\n');
    }
  }

  @Override
  public String toString() {
    return summary();
  }
}
