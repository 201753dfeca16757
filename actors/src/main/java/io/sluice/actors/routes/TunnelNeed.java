// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.Map;
import java.util.Set;

/**
 * What {@link RouteKeeper} needs of the tunnel.
 *
 * @param families those in which a node is reached through it; none: it is not needed
 * @param addresses this node's addresses within the overlay
 * @param underlay the interfaces that bear this node's own addresses, by index
 */
public record TunnelNeed(Set<Family> families, Map<Family, Ip> addresses, Set<Integer> underlay) {
  /** No node is reached through it. */
  public static final TunnelNeed NONE = new TunnelNeed(Set.of(), Map.of(), Set.of());

  public TunnelNeed {
    families = Set.copyOf(families);
    addresses = Map.copyOf(addresses);
    underlay = Set.copyOf(underlay);
  }

  public boolean isNone() {
    return families.isEmpty();
  }
}
