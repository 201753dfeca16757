// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

/**
 * @param services the most tables of each family (bpfMaglevMaxServices)
 * @param endpoints the most backends of a table (bpfMaglevMaxEndpointsPerService)
 */
public record MaglevLimits(int services, int endpoints) {
  /** Those of Felix. */
  public static final MaglevLimits DEFAULT = new MaglevLimits(100, 100);
}
