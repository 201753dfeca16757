// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.ServiceTable.Retired;
import io.sluice.kernel.dataplane.MaglevTable;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The Maglev tables in the kernel, by service ID, and the spans that only they point at: a service
 * whose backends change has a new span at once, and its table the old one until the cluster has
 * agreed on the next.
 */
final class LutTable {
  /**
   * A table in the kernel.
   *
   * @param from what it was made of; empty: found in the kernel
   */
  record Placed(MaglevTable table, Optional<LutTarget> from, String digest) {}

  private final Map<Integer, Placed> placed = new HashMap<>();
  private final Map<Integer, Retired> held = new HashMap<>();

  /** Service IDs that have a table although they should not. */
  private final Set<Integer> strays = new LinkedHashSet<>();

  Optional<Placed> get(int service) {
    return Optional.ofNullable(placed.get(service));
  }

  Set<Integer> strays() {
    return strays;
  }

  void stray(int service) {
    strays.add(service);
  }

  void adopt(int service, MaglevTable table, String digest) {
    placed.put(service, new Placed(table, Optional.empty(), digest));
  }

  /** Keeps a span for the table that points at it. */
  void hold(Retired span) {
    held.put(span.service(), span);
  }

  /** Whether a service's table points at that span. */
  boolean pointsAt(Installed service) {
    MaglevTable table = placed.containsKey(service.id()) ? placed.get(service.id()).table() : null;
    return table != null && table.count() > 0 && table.base() == service.base();
  }

  /**
   * A table takes its place.
   *
   * @return the span of the one before, if only that pointed at it
   */
  Optional<Retired> put(int service, MaglevTable table, LutTarget from) {
    placed.put(service, new Placed(table, Optional.of(from), from.digest()));
    return Optional.ofNullable(held.remove(service));
  }

  /** A table goes, and with it what {@link #put} tells of. */
  Optional<Retired> remove(int service) {
    placed.remove(service);
    return Optional.ofNullable(held.remove(service));
  }
}
