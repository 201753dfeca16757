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

  /** The side that opened it: 0 is A. */
  int opener() {
    return has(CtState.CT_OPENER_B) ? 1 : 0;
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

  /** Source and destination as the key has them. */
  private CtTuple byKey() {
    return opener() == 0
        ? new CtTuple(key.addr0(), key.addr1(), key.port0(), key.port1())
        : new CtTuple(key.addr1(), key.addr0(), key.port1(), key.port0());
  }

  /** Source and destination behind all translation. */
  CtTuple behind() {
    CtTuple own = byKey();
    CtTuple backend = value.x();
    return isForwarded() && !backend.daddr().isAny()
        ? new CtTuple(own.saddr(), backend.daddr(), own.sport(), backend.dport())
        : own;
  }

  /** Source and destination as the opener sends them. */
  CtTuple asSent() {
    if (has(CtState.CT_NAT_REVERSE)) {
      CtTuple answers = value.x();
      return new CtTuple(answers.daddr(), answers.saddr(), answers.dport(), answers.sport());
    }
    return byKey();
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
