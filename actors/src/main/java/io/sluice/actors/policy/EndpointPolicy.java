// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.ResourceKey;
import io.sluice.kernel.policy.Plan;
import java.util.Optional;

/**
 * What one interface enforces.
 *
 * @param owner the WorkloadEndpoint, Pod or HostEndpoint
 * @param in for packets that enter the host by it: a workload's egress, a host endpoint's ingress
 * @param out for packets that leave the host by it
 * @param untracked for packets that enter the host by it, before conntrack; host endpoints alone.
 *     It decides finally where it decides; what it leaves to the others ends in ALLOW without ID
 */
public record EndpointPolicy(
    ResourceKey owner, Optional<Plan> in, Optional<Plan> out, Optional<Plan> untracked) {}
