// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Judge;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Sets;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * One pass over a conntrack table that asks policy anew about flows of some interfaces: {@link
 * #visit} each entry, then {@link #revoke}. Of a flow that is denied now, the approval of the
 * endpoint that denies it is taken back: the opener's next packet is asked, and until one is
 * allowed nothing of the flow passes there. So a judgement that is wrong costs that question, and
 * not the flow.
 */
final class FlowReview {
  private final Codec<CtKey> keys;
  private final Codec<CtValue> values;
  private final int commonAt;
  private final Map<Integer, Plans> plans;
  private final HostReview hosts;
  private final Sets sets;
  private final Predicate<Ip> isHost;
  private final List<Denied> denied = new ArrayList<>();

  private record Denied(CtKey key, CtValue value, int bits) {}

  /**
   * @param plans of workloads, by ifindex
   * @param hosts of host interfaces, by ifindex
   * @param isHost whether an address is this node's own
   */
  FlowReview(
      Family family,
      Map<Integer, Plans> plans,
      Map<Integer, Plans> hosts,
      Sets sets,
      Predicate<Ip> isHost) {
    this.keys = CtKey.codec(family);
    this.values = CtValue.codec(family);
    this.commonAt = family == Family.IPV4 ? CtValue.OFFSET4_C : CtValue.OFFSET6_C;
    this.plans = plans;
    this.hosts = new HostReview(hosts, sets, isHost);
    this.sets = sets;
    this.isHost = isHost;
  }

  /** Judges an entry, if it is of one of the interfaces; makes objects of no other. */
  void visit(ByteBuffer someKeys, int keyAt, ByteBuffer someValues, int valueAt) {
    int common = valueAt + commonAt;
    int state = someValues.getInt(common + CtCommon.OFFSET_STATE);
    if ((state & CtState.CT_NAT_FORWARD) != 0) {
      return; // its twin stands for both
    }
    int ifindex0 = someValues.getInt(common + CtCommon.OFFSET_IFINDEX0);
    int ifindex1 = someValues.getInt(common + CtCommon.OFFSET_IFINDEX1);
    boolean ofHosts = hosts.concerns(state, ifindex0, ifindex1);
    if (!ofHosts && !plans.containsKey(ifindex0) && !plans.containsKey(ifindex1)) {
      return;
    }
    Opened flow = new Opened(keys.decode(someKeys, keyAt), values.decode(someValues, valueAt));
    int bits = ofHosts ? hosts.denied(flow) : 0;
    for (int side = 0; side < 2; side++) {
      Plans its = plans.get(flow.ifindex(side));
      int approval = CtState.CT_APPROVED_A << side;
      if (its != null && flow.has(approval) && isDenied(its, flow, side)) {
        bits |= approval;
      }
    }
    if (bits != 0) {
      denied.add(new Denied(flow.key(), flow.value(), bits));
    }
  }

  private boolean isDenied(Plans its, Opened flow, int side) {
    boolean opens = side == flow.opener();
    Optional<Plan> plan = opens ? its.in() : its.out();
    if (plan.isEmpty()) {
      return false;
    }
    boolean hairpin = flow.has(CtState.CT_HAIRPIN);
    if (hairpin && !opens) {
      return false; // to itself: it is not asked twice
    }
    // The opener's own program sees the source before it is translated.
    CtTuple tuple = opens && !hairpin ? flow.toBackend() : flow.behind();
    int flags =
        (isHost.test(tuple.daddr()) ? PktFlags.PKT_DST_HOST : 0)
            | (isHost.test(flow.behind().saddr()) ? PktFlags.PKT_SRC_HOST : 0);
    return !Judge.judge(plan.get(), flow.packet(tuple, flags), sets).allowed();
  }

  /**
   * What the cleaner is to do.
   *
   * @param lookUp finds an entry of the same table
   */
  Map<CtKey, CtJudged> revoke(Function<CtKey, Optional<CtValue>> lookUp) {
    Map<CtKey, CtJudged> judged = new HashMap<>();
    for (Denied flow : denied) {
      CtCommon c = flow.value().c();
      CtKey twinKey = FlowKeys.none(flow.key());
      int twinBits = 0;
      if (FlowKeys.hasTwin(c.state())) {
        twinKey = FlowKeys.twin(flow.key(), flow.value());
        CtCommon twin = lookUp.apply(twinKey).map(CtValue::c).orElse(c);
        twinBits = FlowKeys.ofTwin(flow.bits(), c, twin);
      }
      judged.put(
          flow.key(),
          new CtJudged(twinKey, c.created(), 0, flow.bits(), twinBits, CtVerdict.CT_DENIED));
    }
    return judged;
  }
}
