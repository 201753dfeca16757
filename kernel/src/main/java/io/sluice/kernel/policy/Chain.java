// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.List;

/**
 * All that is asked about a packet: tiers in their order, then profiles, then the end.
 *
 * @param profiles their rules ALLOW, DENY or LOG; PASS is taken for no match
 * @param end for packets that nobody has decided on: {@link Action#ALLOW}, {@link Action#DENY}, or
 *     {@link Action#PASS}: the packet goes on, and others are asked about it
 * @param endId under which those are counted; 0: not
 */
public record Chain(List<Tier> tiers, List<Policy> profiles, Action end, long endId) {
  /** Allows everything. */
  public static final Chain ALLOW_ALL = new Chain(List.of(), List.of(), Action.ALLOW, 0);

  /** Leaves everything to others. */
  public static final Chain PASS_ALL = new Chain(List.of(), List.of(), Action.PASS, 0);

  /** Denies everything. */
  public static final Chain DENY_ALL = new Chain(List.of(), List.of(), Action.DENY, 0);

  /** What of it can be asked of a packet without transport header: rules that look at none. */
  Chain withoutTransport() {
    return new Chain(
        tiers.stream()
            .map(t -> new Tier(t.name(), withoutTransport(t.policies()), t.end(), t.endId()))
            .toList(),
        withoutTransport(profiles),
        end,
        endId);
  }

  private static List<Policy> withoutTransport(List<Policy> policies) {
    return policies.stream()
        .map(
            policy ->
                new Policy(
                    policy.name(),
                    policy.rules().stream()
                        .filter(rule -> !rule.match().readsTransport())
                        .toList()))
        .toList();
  }

  public Chain {
    tiers = List.copyOf(tiers);
    profiles = List.copyOf(profiles);
    if (end == Action.LOG) {
      throw new IllegalArgumentException("a chain does not end in LOG");
    }
  }
}
