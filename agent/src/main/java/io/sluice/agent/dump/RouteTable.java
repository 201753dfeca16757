// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The routes of both families, read once, and asked as the programs ask: the longest prefix wins.
 */
public final class RouteTable {
  private final Map<RouteKey, Route> routes = new HashMap<>();

  /** Reads them. */
  public RouteTable(Dataplane dataplane) {
    for (Family family : Family.values()) {
      dataplane.routes(family).forEach(routes::put);
    }
  }

  /** The key of the route to an address. */
  public Optional<RouteKey> match(Ip address) {
    for (int prefix = address.family().bits(); prefix >= 0; prefix--) {
      RouteKey key = new RouteKey(prefix, address.masked(prefix));
      if (routes.containsKey(key)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  /** The route to an address. */
  public Optional<Route> find(Ip address) {
    return match(address).map(routes::get);
  }
}
