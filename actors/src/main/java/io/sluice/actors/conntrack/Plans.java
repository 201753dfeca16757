// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.policy.Plan;
import java.util.Optional;

/**
 * What an interface enforces.
 *
 * @param in for what enters the host by it: of a workload's, what that sends
 * @param out for what leaves the host by it: of a workload's, what that gets
 * @param untracked for what enters by a host interface, before {@code in} and conntrack
 */
public record Plans(Optional<Plan> in, Optional<Plan> out, Optional<Plan> untracked) {
  /** None of it untracked. */
  public Plans(Optional<Plan> in, Optional<Plan> out) {
    this(in, out, Optional.empty());
  }
}
