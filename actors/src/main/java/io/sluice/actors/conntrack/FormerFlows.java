// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.actors.conntrack.Handovers.Handover;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * One pass over a conntrack table that ends flows with addresses of which the owner is another by
 * now, or nobody: {@link #visit} each entry, then {@link #judge}. What was made after an address
 * changed hands is left alone, and so is whatever has none of these addresses.
 */
final class FormerFlows {
  private static final int PROTO_TCP = 6;
  private static final int PAIR = CtState.CT_NAT_FORWARD | CtState.CT_NAT_REVERSE;
  private static final int TORN_DOWN = CtState.CT_REVOKED | CtState.CT_RST_A | CtState.CT_RST_B;

  private final Codec<CtKey> keys;
  private final Codec<CtValue> values;
  private final boolean wide;
  private final Handovers handovers;
  private final Liveness clock;
  private final int now;
  private final Set<Integer> workloads;
  private final int room;
  private final List<Former> found = new ArrayList<>();
  private boolean complete = true;

  private record Former(CtKey key, CtValue value, boolean nobodys) {}

  /**
   * @param clock compares stamps
   * @param now jiffies
   * @param workloads ifindexes of this node's workloads, whose policy is asked anew
   * @param room most entries of one pass
   */
  FormerFlows(
      Family family,
      Handovers handovers,
      Liveness clock,
      int now,
      Set<Integer> workloads,
      int room) {
    this.keys = CtKey.codec(family);
    this.values = CtValue.codec(family);
    this.wide = family == Family.IPV6;
    this.handovers = handovers;
    this.clock = clock;
    this.now = now;
    this.workloads = workloads;
    this.room = room;
  }

  /** Takes note of an entry that is older than what has become of an address in it. */
  void visit(ByteBuffer someKeys, int keyAt, ByteBuffer someValues, int valueAt) {
    int common = valueAt + (wide ? CtValue.OFFSET6_C : CtValue.OFFSET4_C);
    int state = someValues.getInt(common + CtCommon.OFFSET_STATE);
    Handover own0 = handovers.find(someKeys, keyAt + addressAt(0));
    Handover own1 = handovers.find(someKeys, keyAt + addressAt(1));
    Handover other0 = null;
    Handover other1 = null;
    if ((state & PAIR) != 0) {
      int x = valueAt + (wide ? CtValue.OFFSET6_X : CtValue.OFFSET4_X);
      other0 =
          handovers.find(someValues, x + (wide ? CtTuple.OFFSET6_SADDR : CtTuple.OFFSET4_SADDR));
      other1 =
          handovers.find(someValues, x + (wide ? CtTuple.OFFSET6_DADDR : CtTuple.OFFSET4_DADDR));
    }
    if (own0 == null && own1 == null && other0 == null && other1 == null) {
      return;
    }
    int created = someValues.getInt(common + CtCommon.OFFSET_CREATED);
    boolean former = false;
    boolean nobodys = false;
    for (Handover handover : new Handover[] {own0, own1, other0, other1}) {
      if (handover != null && clock.age(now, created) >= clock.age(now, handover.at())) {
        former = true;
        nobodys |= handover.nobodys();
      }
    }
    if (former && (state & TORN_DOWN) != TORN_DOWN) {
      note(new Former(keys.decode(someKeys, keyAt), values.decode(someValues, valueAt), nobodys));
    }
  }

  private int addressAt(int side) {
    return side == 0
        ? wide ? CtKey.OFFSET6_ADDR0 : CtKey.OFFSET4_ADDR0
        : wide ? CtKey.OFFSET6_ADDR1 : CtKey.OFFSET4_ADDR1;
  }

  private void note(Former former) {
    if (found.size() < room) {
      found.add(former);
    } else {
      complete = false;
    }
  }

  /** Whether there was room for all. */
  boolean complete() {
    return complete;
  }

  /**
   * What the cleaner is to do.
   *
   * @param lookUp finds an entry of the same table
   */
  Map<CtKey, CtJudged> judge(Function<CtKey, Optional<CtValue>> lookUp) {
    Map<CtKey, CtJudged> judged = new HashMap<>();
    for (Former former : found) {
      CtKey key = former.key();
      CtCommon c = former.value().c();
      CtKey twinKey = FlowKeys.none(key);
      Optional<CtValue> twin = Optional.empty();
      if (FlowKeys.hasTwin(c.state())) {
        CtKey its = FlowKeys.twin(key, former.value());
        twin = lookUp.apply(its).filter(value -> FlowKeys.isTwin(its, value, key));
        if (twin.isPresent() && (c.state() & CtState.CT_NAT_FORWARD) != 0) {
          continue; // it stands for both
        }
        twinKey = twin.isPresent() ? its : twinKey;
      }
      // Somebody new may be speaking already: TCP, which another entry cannot be made for in
      // mid-flow, goes on if policy lets it.
      boolean asked = key.proto() == PROTO_TCP && !former.nobodys();
      int bits = asked ? asked(c) : 0;
      int twinBits = twin.map(value -> FlowKeys.ofTwin(bits, c, value.c())).orElse(0);
      int verdict = asked ? CtVerdict.CT_DENIED : CtVerdict.CT_ENDED;
      judged.put(key, new CtJudged(twinKey, c.created(), 0, bits, twinBits, verdict));
    }
    return judged;
  }

  /** What this node's own endpoints, and its host interfaces, have approved. */
  private int asked(CtCommon c) {
    return CtState.CT_EGRESS
        | (workloads.contains(c.ifindex0()) ? CtState.CT_APPROVED_A : 0)
        | (workloads.contains(c.ifindex1()) ? CtState.CT_APPROVED_B : 0);
  }
}
