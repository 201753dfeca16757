// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.config.model.IpPool.VxlanMode;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A network of another node's pods, or one pod of it that has an address elsewhere.
 *
 * @param net where the pods are
 * @param node whose they are
 * @param nextHop the node's address of the same family, if it has one
 * @param mode when to encapsulate: that of the smallest pool around the network
 * @param flags of the pools, by the parts of the network that they cover; at least the whole
 */
public record Remote(
    RouteKey net, String node, Optional<Ip> nextHop, VxlanMode mode, Map<RouteKey, Integer> flags) {
  public Remote {
    flags = Map.copyOf(flags);
  }

  public Family family() {
    return net.addr().family();
  }

  /** What the maps are to hold of it. */
  void forEachEntry(int moreFlags, BiConsumer<RouteKey, Route> visitor) {
    Ip hop = nextHop.orElse(Ip.any(family()));
    flags.forEach((part, pool) -> visitor.accept(part, new Route(moreFlags | pool, 0, hop)));
  }

  /** For people. */
  @Override
  public String toString() {
    return net.addr() + "/" + net.prefixlen() + " of " + node;
  }
}
