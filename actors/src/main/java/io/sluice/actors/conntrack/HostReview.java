// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Judge;
import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Sets;
import io.sluice.kernel.policy.Verdict;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What host interfaces say by now of flows that they have approved: those that were opened by way
 * of them, and those that leave by them.
 */
final class HostReview {
  private static final int LOOPBACK = 1;
  private static final Ip LINK_LOCAL = Ip.parse("fe80::");

  private final Map<Integer, Plans> plans;
  private final Sets sets;
  private final Predicate<Ip> isHost;

  /**
   * @param plans by ifindex
   * @param isHost whether an address is this node's own
   */
  HostReview(Map<Integer, Plans> plans, Sets sets, Predicate<Ip> isHost) {
    this.plans = plans;
    this.sets = sets;
    this.isHost = isHost;
  }

  /** Whether a flow may be of one of the interfaces, by what costs least to look at. */
  boolean concerns(int state, int ifindex0, int ifindex1) {
    return !plans.isEmpty()
        && ((state & CtState.CT_EGRESS) != 0
            || (state & (CtState.CT_OUT_A | CtState.CT_OUT_B)) != 0
                && (plans.containsKey(ifindex0) || plans.containsKey(ifindex1)));
  }

  /** The approvals to be taken back: bits of the entry's state. */
  int denied(Opened flow) {
    int opener = flow.opener();
    int bits = 0;
    if (flow.has(CtState.CT_OUT_A << opener)
        && flow.has(CtState.CT_APPROVED_A << opener)
        && plans.containsKey(flow.ifindex(opener))
        && isDeniedWhereItEnters(plans.get(flow.ifindex(opener)), flow)) {
      bits |= CtState.CT_APPROVED_A << opener;
    }
    return flow.has(CtState.CT_EGRESS) ? bits | deniedWhereItLeaves(flow) : bits;
  }

  private boolean isDeniedWhereItEnters(Plans its, Opened flow) {
    if (its.in().isEmpty()) {
      return false;
    }
    CtTuple sent = flow.asSent();
    // What XDP decides on, no other policy is asked about.
    if (its.untracked().filter(plan -> judge(plan, flow.packet(sent, 0)).decided()).isPresent()) {
      return false;
    }
    Verdict first = judge(its.in().get(), flow.packet(sent, PktFlags.PKT_PRE_DNAT));
    if (!first.allowed() || first.decided()) {
      return !first.allowed();
    }
    CtTuple tuple = flow.toBackend();
    int flags = isToHost(tuple.daddr()) ? PktFlags.PKT_DST_HOST : 0;
    return !judge(its.in().get(), flow.packet(tuple, flags)).allowed();
  }

  private boolean isToHost(Ip address) {
    boolean linkLocal = address.family() == Family.IPV6 && address.masked(10).equals(LINK_LOCAL);
    return linkLocal || isHost.test(address);
  }

  /**
   * By which interface a flow leaves, its entry tells once an answer has come in, or if the host
   * itself has opened it. Of others each interface that denies it may be the one: the next packet
   * is asked by the one that it is, and until then the flow goes on.
   */
  private int deniedWhereItLeaves(Opened flow) {
    int opener = flow.opener();
    int other = 1 - opener;
    if (flow.has(CtState.CT_OUT_A << other)) {
      Plans its = plans.get(flow.ifindex(other));
      return its != null && isDeniedWhereItLeaves(its, flow)
          ? CtState.CT_EGRESS | CtState.CT_APPROVED_A << other
          : 0;
    }
    boolean unknown =
        flow.isStack(other)
            || flow.isStack(opener)
                && flow.has(CtState.CT_FORWARD)
                && flow.has(CtState.CT_TUNNEL_A << other);
    return unknown && plans.values().stream().anyMatch(its -> isDeniedWhereItLeaves(its, flow))
        ? CtState.CT_EGRESS
        : 0;
  }

  private boolean isDeniedWhereItLeaves(Plans its, Opened flow) {
    Optional<Plan> plan = its.out();
    if (plan.isEmpty()) {
      return false;
    }
    int opener = flow.opener();
    boolean own =
        (flow.isStack(opener) || flow.ifindex(opener) == LOOPBACK)
            && !flow.has(CtState.CT_TRANSIT)
            && isHost.test(flow.asSent().saddr());
    // The host's own packets are seen before they are translated, others behind that.
    CtTuple tuple = own ? flow.toBackend() : flow.behind();
    return !judge(plan.get(), flow.packet(tuple, own ? PktFlags.PKT_SRC_HOST : 0)).allowed();
  }

  private Verdict judge(Plan plan, PacketView packet) {
    return Judge.judge(plan, packet, sets);
  }
}
