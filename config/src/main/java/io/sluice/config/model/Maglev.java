// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.Map;

/**
 * How a service chooses backends by a Maglev table, which all nodes share.
 *
 * @param weights of addresses of backends, 1 to {@value #MAX_WEIGHT}; 1 for those that are not here
 */
public record Maglev(Map<IpAddress, Integer> weights) {
  /** The most that a backend may weigh. */
  public static final int MAX_WEIGHT = 100;

  public Maglev {
    weights = Map.copyOf(weights);
  }

  /** The weight of a backend. */
  public int weight(IpAddress address) {
    return weights.getOrDefault(address, 1);
  }
}
