// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.dsr;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.FelixConfiguration;
import io.sluice.config.model.Kind;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Origin;
import io.sluice.config.settings.Settings;
import io.sluice.config.source.Snapshot;
import java.util.List;
import java.util.Optional;

/** Which networks opt out, of what is configured where. */
public final class OptOuts {
  private static final ResourceKey DEFAULT =
      new ResourceKey(Kind.FELIX_CONFIGURATION, "", FelixConfiguration.DEFAULT);

  private OptOuts() {}

  /**
   * The resource for all nodes says what all share; a node that has a list by its own file,
   * environment or resource goes by that.
   */
  public static OptOutKeeper.Configure configured(Snapshot snapshot, Settings settings) {
    var setting = FelixSettings.DSR_OPTOUT_CIDRS;
    List<Cidr> shared =
        snapshot
            .find(FelixConfiguration.class, DEFAULT)
            .flatMap(felix -> Optional.ofNullable(felix.spec().get(setting.name())))
            .map(setting::parse)
            .orElse(setting.defaultValue());
    Origin.Layer layer = settings.origin(setting).layer();
    boolean isShared = layer == Origin.Layer.CLUSTER || layer == Origin.Layer.DEFAULT;
    return new OptOutKeeper.Configure(
        snapshot.revision(),
        shared,
        isShared ? Optional.empty() : Optional.of(settings.get(setting)));
  }
}
