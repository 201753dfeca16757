// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.List;

/**
 * Rules that are asked in their order; a packet that matches none goes on to the next policy.
 *
 * @param name for people
 */
public record Policy(String name, List<Rule> rules) {
  public Policy {
    rules = List.copyOf(rules);
  }
}
