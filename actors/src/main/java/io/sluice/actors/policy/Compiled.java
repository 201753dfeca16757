// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.kernel.policy.Policy;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A policy or profile with its rules as programs need them. Compared by identity: what other rules
 * were made of is another.
 */
final class Compiled {
  private final String name;
  private final Map<Direction, Policy> policies;
  private final List<SetDefinition> sets;
  private final Map<Long, RuleName> names;

  /**
   * @param policies the rules by direction; none: it says nothing there
   * @param sets all that the rules look up
   * @param names of the rules by ID; empty if they are not counted
   */
  Compiled(
      String name,
      Map<Direction, Policy> policies,
      List<SetDefinition> sets,
      Map<Long, RuleName> names) {
    this.name = name;
    this.policies = Map.copyOf(policies);
    this.sets = List.copyOf(sets);
    this.names = Map.copyOf(names);
  }

  /** Whether it says the same in the same words. */
  boolean isLike(Compiled other) {
    return name.equals(other.name)
        && policies.equals(other.policies)
        && sets.equals(other.sets)
        && names.equals(other.names);
  }

  String name() {
    return name;
  }

  Optional<Policy> policy(Direction direction) {
    return Optional.ofNullable(policies.get(direction));
  }

  List<SetDefinition> sets() {
    return sets;
  }

  Map<Long, RuleName> names() {
    return names;
  }
}
