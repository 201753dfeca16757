// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static io.sluice.kernel.net.NetlinkSocket.NLM_F_ACK;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_CREATE;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_DUMP;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_EXCL;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_REPLACE;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_REQUEST;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;

/** Neighbour messages (RTM_*NEIGH, struct ndmsg) to and from {@link Neighbour}. */
final class NeighbourCodec {
  static final int RTM_NEWNEIGH = 28;
  static final int RTM_DELNEIGH = 29;
  private static final int RTM_GETNEIGH = 30;

  private static final int HEADER = 12;
  private static final int NDA_DST = 1;
  private static final int NDA_LLADDR = 2;
  private static final int NDA_IFINDEX = 8;
  private static final int NDA_PROTOCOL = 12;

  private NeighbourCodec() {}

  /** The neighbour, or null for other families (the FDB of bridges and VXLAN). */
  static Neighbour parse(NetlinkSocket.Message message) {
    ByteBuffer in = message.payload();
    if (in.remaining() < HEADER || AddressFamily.parse(in.get(0) & 0xff) == null) {
      return null;
    }
    int index = in.getInt(4);
    int state = in.getShort(8) & 0xffff;
    int flags = in.get(10) & 0xff;
    Attributes all = new Attributes(in.position(HEADER));
    Ip address = all.ip(NDA_DST);
    return address == null
        ? null
        : new Neighbour(
            index, address, all.mac(NDA_LLADDR, Mac.ZERO), state, flags, all.u8(NDA_PROTOCOL, 0));
  }

  static MessageWriter dump(Family family, int ifindex) {
    MessageWriter message =
        header(new MessageWriter(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP), family, 0, 0, 0);
    return ifindex == 0 ? message : message.attribute(NDA_IFINDEX, ifindex);
  }

  static MessageWriter add(Neighbour neighbour, boolean replace) {
    int flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
    MessageWriter message = body(new MessageWriter(RTM_NEWNEIGH, flags), neighbour);
    if (!neighbour.mac().equals(Mac.ZERO)) {
      message.attribute(NDA_LLADDR, neighbour.mac().bytes());
    }
    if (neighbour.protocol() != 0) {
      message.byteAttribute(NDA_PROTOCOL, neighbour.protocol());
    }
    return message;
  }

  static MessageWriter delete(Neighbour neighbour) {
    return body(new MessageWriter(RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK), neighbour);
  }

  private static MessageWriter body(MessageWriter message, Neighbour neighbour) {
    Family family = neighbour.address().family();
    return header(message, family, neighbour.ifindex(), neighbour.state(), neighbour.flags())
        .attribute(NDA_DST, neighbour.address());
  }

  private static MessageWriter header(
      MessageWriter message, Family family, int ifindex, int state, int flags) {
    return message
        .u8(AddressFamily.of(family))
        .u8(0)
        .u16(0)
        .u32(ifindex)
        .u16(state)
        .u8(flags)
        .u8(0);
  }
}
