// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Judge;
import io.sluice.kernel.policy.PacketView;
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
  private static final int PROTO_ICMP = 1;
  private static final int PROTO_ICMPV6 = 58;
  private static final int ECHO_REQUEST = 8;
  private static final int ECHO_REQUEST6 = 128;

  private final Codec<CtKey> keys;
  private final Codec<CtValue> values;
  private final int commonAt;
  private final Map<Integer, Plans> plans;
  private final Sets sets;
  private final Predicate<Ip> isHost;
  private final List<Denied> denied = new ArrayList<>();

  private record Denied(CtKey key, CtValue value, int bits) {}

  /**
   * @param plans by ifindex
   * @param isHost whether an address is this node's own
   */
  FlowReview(Family family, Map<Integer, Plans> plans, Sets sets, Predicate<Ip> isHost) {
    this.keys = CtKey.codec(family);
    this.values = CtValue.codec(family);
    this.commonAt = family == Family.IPV4 ? CtValue.OFFSET4_C : CtValue.OFFSET6_C;
    this.plans = plans;
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
    int bits = 0;
    for (int side = 0; side < 2; side++) {
      int ifindex = someValues.getInt(common + ifindexAt(side));
      if ((state & CtState.CT_APPROVED_A << side) != 0 && plans.containsKey(ifindex)) {
        CtKey key = keys.decode(someKeys, keyAt);
        CtValue value = values.decode(someValues, valueAt);
        bits |= isDenied(plans.get(ifindex), key, value, side) ? CtState.CT_APPROVED_A << side : 0;
      }
    }
    if (bits != 0) {
      denied.add(
          new Denied(keys.decode(someKeys, keyAt), values.decode(someValues, valueAt), bits));
    }
  }

  private static int ifindexAt(int side) {
    return side == 0 ? CtCommon.OFFSET_IFINDEX0 : CtCommon.OFFSET_IFINDEX1;
  }

  private boolean isDenied(Plans its, CtKey key, CtValue value, int side) {
    int opener = (value.c().state() & CtState.CT_OPENER_B) != 0 ? 1 : 0;
    Optional<Plan> plan = side == opener ? its.in() : its.out();
    if (plan.isEmpty()) {
      return false;
    }
    boolean hairpin = (value.c().state() & CtState.CT_HAIRPIN) != 0;
    if (hairpin && side != opener) {
      return false; // to itself: it is not asked twice
    }
    PacketView packet = packet(key, value, opener, side == opener && !hairpin);
    return !Judge.judge(plan.get(), packet, sets).allowed();
  }

  /**
   * The opener's packet as policy sees it.
   *
   * @param asSent with the source that the opener's own program sees, before it is translated
   */
  private PacketView packet(CtKey key, CtValue value, int opener, boolean asSent) {
    boolean translated = asSent && (value.c().state() & CtState.CT_NAT_REVERSE) != 0;
    Ip source = translated ? value.x().daddr() : opener == 0 ? key.addr0() : key.addr1();
    int sourcePort = translated ? value.x().dport() : opener == 0 ? key.port0() : key.port1();
    Ip destination = opener == 0 ? key.addr1() : key.addr0();
    int destinationPort = opener == 0 ? key.port1() : key.port0();
    int icmpType =
        switch (key.proto()) {
          case PROTO_ICMP -> ECHO_REQUEST;
          case PROTO_ICMPV6 -> ECHO_REQUEST6;
          default -> 0;
        };
    int flags =
        (isHost.test(destination) ? PktFlags.PKT_DST_HOST : 0)
            | (isHost.test(source) ? PktFlags.PKT_SRC_HOST : 0);
    return new PacketView(
        flags, key.proto(), source, sourcePort, destination, destinationPort, icmpType, 0);
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
