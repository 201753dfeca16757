// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.limits.Limits;
import io.sluice.config.model.ResourceKey;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import java.util.List;

/**
 * A local workload as its interface is to be set up.
 *
 * @param owner the WorkloadEndpoint or Pod that asks for it
 * @param nic the host side of its link
 * @param addresses its addresses, in the owner's order, at least one
 * @param anySource whether it may send from any address
 * @param limits what else it may send from, and how much
 */
public record Workload(
    ResourceKey owner, String nic, List<Ip> addresses, boolean anySource, Limits limits)
    implements Endpoint {
  /** One without limits, that sends from its own addresses, or from any. */
  public Workload(ResourceKey owner, String nic, List<Ip> addresses, boolean anySource) {
    this(owner, nic, addresses, anySource, Limits.NONE);
  }

  public Workload {
    addresses = List.copyOf(addresses);
  }

  /** The first address of a family; the family's zero address if there is none. */
  public Ip first(Family family) {
    return addresses.stream()
        .filter(address -> address.family() == family)
        .findFirst()
        .orElse(Ip.any(family));
  }

  public boolean has(Family family) {
    return !first(family).isAny();
  }

  @Override
  public int kind() {
    return IfaceFlags.IFACE_WORKLOAD;
  }

  @Override
  public String ofWhom() {
    return " of " + owner;
  }
}
