// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static io.sluice.kernel.net.NetlinkSocket.NLM_F_ACK;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_CREATE;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_DUMP;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_EXCL;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_REPLACE;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_REQUEST;

import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;

/** Address messages (RTM_*ADDR, struct ifaddrmsg) to and from {@link Address}. */
final class AddressCodec {
  static final int RTM_NEWADDR = 20;
  static final int RTM_DELADDR = 21;
  private static final int RTM_GETADDR = 22;

  private static final int HEADER = 8;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int IFA_FLAGS = 8;
  private static final int IFA_PROTO = 11;

  private AddressCodec() {}

  /** The address, or null for other families. */
  static Address parse(NetlinkSocket.Message message) {
    ByteBuffer in = message.payload();
    if (in.remaining() < HEADER || AddressFamily.parse(in.get(0) & 0xff) == null) {
      return null;
    }
    int prefix = in.get(1) & 0xff;
    int flags = in.get(2) & 0xff;
    int scope = in.get(3) & 0xff;
    int index = in.getInt(4);
    Attributes all = new Attributes(in.position(HEADER));
    // With a peer, IFA_ADDRESS is the peer's and IFA_LOCAL ours; without, IPv6 has only the first.
    Ip ip = all.has(IFA_LOCAL) ? all.ip(IFA_LOCAL) : all.ip(IFA_ADDRESS);
    return ip == null
        ? null
        : new Address(index, ip, prefix, scope, all.u32(IFA_FLAGS, flags), all.u8(IFA_PROTO, 0));
  }

  static MessageWriter dump(int ifindex) {
    return new MessageWriter(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP)
        .u8(AddressFamily.UNSPEC)
        .u8(0)
        .u8(0)
        .u8(0)
        .u32(ifindex);
  }

  static MessageWriter add(Address address, boolean replace) {
    int flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
    MessageWriter message =
        body(new MessageWriter(RTM_NEWADDR, flags), address)
            .attribute(IFA_FLAGS, address.flags() & ~Address.FLAG_PERMANENT);
    if (address.protocol() != 0) {
      message.byteAttribute(IFA_PROTO, address.protocol());
    }
    return message;
  }

  static MessageWriter delete(Address address) {
    return body(new MessageWriter(RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK), address);
  }

  private static MessageWriter body(MessageWriter message, Address address) {
    return message
        .u8(AddressFamily.of(address.address().family()))
        .u8(address.prefix())
        .u8(0)
        .u8(address.scope())
        .u32(address.ifindex())
        .attribute(IFA_LOCAL, address.address())
        .attribute(IFA_ADDRESS, address.address());
  }
}
