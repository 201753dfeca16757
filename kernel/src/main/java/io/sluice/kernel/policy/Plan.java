// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.PktFlags;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What one program judges by: the first case that a packet meets. A packet that meets none is
 * denied. One program for both families, in one slot (PROG-3).
 *
 * @param next asked about all that this one does not deny: a packet passes if both let it
 */
public record Plan(List<Case> cases, Optional<Plan> next) {
  /**
   * @param mask bits of pkt.flags ({@link io.sluice.kernel.layout.PktFlags}) to look at; 0: every
   *     packet
   * @param value what they must be
   */
  public record Case(int mask, int value, Chain chain) {}

  public Plan {
    cases = List.copyOf(cases);
  }

  /**
   * One chain for what XDP asks about. A fragment other than the first has no ports: a rule that
   * asks for some, or that it be none of some, says nothing of it.
   */
  public static Plan untracked(Chain chain) {
    Chain ofFragments = chain.withoutTransport();
    int flag = PktFlags.PKT_FRAGMENT;
    return ofFragments.equals(chain)
        ? of(chain)
        : new Plan(List.of(new Case(flag, flag, ofFragments), new Case(0, 0, chain)));
  }

  public Plan(List<Case> cases) {
    this(cases, Optional.empty());
  }

  /** One chain for every packet. */
  public static Plan of(Chain chain) {
    return new Plan(List.of(new Case(0, 0, chain)));
  }

  /** This plan and those that follow, in the order in which they are asked. */
  public List<Plan> inOrder() {
    List<Plan> plans = new ArrayList<>();
    Optional<Plan> plan = Optional.of(this);
    while (plan.isPresent()) {
      plans.add(plan.get());
      plan = plan.get().next;
    }
    return plans;
  }

  /** All that may be asked about a packet, of this plan and those that follow. */
  public List<Chain> chains() {
    return inOrder().stream().flatMap(plan -> plan.cases.stream()).map(Case::chain).toList();
  }
}
