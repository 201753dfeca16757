// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.packet;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Builds Ethernet frames with an IP packet, all lengths and checksums right unless told otherwise.
 * Ports and numbers are plain, bytes come out in network order. Methods change this builder; a
 * builder may build several times.
 */
public final class PacketBuilder {
  static final int ETHERNET_SIZE = 14;
  private static final byte[] DEFAULT_MACS =
      new byte[] {
        (byte) 0xee,
        (byte) 0xee,
        (byte) 0xee,
        (byte) 0xee,
        (byte) 0xee,
        (byte) 0xee, // to
        0x02,
        0,
        0,
        0,
        0,
        1 // from
      };

  private record ExtensionHeader(int type, byte[] body) {}

  private final Ip source;
  private final Ip destination;
  private byte[] macs = DEFAULT_MACS;
  private int ttl = 64;
  private int trafficClass;
  private int identification = 0x1234;
  private int fragment;
  private byte[] options = new byte[0];
  private final List<ExtensionHeader> extensions = new ArrayList<>();
  private int proto = 59; // IPv6's "no next header"; to IPv4 a protocol like any other
  private byte[] transport = new byte[0];
  private byte[] payload = new byte[0];
  private boolean noChecksum;
  private int cut = Integer.MAX_VALUE;
  private int trailing;

  private PacketBuilder(Ip source, Ip destination) {
    if (source.family() != destination.family()) {
      throw new IllegalArgumentException(source + " and " + destination + " are of two families");
    }
    this.source = source;
    this.destination = destination;
  }

  /** A packet between two addresses of one family. */
  public static PacketBuilder from(Ip source, Ip destination) {
    return new PacketBuilder(source, destination);
  }

  /** A packet between two addresses of one family, given as literals. */
  public static PacketBuilder from(String source, String destination) {
    return new PacketBuilder(Ip.parse(source), Ip.parse(destination));
  }

  private Family family() {
    return source.family();
  }

  /** Sets both MAC addresses, 6 bytes each. */
  public PacketBuilder macs(byte[] from, byte[] to) {
    macs = ByteBuffer.allocate(12).put(to, 0, 6).put(from, 0, 6).array();
    return this;
  }

  /** TTL or hop limit. */
  public PacketBuilder ttl(int hops) {
    ttl = hops;
    return this;
  }

  /** The whole octet: DSCP and ECN. */
  public PacketBuilder trafficClass(int octet) {
    trafficClass = octet;
    return this;
  }

  /** IPv4 options, padded to a multiple of 4 bytes; at most 40. */
  public PacketBuilder ipv4Options(byte... bytes) {
    if (family() != Family.IPV4 || bytes.length > 40) {
      throw new IllegalArgumentException("up to 40 bytes of options, in IPv4");
    }
    options = Arrays.copyOf(bytes, (bytes.length + 3) / 4 * 4);
    return this;
  }

  /**
   * Adds an IPv6 extension header, in the order of calls.
   *
   * @param type 0 hop-by-hop, 43 routing, 60 destination options, 51 authentication, 44 fragment
   * @param body what follows the two bytes of next header and length; padded with zeroes (Pad1)
   */
  public PacketBuilder extensionHeader(int type, byte... body) {
    if (family() != Family.IPV6) {
      throw new IllegalArgumentException("extension headers are IPv6's");
    }
    extensions.add(new ExtensionHeader(type, body));
    return this;
  }

  /**
   * Makes it a fragment; the transport header is there all the same, and its checksum is that of
   * the packet as if it were whole.
   *
   * @param offset in units of 8 bytes
   */
  public PacketBuilder fragment(int offset, boolean more) {
    if (family() == Family.IPV4) {
      fragment = offset | (more ? 0x2000 : 0);
    } else {
      int field = offset << 3 | (more ? 1 : 0);
      extensionHeader(
          44, (byte) (field >> 8), (byte) field, (byte) 0, (byte) 0, (byte) 0, (byte) 7);
    }
    return this;
  }

