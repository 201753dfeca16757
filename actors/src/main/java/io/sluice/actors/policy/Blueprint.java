// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.policy.Action;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a plan is made of. Endpoints with equal blueprints have one plan, the same object.
 *
 * @param normal what is asked in general; of a workload, all
 * @param profiles asked after {@code normal}
 * @param forward what is asked about forwarded packets on a host interface
 * @param preDnat what is asked before services are looked up on a host interface
 * @param ofHost of a workload: what is asked after its own about what it sends to its node
 */
record Blueprint(
    Shape shape,
    List<TierOf> normal,
    List<Compiled> profiles,
    List<TierOf> forward,
    List<TierOf> preDnat,
    Optional<Blueprint> ofHost) {
  /** Whose plan it is, and where it is asked. */
  enum Shape {
    WORKLOAD_IN,
    WORKLOAD_OUT,
    HOST_IN,
    HOST_OUT,
    UNTRACKED
  }

  /** A tier as far as it concerns an endpoint. */
  record TierOf(String name, Action end, List<Compiled> policies) {}

  /** One of what is asked in general alone. */
  static Blueprint of(Shape shape, List<TierOf> normal, List<Compiled> profiles) {
    return new Blueprint(shape, normal, profiles, List.of(), List.of(), Optional.empty());
  }

  /** All policies and profiles in it. */
  Set<Compiled> parts() {
    Set<Compiled> parts = new LinkedHashSet<>(profiles);
    List.of(preDnat, forward, normal)
        .forEach(tiers -> tiers.forEach(tier -> parts.addAll(tier.policies())));
    ofHost.ifPresent(host -> parts.addAll(host.parts()));
    return parts;
  }
}
