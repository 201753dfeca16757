// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.kernel.policy.Plan;
import java.util.Optional;

/**
 * What a workload's interface enforces.
 *
 * @param in for what the workload sends
 * @param out for what it gets
 */
public record Plans(Optional<Plan> in, Optional<Plan> out) {}
