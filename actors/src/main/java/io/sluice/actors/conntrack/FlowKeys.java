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