  /** Sets the "do not fragment" bit of IPv4. */
  public PacketBuilder dontFragment() {
    fragment |= 0x4000;
    return this;
  }

  /**
   * A TCP header without options.
   *
   * @param flags bits of {@link Packet}'s TCP constants
   */
  public PacketBuilder tcp(int sourcePort, int destinationPort, int flags, int seq, int ack) {
    ByteBuffer b = ByteBuffer.allocate(20);
    b.putShort((short) sourcePort).putShort((short) destinationPort).putInt(seq).putInt(ack);
    b.put((byte) 0x50).put((byte) flags).putShort((short) 64240);
    return transport(Packet.TCP, b.array());
  }

  /** A TCP header without options, with numbers of no meaning. */
  public PacketBuilder tcp(int sourcePort, int destinationPort, int flags) {
    return tcp(sourcePort, destinationPort, flags, 1000, (flags & Packet.ACK) != 0 ? 2000 : 0);
  }

  /** A UDP header. */
  public PacketBuilder udp(int sourcePort, int destinationPort) {
    ByteBuffer b = ByteBuffer.allocate(8);
    b.putShort((short) sourcePort).putShort((short) destinationPort);
    return transport(Packet.UDP, b.array());
  }

  /** Leaves the UDP checksum zero: "none", for IPv4. */
  public PacketBuilder withoutChecksum() {
    noChecksum = true;
    return this;
  }

  /** An SCTP common header; chunks are the payload. */
  public PacketBuilder sctp(int sourcePort, int destinationPort, int tag) {
    ByteBuffer b = ByteBuffer.allocate(12);
    b.putShort((short) sourcePort).putShort((short) destinationPort).putInt(tag);
    return transport(Packet.SCTP, b.array());
  }

  /** An ICMP or ICMPv6 echo request. */
  public PacketBuilder echoRequest(int id, int sequence) {
    return icmp(family() == Family.IPV4 ? 8 : 128, 0, id << 16 | sequence & 0xffff);
  }

  /** An ICMP or ICMPv6 echo reply. */
  public PacketBuilder echoReply(int id, int sequence) {
    return icmp(family() == Family.IPV4 ? 0 : 129, 0, id << 16 | sequence & 0xffff);
  }

  /**
   * An ICMP or ICMPv6 message.
   *
   * @param rest the second word of its header
   */
  public PacketBuilder icmp(int type, int code, int rest) {
    ByteBuffer b = ByteBuffer.allocate(8);
    b.put((byte) type).put((byte) code).putShort((short) 0).putInt(rest);
    return transport(family() == Family.IPV4 ? Packet.ICMP : Packet.ICMPV6, b.array());
  }

  /**
   * An ICMP or ICMPv6 error about a packet.
   *
   * @param frame the packet that it quotes, with its Ethernet header, which is not quoted
   * @param most at most so many bytes of it, IP header included
   */
  public PacketBuilder icmpError(int type, int code, byte[] frame, int most) {
    int end = Math.min(frame.length, ETHERNET_SIZE + most);
    return icmp(type, code, 0).payload(Arrays.copyOfRange(frame, ETHERNET_SIZE, end));
  }

  /** Any protocol; what it carries is the payload. */
  public PacketBuilder protocol(int number) {
    return transport(number, new byte[0]);
  }

  private PacketBuilder transport(int number, byte[] header) {
    proto = number;
    transport = header;
    return this;
  }

  public PacketBuilder payload(byte... bytes) {
    payload = bytes;
    return this;
  }

  /** A payload of so many bytes, each different from the next. */
  public PacketBuilder payloadLength(int length) {
    payload = new byte[length];
    for (int i = 0; i < length; i++) {
      payload[i] = (byte) (i * 7 + 1);
    }
    return this;
  }

  /** Cuts the frame off after so many bytes; headers go on to tell the whole length. */
  public PacketBuilder cutTo(int length) {
    cut = length;
    return this;
  }

