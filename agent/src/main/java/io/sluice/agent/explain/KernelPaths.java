// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Netlink;
import io.sluice.kernel.net.Route;
import io.sluice.kernel.net.RouteFilter;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * By which interfaces the kernel would send to an address: what reverse-path filters ask. Reads the
 * main table; rules that lead elsewhere are not followed.
 *
 * @param routes of the main table of one family
 */
public record KernelPaths(Function<Family, List<Route>> routes) {
  /** Nobody looks: filters stay conditions. */
  public static final KernelPaths UNKNOWN = new KernelPaths(family -> null);

  /** Of the network namespace that this process is in. */
  public static KernelPaths here() {
    return new KernelPaths(
        family -> {
          try (Netlink netlink = Netlink.open()) {
            return netlink.routes(RouteFilter.all(family).inTable(Route.TABLE_MAIN));
          }
        });
  }

  /**
   * Interfaces by which an address is reached; none: it is not.
   *
   * @return empty if nobody knows
   */
  Optional<Set<Integer>> to(Ip address) {
    List<Route> all = routes.apply(address.family());
    if (all == null) {
      return Optional.empty();
    }
    return Optional.of(
        all.stream()
            .filter(route -> address.masked(route.prefix()).equals(route.destination()))
            .filter(route -> route.type() != Route.TYPE_THROW)
            .min(
                Comparator.comparingInt((Route route) -> -route.prefix())
                    .thenComparingInt(Route::priority))
            .filter(route -> route.type() == Route.TYPE_UNICAST)
            .map(KernelPaths::interfaces)
            .orElse(Set.of()));
  }

  private static Set<Integer> interfaces(Route route) {
    return route.hops().isEmpty()
        ? Set.of(route.ifindex())
        : route.hops().stream().map(Route.Hop::ifindex).collect(Collectors.toSet());
  }
}
