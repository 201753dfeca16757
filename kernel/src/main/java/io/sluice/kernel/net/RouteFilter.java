// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Family;

/**
 * What a dump of routes is to contain. The kernel itself sorts out, so that a narrow dump is cheap
 * beside a full Internet table.
 *
 * @param family one family
 * @param table 0 for all
 * @param protocol 0 for all
 * @param ifindex 0 for all
 */
public record RouteFilter(Family family, int table, int protocol, int ifindex) {
  /** Every route of a family. */
  public static RouteFilter all(Family family) {
    return new RouteFilter(family, 0, 0, 0);
  }

  /** The routes of a family that an agent, of this or an earlier run, has set. */
  public static RouteFilter ours(Family family) {
    return new RouteFilter(family, 0, Route.PROTOCOL_SLUICE, 0);
  }

  public RouteFilter inTable(int newTable) {
    return new RouteFilter(family, newTable, protocol, ifindex);
  }

  public RouteFilter onInterface(int newIfindex) {
    return new RouteFilter(family, table, protocol, newIfindex);
  }
}
