// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.ServiceTable.Retired;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The Maglev tables in the kernel, by service ID. Each has a span of its own, so that a service may
 * have other backends at once, and its table those of before until the cluster has agreed on the
 * next.
 */
final class LutTable {
  /** What a table's span holds: backends of now, then former ones that are no more. */
  record Span(Family family, int base, List<Backend> elements) {
    Span {
      elements = List.copyOf(elements);
    }

    List<Integer> ids() {
      return elements.stream().map(Backend::id).distinct().toList();
    }

    Retired retired(int service) {
      return new Retired(family, base, elements.size(), service, ids());
    }
  }

  /**
   * A table in the kernel.
   *
   * @param from what it was made of; empty: found in the kernel
   * @param over the service as it was when the table was found to be right for it
   */
  record Placed(
      MaglevTable table,
      Span span,
      String digest,
      Optional<LutTarget> from,
      Optional<Installed> over) {
    /** Without looking at each slot: it was made of this very target, for this very service. */
    boolean isRight(LutTarget target, Installed service) {
      return from.filter(made -> made == target).isPresent()
          && over.filter(known -> known == service).isPresent();
    }
  }

  private final Map<Integer, Placed> placed = new HashMap<>();

  /** Service IDs that have a table although they should not. */
  private final Set<Integer> strays = new LinkedHashSet<>();

  /** Families whose backends array has no free span that is long enough for a table. */
  private final Set<Family> scattered = EnumSet.noneOf(Family.class);

  Optional<Placed> get(int service) {
    return Optional.ofNullable(placed.get(service));
  }

  Set<Integer> strays() {
    return strays;
  }

  void stray(int service) {
    strays.add(service);
  }

  /** A table finds no room. */
  void lacksRoom(Family family) {
    scattered.add(family);
  }

  /** Where tables found no room; told once. */
  Set<Family> takeScattered() {
    Set<Family> families = Set.copyOf(scattered);
    scattered.clear();
    return families;
  }

  /**
   * A table takes its place.
   *
   * @return the span of the one before, if nothing points at it any more
   */
  Optional<Retired> put(int service, Placed table) {
    return Optional.ofNullable(placed.put(service, table))
        .map(Placed::span)
        .filter(span -> !span.elements().isEmpty() && !span.equals(table.span()))
        .map(span -> span.retired(service));
  }

  /** A table goes, and with it what {@link #put} tells of. */
  Optional<Retired> remove(int service) {
    return Optional.ofNullable(placed.remove(service))
        .map(Placed::span)
        .filter(span -> !span.elements().isEmpty())
        .map(span -> span.retired(service));
  }
}
