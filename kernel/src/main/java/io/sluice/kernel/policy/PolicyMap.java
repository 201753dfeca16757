// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.Locale;

/**
 * The maps that policy programs may reference. Programs know them by index, which is the ordinal:
 * so their instructions are the same in every process.
 */
public enum PolicyMap {
  /** The hook's generic program array, for the continuations. */
  PROGS,
  /** The hook's per-endpoint program array, for the pieces after the first. */
  POLICIES,
  /** The packet. */
  PKT,
  IP_SETS4,
  IP_SETS6,
  RULE_HITS,
  /** Where programs make keys. */
  POLICY_KEYS;

  /** In the object files; also the name of its pin, unless each hook has one of its own. */
  public String mapName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Each hook has one of its own. */
  public boolean isPerHook() {
    return this == PROGS || this == POLICIES;
  }
}
