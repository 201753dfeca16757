// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Tier;
import io.sluice.config.selector.Selector;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The order in which policies are asked: by their tier's order and name, then by their own order,
 * then by their key. What has no order comes last, and so does a tier that does not exist, but for
 * {@link NetworkPolicy#DEFAULT_TIER}.
 */
public final class PolicyOrder {
  private final Function<ResourceKey, Resource> find;

  private PolicyOrder(Function<ResourceKey, Resource> find) {
    this.find = find;
  }

  /**
   * @param find resources, null for those that do not exist
   */
  public static PolicyOrder of(Function<ResourceKey, Resource> find) {
    return new PolicyOrder(find);
  }

  /** In the order in which they are asked. */
  public List<NetworkPolicy> sorted(Collection<NetworkPolicy> policies) {
    return policies.stream()
        .sorted(
            Comparator.comparingDouble((NetworkPolicy policy) -> tierOrder(policy.tier()))
                .thenComparing(NetworkPolicy::tier)
                .thenComparingDouble(policy -> policy.order().orElse(Double.POSITIVE_INFINITY))
                .thenComparing(NetworkPolicy::key))
        .toList();
  }

  Optional<Tier> tier(String name) {
    return find.apply(new ResourceKey(Kind.TIER, "", name)) instanceof Tier tier
        ? Optional.of(tier)
        : Optional.empty();
  }

  private double tierOrder(String name) {
    return tier(name)
        .map(tier -> tier.order().orElse(Double.POSITIVE_INFINITY))
        .orElse(
            name.equals(NetworkPolicy.DEFAULT_TIER)
                ? Tier.DEFAULT_ORDER
                : Double.POSITIVE_INFINITY);
  }

  /** The selector of endpoints that a policy is for, with its namespace and service accounts. */
  public static Selector subject(NetworkPolicy policy) {
    return RuleCompiler.subject(policy);
  }
}
