// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Tier;
import java.util.HashSet;
import java.util.Set;

/**
 * What the program of a plan looks up and counts in.
 *
 * @param sets IDs of IP sets
 * @param rules IDs of rules and ends
 */
record References(Set<Long> sets, Set<Long> rules) {
  static References of(Plan plan) {
    References found = new References(new HashSet<>(), new HashSet<>());
    plan.chains().forEach(found::add);
    found.rules.remove(0L);
    return found;
  }

  private void add(Chain chain) {
    rules.add(chain.endId());
    for (Tier tier : chain.tiers()) {
      rules.add(tier.endId());
      tier.policies().forEach(this::add);
    }
    chain.profiles().forEach(this::add);
  }

  private void add(Policy policy) {
    policy
        .rules()
        .forEach(
            rule -> {
              rules.add(rule.id());
              add(rule.match().source());
              add(rule.match().destination());
            });
  }

  private void add(Place place) {
    sets.addAll(place.sets());
    sets.addAll(place.notSets());
    sets.addAll(place.portSets());
    sets.addAll(place.notPortSets());
    sets.addAll(place.services());
  }
}
