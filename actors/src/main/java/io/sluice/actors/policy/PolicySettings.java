// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FailsafePort;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Settings;
import java.util.List;

/**
 * The settings that policy depends on.
 *
 * @param counting whether rules' hits are counted (bpfPolicyDebugEnabled)
 * @param toHost what becomes of what a workload sends to its own node (defaultEndpointToHostAction)
 * @param failsafeIn ports of the host that no policy closes (failsafeInboundHostPorts)
 * @param failsafeOut ports of others that no policy closes to the host (failsafeOutboundHostPorts)
 */
public record PolicySettings(
    boolean counting,
    Choices.HostAction toHost,
    List<FailsafePort> failsafeIn,
    List<FailsafePort> failsafeOut) {
  public PolicySettings {
    failsafeIn = List.copyOf(failsafeIn);
    failsafeOut = List.copyOf(failsafeOut);
  }

  public static PolicySettings of(Settings settings) {
    return new PolicySettings(
        settings.get(FelixSettings.POLICY_DEBUG),
        settings.get(FelixSettings.ENDPOINT_TO_HOST_ACTION),
        settings.get(FelixSettings.FAILSAFE_INBOUND),
        settings.get(FelixSettings.FAILSAFE_OUTBOUND));
  }
}
