// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import java.util.List;

/**
 * Whether the node is well, and if not, why.
 *
 * @param reasons what is missing, one short sentence each; empty if and only if all is well
 */
public record Health(List<String> reasons) {
  /** Nothing is missing. */
  public static final Health WELL = new Health(List.of());

  public Health {
    reasons = List.copyOf(reasons);
  }

  public boolean ok() {
    return reasons.isEmpty();
  }
}
