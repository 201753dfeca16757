// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Ip;

/** Keys of conntrack entries: which side of a tuple is side A, and who is whose twin. */
public final class FlowKeys {
  private FlowKeys() {}

  private static final int REVERSE_DIRECT = CtState.CT_NAT_REVERSE | CtState.CT_DIRECT;

  /** The key of the flow that a packet with this tuple belongs to. */
  public static CtKey of(CtTuple tuple, int proto) {
    return of(tuple.saddr(), tuple.sport(), tuple.daddr(), tuple.dport(), proto);
  }

  /** Side A is the lower (address, port), as memcmp has it: by unsigned bytes in network order. */
  public static CtKey of(Ip saddr, int sport, Ip daddr, int dport, int proto) {
    int order = saddr.compareTo(daddr);
    boolean sourceIsA = order != 0 ? order < 0 : sport <= dport;
    return sourceIsA
        ? new CtKey(saddr, daddr, sport, dport, proto, 0)
        : new CtKey(daddr, saddr, dport, sport, proto, 0);
  }

  /** Whether an entry is one of a pair. */
  public static boolean hasTwin(int state) {
    return (state & (CtState.CT_NAT_FORWARD | CtState.CT_NAT_REVERSE)) != 0;
  }

  /** The key of an entry's twin; only for an entry that has one. */
  public static CtKey twin(CtKey key, CtValue value) {
    CtKey twin = of(value.x(), key.proto());
    return (value.c().state() & REVERSE_DIRECT) == REVERSE_DIRECT ? direct(twin) : twin;
  }

  /** Whether what was found under a twin's key is the twin of that entry. */
  static boolean isTwin(CtKey key, CtValue value, CtKey of) {
    return hasTwin(value.c().state()) && twin(key, value).equals(of);
  }

  /** Approvals of one twin as the other has them: side A of one may be side B of the other. */
  static int ofTwin(int approvals, CtCommon own, CtCommon twin) {
    boolean sameSides = ((own.state() ^ twin.state()) & CtState.CT_OPENER_B) == 0;
    int others = approvals & ~(CtState.CT_APPROVED_A | CtState.CT_APPROVED_B);
    return sameSides
        ? approvals
        : others
            | (approvals & CtState.CT_APPROVED_A) << 1
            | (approvals & CtState.CT_APPROVED_B) >> 1;
  }

  /** The same tuple as the key of a flow that shares it with another's tracking entry. */
  public static CtKey direct(CtKey key) {
    return new CtKey(key.addr0(), key.addr1(), key.port0(), key.port1(), key.proto(), 1);
  }

  /** What stands for "no twin" in a judgement: an all-zero key of the same family. */
  public static CtKey none(CtKey key) {
    Ip any = Ip.any(key.addr0().family());
    return new CtKey(any, any, 0, 0, 0, 0);
  }
}
