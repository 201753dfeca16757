// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a plan refers to.
 *
 * @param sets IDs of the sets that it looks up
 * @param rules IDs that it counts under; never 0
 */
public record PlanIds(Set<Long> sets, Set<Long> rules) {
  public static PlanIds of(Plan plan) {
    PlanIds ids = new PlanIds(new HashSet<>(), new HashSet<>());
    plan.chains().forEach(ids::add);
    ids.rules.remove(0L);
    return ids;
  }

  private void add(Chain chain) {
    for (Tier tier : chain.tiers()) {
      tier.policies().forEach(this::add);
      rules.add(tier.endId());
    }
    chain.profiles().forEach(this::add);
    rules.add(chain.endId());
  }

  private void add(Policy policy) {
    for (Rule rule : policy.rules()) {
      rules.add(rule.id());
      add(rule.match().source());
      add(rule.match().destination());
    }
  }

  private void add(Place place) {
    List.of(place.sets(), place.notSets(), place.portSets(), place.notPortSets(), place.services())
        .forEach(sets::addAll);
  }
}
