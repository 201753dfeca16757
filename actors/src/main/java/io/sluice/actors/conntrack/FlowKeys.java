// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Ip;

/** Keys of conntrack entries: which side of a tuple is side A, and who is whose twin. */
public final class FlowKeys {
  private FlowKeys() {}

  /** The key of the flow that a packet with this tuple belongs to. */
  public static CtKey of(CtTuple tuple, int proto) {
    return of(tuple.saddr(), tuple.sport(), tuple.daddr(), tuple.dport(), proto);
  }

  /** Side A is the lower (address, port), as memcmp has it: by unsigned bytes in network order. */
  public static CtKey of(Ip saddr, int sport, Ip daddr, int dport, int proto) {
    int order = saddr.compareTo(daddr);
    boolean sourceIsA = order != 0 ? order < 0 : sport <= dport;
    return sourceIsA
        ? new CtKey(saddr, daddr, sport, dport, proto)
        : new CtKey(daddr, saddr, dport, sport, proto);
  }

  /** Whether an entry is one of a pair. */
  public static boolean hasTwin(int state) {
    return (state & (CtState.CT_NAT_FORWARD | CtState.CT_NAT_REVERSE)) != 0;
  }

  /** The key of an entry's twin; only for an entry that has one. */
  public static CtKey twin(CtKey key, CtValue value) {
    return of(value.x(), key.proto());
  }

  /** What stands for "no twin" in a judgement: an all-zero key of the same family. */
  public static CtKey none(CtKey key) {
    Ip any = Ip.any(key.addr0().family());
    return new CtKey(any, any, 0, 0, 0);
  }
}
