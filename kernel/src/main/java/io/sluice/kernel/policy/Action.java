// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/** What a rule does with a packet that it matches. */
public enum Action {
  /** The packet passes: nothing further is asked. */
  ALLOW,
  /** The packet is dropped: nothing further is asked. */
  DENY,
  /** The rest of the tier is skipped; of the last tier: the profiles are asked. */
  PASS,
  /** The packet is noted, and the next rule is asked. */
  LOG
}
