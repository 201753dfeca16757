// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Requests and answers about queueing disciplines: struct tcmsg and its attributes. */
final class QdiscCodec {
  private static final int RTM_NEWQDISC = 36;
  private static final int RTM_DELQDISC = 37;
  private static final int RTM_GETQDISC = 38;
  private static final int NLM_F_REPLACE = 0x100;
  private static final int NLM_F_CREATE = 0x400;
  private static final int HEADER = 20;
  private static final int ROOT = 0xffff_ffff;
  private static final int TCA_KIND = 1;
  private static final int TCA_OPTIONS = 2;
  private static final int TCA_TBF_PARMS = 1;
  private static final int TCA_TBF_RATE64 = 4;
  private static final int TCA_TBF_BURST = 6;

  /** struct tc_tbf_qopt: two struct tc_ratespec of 12 bytes, then limit, buffer and mtu. */
  private static final int TBF_PARMS = 36;

  private static final int RATE_AT = 8;
  private static final int LIMIT_AT = 24;
  private static final int LINKLAYER_ETHERNET = 1;
  private static final long MOST = 0xffff_ffffL;

  private QdiscCodec() {}

  private static MessageWriter header(int type, int flags, int ifindex, int handle, int parent) {
    return new MessageWriter(type, NetlinkSocket.NLM_F_REQUEST | flags)
        .u32(0)
        .u32(ifindex)
        .u32(handle)
        .u32(parent)
        .u32(0);
  }

  static MessageWriter dump() {
    return header(RTM_GETQDISC, NetlinkSocket.NLM_F_DUMP, 0, 0, 0);
  }

  /** Null for what is not at the root. */
  static RootQdisc parse(NetlinkSocket.Message message) {
    ByteBuffer payload = message.payload();
    if (message.type() != RTM_NEWQDISC
        || payload.remaining() < HEADER
        || payload.getInt(12) != ROOT) {
      return null;
    }
    int ifindex = payload.getInt(4);
    int handle = payload.getInt(8);
    Attributes attributes = new Attributes(payload.position(HEADER));
    String kind = attributes.text(TCA_KIND);
    long rate = 0;
    long limit = 0;
    if (kind.equals(RootQdisc.TBF)) {
      Attributes options = attributes.nested(TCA_OPTIONS);
      ByteBuffer parms =
          ByteBuffer.wrap(options.bytes(TCA_TBF_PARMS)).order(ByteOrder.nativeOrder());
      byte[] large = options.bytes(TCA_TBF_RATE64);
      if (parms.remaining() >= TBF_PARMS) {
        rate = Integer.toUnsignedLong(parms.getInt(RATE_AT));
        limit = Integer.toUnsignedLong(parms.getInt(LIMIT_AT));
      }
      if (large.length >= Long.BYTES) {
        rate = ByteBuffer.wrap(large).order(ByteOrder.nativeOrder()).getLong();
      }
    }
    return new RootQdisc(ifindex, handle, kind, rate, limit);
  }

  /**
   * @param rate bytes a second
   * @param burst bytes
   * @param limit bytes that may wait
   */
  static MessageWriter putTbf(int ifindex, int handle, long rate, long burst, long limit) {
    ByteBuffer parms = ByteBuffer.allocate(TBF_PARMS).order(ByteOrder.nativeOrder());
    parms.put(1, (byte) LINKLAYER_ETHERNET);
    parms.putInt(RATE_AT, (int) Math.min(rate, MOST));
    parms.putInt(LIMIT_AT, (int) Math.min(limit, MOST));
    byte[] large =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(rate).array();
    MessageWriter message =
        header(
                RTM_NEWQDISC,
                NetlinkSocket.NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
                ifindex,
                handle,
                ROOT)
            .attribute(TCA_KIND, RootQdisc.TBF);
    int options = message.begin(TCA_OPTIONS);
    message.attribute(TCA_TBF_PARMS, parms.array());
    message.attribute(TCA_TBF_RATE64, large);
    message.attribute(TCA_TBF_BURST, (int) Math.min(burst, MOST));
    return message.end(options);
  }

  static MessageWriter delete(int ifindex, int handle) {
    return header(RTM_DELQDISC, NetlinkSocket.NLM_F_ACK, ifindex, handle, ROOT);
  }
}
