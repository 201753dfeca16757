// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.OptionalDouble;

/**
 * projectcalico.org/v3 Tier.
 *
 * @param order tiers without one come last
 * @param passes whether its end passes to the next tier, instead of denying
 */
public record Tier(ObjectMeta meta, OptionalDouble order, boolean passes) implements Resource {
  /** The order of tier {@code default}, unless a resource says otherwise. */
  public static final double DEFAULT_ORDER = 1_000_000;

  @Override
  public Kind kind() {
    return Kind.TIER;
  }
}
