// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.Map;

/**
 * How often each backend of a service is chosen, in proportion.
 *
 * @param of addresses of backends, 1 to {@value #MAX}; 1 for those that are not here
 */
public record Weights(Map<IpAddress, Integer> of) {
  /** The most that a backend may weigh. */
  public static final int MAX = 100;

  /** All alike. */
  public static final Weights NONE = new Weights(Map.of());

  public Weights {
    of = Map.copyOf(of);
  }

  /** The weight of a backend. */
  public int weight(IpAddress address) {
    return of.getOrDefault(address, 1);
  }
}
