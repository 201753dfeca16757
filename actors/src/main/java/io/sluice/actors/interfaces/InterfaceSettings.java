// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Settings;
import java.util.List;

/**
 * The settings that concern workload interfaces. A change of the prefixes needs a restart.
 *
 * @param prefixes of their names (interfacePrefix); names by convention begin with the first
 * @param anySource whether workloads may ask to send from any address (workloadSourceSpoofing: Any)
 */
public record InterfaceSettings(List<String> prefixes, boolean anySource) {
  public InterfaceSettings {
    prefixes = List.copyOf(prefixes);
    if (prefixes.isEmpty()) {
      throw new IllegalArgumentException("interfacePrefix: at least one prefix is needed");
    }
  }

  public static InterfaceSettings of(Settings settings) {
    return new InterfaceSettings(
        settings.get(FelixSettings.INTERFACE_PREFIX),
        settings.get(FelixSettings.SOURCE_SPOOFING) == Choices.Spoofing.ANY);
  }

  /** Whether an interface of this name is a workload's. */
  public boolean isWorkload(String nic) {
    return prefixes.stream().anyMatch(nic::startsWith);
  }
}