  /** Adds bytes behind the IP packet, as Ethernet pads short frames. */
  public PacketBuilder trailing(int bytes) {
    trailing = bytes;
    return this;
  }

  /** The frame. */
  public byte[] build() {
    byte[] body = body();
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.writeBytes(macs);
    frame.writeBytes(
        family() == Family.IPV4 ? new byte[] {8, 0} : new byte[] {(byte) 0x86, (byte) 0xdd});
    frame.writeBytes(family() == Family.IPV4 ? ipv4(body.length) : ipv6(body.length));
    frame.writeBytes(body);
    byte[] padding = new byte[trailing];
    Arrays.fill(padding, (byte) 0xdb);
    frame.writeBytes(padding);
    byte[] all = frame.toByteArray();
    return all.length > cut ? Arrays.copyOf(all, cut) : all;
  }

  /** Transport header with its checksum, and payload. */
  private byte[] body() {
    ByteBuffer b = ByteBuffer.allocate(transport.length + payload.length);
    b.put(transport).put(payload);
    byte[] bytes = b.array();
    int pseudo = Checksums.pseudo(source, destination, proto, bytes.length);
    switch (transport.length == 0 ? -1 : proto) {
      case Packet.TCP -> b.putShort(16, checksum(pseudo, bytes));
      case Packet.UDP -> {
        b.putShort(4, (short) bytes.length);
        short check = checksum(pseudo, bytes);
        b.putShort(6, noChecksum ? 0 : check == 0 ? (short) 0xffff : check);
      }
      case Packet.ICMP -> b.putShort(2, checksum(0, bytes));
      case Packet.ICMPV6 -> b.putShort(2, checksum(pseudo, bytes));
      case Packet.SCTP -> b.putInt(8, Checksums.crc32c(bytes, 0, bytes.length));
      default -> {}
    }
    return bytes;
  }

  private static short checksum(int pseudo, byte[] bytes) {
    int sum = Checksums.fold((long) pseudo + Checksums.sum(bytes, 0, bytes.length));
    return (short) Checksums.complement(sum);
  }

  private byte[] ipv4(int bodyLength) {
    int header = 20 + options.length;
    ByteBuffer b = ByteBuffer.allocate(header);
    b.put((byte) (0x40 | header / 4)).put((byte) trafficClass);
    b.putShort((short) (header + bodyLength)).putShort((short) identification);
    b.putShort((short) fragment).put((byte) ttl).put((byte) proto).putShort((short) 0);
    b.put(source.bytes()).put(destination.bytes()).put(options);
    b.putShort(10, (short) Checksums.complement(Checksums.sum(b.array(), 0, header)));
    return b.array();
  }

  private byte[] ipv6(int bodyLength) {
    ByteArrayOutputStream chain = new ByteArrayOutputStream();
    for (int i = 0; i < extensions.size(); i++) {
      int next = i + 1 < extensions.size() ? extensions.get(i + 1).type() : proto;
      chain.writeBytes(extension(extensions.get(i), next));
    }
    ByteBuffer b = ByteBuffer.allocate(40 + chain.size());
    b.putInt(0x60000000 | trafficClass << 20 | 0x12345);
    b.putShort((short) (chain.size() + bodyLength));
    b.put((byte) (extensions.isEmpty() ? proto : extensions.get(0).type())).put((byte) ttl);
    b.put(source.bytes()).put(destination.bytes()).put(chain.toByteArray());
    return b.array();
  }

  private static byte[] extension(ExtensionHeader header, int next) {
    // Lengths count units of 8 bytes without the first; authentication's of 4 without two.
    int unit = header.type() == 51 ? 4 : 8;
    int size = Math.max(8, (2 + header.body().length + unit - 1) / unit * unit);
    ByteBuffer b = ByteBuffer.allocate(size);
    int length = header.type() == 51 ? size / 4 - 2 : header.type() == 44 ? 0 : size / 8 - 1;
    return b.put((byte) next).put((byte) length).put(header.body()).array();
  }
}
