// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors;

import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Setting;
import io.sluice.config.settings.Settings;
import java.util.List;
import java.util.Objects;

/** The settings that are looked at when the agent starts, and not again. */
final class RestartSettings {
  private static final List<Setting<?>> ALL =
      List.of(
          FelixSettings.INTERFACE_PREFIX,
          FelixSettings.ATTACH_TYPE,
          FelixSettings.REDIRECT_TO_PEER,
          FelixSettings.LOG_LEVEL,
          FelixSettings.PSNAT_PORTS,
          FelixSettings.SIZE_CONNTRACK,
          FelixSettings.SIZE_NAT_FRONTEND,
          FelixSettings.SIZE_NAT_BACKEND,
          FelixSettings.SIZE_NAT_AFFINITY,
          FelixSettings.SIZE_ROUTE,
          FelixSettings.SIZE_IP_SETS,
          FelixSettings.SIZE_IF_STATE);

  private RestartSettings() {}

  /** Those that differ from what the agent has started with, a line each. */
  static List<String> changed(Settings started, Settings now) {
    return ALL.stream()
        .filter(setting -> !same(started.get(setting), now.get(setting)))
        .map(
            setting ->
                "%s has changed (%s): restart the agent to have it applied"
                    .formatted(setting.name(), now.origin(setting)))
        .toList();
  }

  /** Patterns have no equality of their own. */
  private static boolean same(Object one, Object other) {
    return Objects.equals(one, other) || String.valueOf(one).equals(String.valueOf(other));
  }
}
