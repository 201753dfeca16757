// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.Map;

/**
 * projectcalico.org/v3 FelixConfiguration: settings for all nodes ({@code default}) or for one
 * ({@code node.NAME}).
 *
 * @param spec the settings it gives, by field name; each has been found valid
 */
public record FelixConfiguration(ObjectMeta meta, Map<String, RawValue> spec) implements Resource {
  /** The name of the one that holds for all nodes. */
  public static final String DEFAULT = "default";

  /** What the name of the one for a single node begins with. */
  public static final String NODE_PREFIX = "node.";

  public FelixConfiguration {
    spec = Map.copyOf(spec);
  }

  @Override
  public Kind kind() {
    return Kind.FELIX_CONFIGURATION;
  }
}
