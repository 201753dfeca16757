// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.List;

/**
 * Policies that are asked in their order. A tier without policies is to be left out: its end would
 * otherwise hold.
 *
 * @param end for packets that no rule has decided on: {@link Action#DENY} or {@link Action#PASS}
 * @param endId under which those are counted; 0: not
 */
public record Tier(String name, List<Policy> policies, Action end, long endId) {
  public Tier {
    policies = List.copyOf(policies);
    if (end != Action.DENY && end != Action.PASS) {
      throw new IllegalArgumentException("a tier ends in DENY or PASS, not in " + end);
    }
  }
}
