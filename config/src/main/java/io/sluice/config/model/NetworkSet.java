// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

/**
 * projectcalico.org/v3 NetworkSet or GlobalNetworkSet: networks that selectors find by its labels.
 *
 * @param kind one of the two
 */
public record NetworkSet(ObjectMeta meta, Kind kind, List<Cidr> nets) implements Resource {
  public NetworkSet {
    nets = List.copyOf(nets);
  }
}
