// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Link messages (RTM_*LINK) to and from {@link Link}. */
final class LinkCodec {
  static final int RTM_NEWLINK = 16;
  static final int RTM_DELLINK = 17;
  static final int RTM_GETLINK = 18;

  static final int IFLA_ADDRESS = 1;
  static final int IFLA_IFNAME = 3;
  static final int IFLA_MTU = 4;
  static final int IFLA_MASTER = 10;
  static final int IFLA_IFALIAS = 20;
  static final int IFLA_NET_NS_FD = 28;

  private static final int HEADER = 16;
  private static final int IFLA_LINK = 5;
  private static final int IFLA_OPERSTATE = 16;
  private static final int IFLA_LINKINFO = 18;
  private static final int IFLA_EXT_MASK = 29;
  private static final int IFLA_LINK_NETNSID = 37;
  private static final int IFLA_INFO_KIND = 1;
  private static final int IFLA_INFO_DATA = 2;
  private static final int VETH_INFO_PEER = 1;
  private static final int IFLA_VXLAN_ID = 1;
  private static final int IFLA_VXLAN_LEARNING = 7;
  private static final int IFLA_VXLAN_PORT = 15;
  private static final int IFLA_VXLAN_UDP_ZERO_CSUM6_RX = 20;
  private static final int IFLA_VXLAN_COLLECT_METADATA = 25;

  /** Options that a plain flow-based device has not, by IFLA_VXLAN_*; off if absent or zero. */
  private static final Map<Integer, String> VXLAN_OPTIONS =
      Map.ofEntries(
          Map.entry(2, "group"),
          Map.entry(3, "dev"),
          Map.entry(4, "local"),
          Map.entry(11, "proxy"),
          Map.entry(12, "rsc"),
          Map.entry(13, "l2miss"),
          Map.entry(14, "l3miss"),
          Map.entry(16, "group6"),
          Map.entry(17, "local6"),
          Map.entry(21, "remcsumtx"),
          Map.entry(22, "remcsumrx"),
          Map.entry(30, "vnifilter"));

  /** The same, as attributes without a value. */
  private static final Map<Integer, String> VXLAN_FLAGS = Map.of(23, "gbp", 27, "gpe");

  private static final int RTEXT_FILTER_SKIP_STATS = 8;

  private LinkCodec() {}

  /** The link, or null for messages of other families (bridge ports, IPv6 settings). */
  static Link parse(NetlinkSocket.Message message) {
    ByteBuffer in = message.payload();
    if (in.remaining() < HEADER || in.get(0) != 0) {
      return null;
    }
    int index = in.getInt(4);
    int flags = in.getInt(8);
    Attributes all = new Attributes(in.position(HEADER));
    Attributes info = all.nested(IFLA_LINKINFO);
    String kind = info.text(IFLA_INFO_KIND);
    return new Link(
        index,
        all.text(IFLA_IFNAME),
        kind,
        all.mac(IFLA_ADDRESS, Mac.ZERO),
        all.u32(IFLA_MTU, 0),
        flags,
        all.u8(IFLA_OPERSTATE, 0),
        all.u32(IFLA_LINK, 0),
        all.u32(IFLA_LINK_NETNSID, -1),
        all.u32(IFLA_MASTER, 0),
        all.text(IFLA_IFALIAS),
        kind.equals("vxlan") ? vxlan(info.nested(IFLA_INFO_DATA)) : null);
  }

  private static Link.Vxlan vxlan(Attributes data) {
    return new Link.Vxlan(
        data.u32(IFLA_VXLAN_ID, 0),
        data.netShort(IFLA_VXLAN_PORT, 0),
        data.u8(IFLA_VXLAN_COLLECT_METADATA, 0) != 0,
        data.u8(IFLA_VXLAN_LEARNING, 0) != 0,
        data.u8(IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 0) != 0,
        vxlanOptions(data));
  }

  private static Set<String> vxlanOptions(Attributes data) {
    Set<String> options = new HashSet<>();
    VXLAN_OPTIONS.forEach(
        (type, name) -> {
          for (byte value : data.bytes(type)) {
            if (value != 0) {
              options.add(name);
            }
          }
        });
    VXLAN_FLAGS.forEach(
        (type, name) -> {
          if (data.has(type)) {
            options.add(name);
          }
        });
    return options;
  }

  static MessageWriter dump() {
    return new MessageWriter(RTM_GETLINK, NetlinkSocket.NLM_F_REQUEST | NetlinkSocket.NLM_F_DUMP)
        .linkHeader(0, 0, 0)
        .attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  }

  static MessageWriter get(int index) {
    return new MessageWriter(RTM_GETLINK, NetlinkSocket.NLM_F_REQUEST | NetlinkSocket.NLM_F_ACK)
        .linkHeader(index, 0, 0)
        .attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  }

  static MessageWriter get(String name) {
    return get(0).attribute(IFLA_IFNAME, name);
  }

  private static MessageWriter create(String name) {
    return new MessageWriter(
            RTM_NEWLINK,
            NetlinkSocket.NLM_F_REQUEST
                | NetlinkSocket.NLM_F_ACK
                | NetlinkSocket.NLM_F_CREATE
                | NetlinkSocket.NLM_F_EXCL)
        .linkHeader(0, 0, 0)
        .attribute(IFLA_IFNAME, name);
  }

  /** Peer namespace -1: the same one. */
  static MessageWriter createVeth(String name, int mtu, String peer, int peerNetnsFd) {
    MessageWriter message = create(name);
    if (mtu > 0) {
      message.attribute(IFLA_MTU, mtu);
    }
    int info = message.begin(IFLA_LINKINFO);
    message.attribute(IFLA_INFO_KIND, "veth");
    int data = message.begin(IFLA_INFO_DATA);
    int nested = message.begin(VETH_INFO_PEER);
    message.linkHeader(0, 0, 0).attribute(IFLA_IFNAME, peer);
    if (mtu > 0) {
      message.attribute(IFLA_MTU, mtu);
    }
    if (peerNetnsFd >= 0) {
      message.attribute(IFLA_NET_NS_FD, peerNetnsFd);
    }
    return message.end(nested).end(data).end(info);
  }

  static MessageWriter createVxlan(String name, int port, int mtu) {
    MessageWriter message = create(name);
    if (mtu > 0) {
      message.attribute(IFLA_MTU, mtu);
    }
    int info = message.begin(IFLA_LINKINFO);
    message.attribute(IFLA_INFO_KIND, "vxlan");
    int data = message.begin(IFLA_INFO_DATA);
    message
        .byteAttribute(IFLA_VXLAN_COLLECT_METADATA, 1)
        .byteAttribute(IFLA_VXLAN_LEARNING, 0)
        .byteAttribute(IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1)
        .netShortAttribute(IFLA_VXLAN_PORT, port);
    return message.end(data).end(info);
  }

  static MessageWriter delete(int index) {
    return new MessageWriter(RTM_DELLINK, NetlinkSocket.NLM_F_REQUEST | NetlinkSocket.NLM_F_ACK)
        .linkHeader(index, 0, 0);
  }

  static MessageWriter change(int index, int flags, int mask) {
    return new MessageWriter(RTM_NEWLINK, NetlinkSocket.NLM_F_REQUEST | NetlinkSocket.NLM_F_ACK)
        .linkHeader(index, flags, mask);
  }
}
