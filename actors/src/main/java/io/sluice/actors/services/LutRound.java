// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a round does about Maglev tables. A table is written once its service has, on this node, the
 * very backends that the cluster agreed on; until then the one before stays, over its own span.
 *
 * @param wished services that are to have one
 * @param targets what the cluster agreed on, where that is known yet
 */
record LutRound(Set<ServiceName> wished, Map<ServiceName, LutTarget> targets) {
  /**
   * Writes what changed, after the services' new spans.
   *
   * @param going services that this round removes
   */
  void write(ServiceTable table, Set<ServiceName> going, Writes writes) {
    for (ServiceName name : wished) {
      Installed service = table.services().get(name);
      LutTarget target = targets.get(name);
      if (service == null || target == null || going.contains(name)) {
        continue;
      }
      Optional<LutTable.Placed> before = table.luts().get(service.id());
      if (before.filter(placed -> isOver(placed, service, target)).isPresent()) {
        continue;
      }
      Luts.over(service, target)
          .ifPresent(
              lut -> {
                if (before.filter(placed -> placed.table().equals(lut)).isEmpty()) {
                  writes.putLut(service.id(), lut);
                }
                table.luts().put(service.id(), lut, target).ifPresent(table::retire);
              });
    }
  }

  /** Without looking at each slot: it was made of this very target, over this very span. */
  private static boolean isOver(LutTable.Placed placed, Installed service, LutTarget target) {
    return placed.from().filter(from -> from == target).isPresent()
        && placed.table().base() == service.base()
        && placed.table().count() == service.count();
  }

  /** Removes tables of services that are not to have one any more. */
  void remove(ServiceTable table, Writes writes) {
    table
        .services()
        .forEach(
            (name, service) -> {
              if (!wished.contains(name) && table.luts().get(service.id()).isPresent()) {
                remove(table, service.id(), writes);
              }
            });
  }

  /** Removes a table before the service's ID can be another's. */
  static void remove(ServiceTable table, int service, Writes writes) {
    if (table.luts().get(service).isPresent()) {
      writes.removeLut(service);
      table.luts().remove(service).ifPresent(table::retire);
    }
  }
}
