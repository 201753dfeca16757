// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtIfindex;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.policy.PacketView;

/**
 * A flow as its tracking entry tells of it, and the packets by which policies know it: those of the
 * side that opened it.
 */
record Opened(CtKey key, CtValue value) {
  private static final int PROTO_ICMP = 1;
  private static final int PROTO_ICMPV6 = 58;
  private static final int ECHO_REQUEST = 8;
  private static final int ECHO_REQUEST6 = 128;

  int state() {
    return value.c().state();
  }

  boolean has(int bit) {
    return (state() & bit) != 0;
  }

  static int opener(int state) {
    return (state & CtState.CT_OPENER_B) != 0 ? 1 : 0;
  }

  /** The side that opened it: 0 is A. */
  int opener() {
    return opener(state());
  }

  int ifindex(int side) {
    CtCommon c = value.c();
    return side == 0 ? c.ifindex0() : c.ifindex1();
  }

  /** Whether a side is this node's stack, or whatever lies behind it. */
  boolean isStack(int side) {
    return ifindex(side) == CtIfindex.CT_IF_STACK;
  }

  /** Whether another node's backend gets it, untranslated. */
  private boolean isForwarded() {
    return has(CtState.CT_FORWARD) && !FlowKeys.hasTwin(state());
  }

  /** Source and destination behind all translation. */
  CtTuple behind() {
    int opener = opener();
    boolean known = isForwarded() && !value.x().daddr().isAny();
    return new CtTuple(
        opener == 0 ? key.addr0() : key.addr1(),
        known ? value.x().daddr() : opener == 0 ? key.addr1() : key.addr0(),
        opener == 0 ? key.port0() : key.port1(),
        known ? value.x().dport() : opener == 0 ? key.port1() : key.port0());
  }

  /** Source and destination as the opener sends them. */
  CtTuple asSent() {
    if (has(CtState.CT_NAT_REVERSE)) {
      CtTuple answers = value.x();
      return new CtTuple(answers.daddr(), answers.saddr(), answers.dport(), answers.sport());
    }
    int opener = opener();
    return new CtTuple(
        opener == 0 ? key.addr0() : key.addr1(),
        opener == 0 ? key.addr1() : key.addr0(),
        opener == 0 ? key.port0() : key.port1(),
        opener == 0 ? key.port1() : key.port0());
  }

  /** As sent, to its backend: what the program sees that picks this. */
  CtTuple toBackend() {
    CtTuple sent = asSent();
    CtTuple behind = behind();
    return new CtTuple(sent.saddr(), behind.daddr(), sent.sport(), behind.dport());
  }

  /** The packet that opened it. */
  PacketView packet(CtTuple tuple, int flags) {
    int icmpType =
        switch (key.proto()) {
          case PROTO_ICMP -> ECHO_REQUEST;
          case PROTO_ICMPV6 -> ECHO_REQUEST6;
          default -> 0;
        };
    return new PacketView(
        flags,
        key.proto(),
        tuple.saddr(),
        tuple.sport(),
        tuple.daddr(),
        tuple.dport(),
        icmpType,
        0);
  }
}
