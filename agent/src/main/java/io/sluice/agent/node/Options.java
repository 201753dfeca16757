// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.config.model.PortRange;
import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Settings;
import io.sluice.kernel.dataplane.DataplaneOptions;
import java.nio.file.Path;
import java.util.Map;

/** Felix's settings as the dataplane's options. */
final class Options {
  private Options() {}

  static DataplaneOptions of(Path bpffs, Settings settings) {
    PortRange psnat = settings.get(FelixSettings.PSNAT_PORTS);
    return new DataplaneOptions(
        bpffs,
        sizes(settings),
        settings.get(FelixSettings.LOG_LEVEL) == Choices.LogLevel.DEBUG,
        settings.get(FelixSettings.REDIRECT_TO_PEER) != Choices.RedirectToPeer.DISABLED,
        psnat.first(),
        psnat.last(),
        dsr(settings),
        settings.get(FelixSettings.VXLAN_PORT),
        settings.get(FelixSettings.ATTACH_TYPE) != Choices.AttachType.TC);
  }

  static boolean dsr(Settings settings) {
    return settings.get(FelixSettings.EXTERNAL_SERVICE_MODE) == Choices.ExternalServiceMode.DSR;
  }

  /** Each setting counts for both families; what Felix has no setting for keeps its default. */
  private static Map<String, Integer> sizes(Settings settings) {
    int conntrack = settings.get(FelixSettings.SIZE_CONNTRACK);
    int frontends = settings.get(FelixSettings.SIZE_NAT_FRONTEND);
    int backends = settings.get(FelixSettings.SIZE_NAT_BACKEND);
    int affinity = settings.get(FelixSettings.SIZE_NAT_AFFINITY);
    int routes = settings.get(FelixSettings.SIZE_ROUTE);
    int sets = settings.get(FelixSettings.SIZE_IP_SETS);
    return Map.ofEntries(
        Map.entry("ct4", conntrack),
        Map.entry("ct6", conntrack),
        Map.entry("frontends4", frontends),
        Map.entry("frontends6", frontends),
        Map.entry("services", frontends),
        Map.entry("backends4", backends),
        Map.entry("backends6", backends),
        Map.entry("backend_gen", backends),
        Map.entry("affinity4", affinity),
        Map.entry("affinity6", affinity),
        Map.entry("routes4", routes),
        Map.entry("routes6", routes),
        Map.entry("ip_sets4", sets),
        Map.entry("ip_sets6", sets),
        Map.entry("ifaces_far", settings.get(FelixSettings.SIZE_IF_STATE)));
  }
}
