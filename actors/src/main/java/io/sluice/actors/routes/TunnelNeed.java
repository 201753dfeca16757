// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What {@link RouteKeeper} needs of the tunnel.
 *
 * @param families those in which there is another node, for traffic from outside is handed over
 *     through the tunnel whether or not there is an overlay; none: it is not needed
 * @param overlay those in which pods of another node are reached through it
 * @param addresses this node's addresses within the overlay
 * @param underlay the interfaces that bear this node's own addresses, by index
 */
public record TunnelNeed(
    Set<Family> families, Set<Family> overlay, Map<Family, Ip> addresses, Set<Integer> underlay) {
  /** No node is reached through it. */
  public static final TunnelNeed NONE = new TunnelNeed(Set.of(), Set.of(), Map.of(), Set.of());

  public TunnelNeed {
    families = Set.copyOf(families);
    overlay = Set.copyOf(overlay);
    addresses = Map.copyOf(addresses);
    underlay = Set.copyOf(underlay);
  }

  public boolean isNone() {
    return families.isEmpty();
  }

  /** Whether this leaves out some of the overlay that another has. */
  public boolean lacksOverlayOf(TunnelNeed other) {
    return !overlay.containsAll(other.overlay);
  }

  /** The same with the overlay of another besides its own. */
  public TunnelNeed withOverlayOf(TunnelNeed other) {
    Set<Family> allFamilies = new HashSet<>(families);
    allFamilies.addAll(other.overlay);
    Set<Family> both = new HashSet<>(overlay);
    both.addAll(other.overlay);
    Map<Family, Ip> allAddresses = new HashMap<>(other.addresses);
    allAddresses.putAll(addresses);
    return new TunnelNeed(allFamilies, both, allAddresses, underlay);
  }
}
