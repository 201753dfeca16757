// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.kernel.policy.Action;

/**
 * What an ID in a plan stands for.
 *
 * @param policy as people write it: kind and path of the policy or profile; of an end, or of a rule
 *     that is a setting's, what it is
 * @param tier empty: a profile's rule, or the end of a chain
 * @param direction seen from the endpoint
 * @param index of the rule in its list, from 0; {@link #END}: no rule, but an end
 * @param text what it matches, as people write it
 */
public record RuleName(
    String policy, String tier, Direction direction, int index, Action action, String text) {
  /** The index of an end. */
  public static final int END = -1;

  public boolean isEnd() {
    return index == END;
  }
}
