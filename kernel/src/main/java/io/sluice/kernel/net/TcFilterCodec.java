// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import java.nio.ByteBuffer;

/** Requests and answers about traffic control's filters: struct tcmsg and its attributes. */
final class TcFilterCodec {
  private static final int RTM_NEWTFILTER = 44;
  private static final int RTM_GETTFILTER = 46;
  private static final int HEADER = 20;
  private static final int CLSACT_INGRESS = 0xffff_fff2;
  private static final int CLSACT_EGRESS = 0xffff_fff3;
  private static final int TCA_KIND = 1;
  private static final int TCA_OPTIONS = 2;
  private static final int TCA_BPF_NAME = 7;
  private static final int TCA_BPF_ID = 11;

  private TcFilterCodec() {}

  static MessageWriter dump(int ifindex, boolean ingress) {
    return new MessageWriter(RTM_GETTFILTER, NetlinkSocket.NLM_F_REQUEST | NetlinkSocket.NLM_F_DUMP)
        .u32(0)
        .u32(ifindex)
        .u32(0)
        .u32(ingress ? CLSACT_INGRESS : CLSACT_EGRESS)
        .u32(0);
  }

  /** Null for what is no filter, but the head of a chain of them. */
  static TcFilter parse(NetlinkSocket.Message message, boolean ingress) {
    ByteBuffer payload = message.payload();
    if (message.type() != RTM_NEWTFILTER || payload.remaining() < HEADER) {
      return null;
    }
    int handle = payload.getInt(8);
    int priority = payload.getInt(16) >>> 16;
    if (handle == 0) {
      return null;
    }
    Attributes attributes = new Attributes(payload.position(HEADER));
    Attributes options = attributes.nested(TCA_OPTIONS);
    String kind = attributes.text(TCA_KIND);
    boolean bpf = kind.equals("bpf");
    return new TcFilter(
        ingress,
        priority,
        handle,
        kind,
        bpf ? options.text(TCA_BPF_NAME) : "",
        bpf ? options.u32(TCA_BPF_ID, 0) : 0);
  }
}
