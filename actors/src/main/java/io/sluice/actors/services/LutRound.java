// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.LutTable.Placed;
import io.sluice.actors.services.LutTable.Span;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What a round does about Maglev tables. A table is written once its service has, on this node, the
 * very backends that the cluster agreed on; until then the one before stays, over its own span.
 *
 * @param wished services that are to have one
 * @param targets what the cluster agreed on, where that is known yet
 */
record LutRound(Set<ServiceName> wished, Map<ServiceName, LutTarget> targets) {
  /**
   * Former backends that need a number: those that this node has never had as the service's. Keys
   * of promises.
   *
   * @param changing services whose backends this round changes
   */
  List<String> needBackends(ServiceTable table, Predicate<ServiceName> changing) {
    List<String> keys = new ArrayList<>();
    for (ServiceName name : wished) {
      Integer id = table.serviceIds().get(name);
      LutTarget target = targets.get(name);
      if (id == null || target == null || target.formers().gone().isEmpty()) {
        continue;
      }
      Installed service = table.services().get(name);
      Optional<Placed> before = table.luts().get(id);
      if (service != null && before.filter(b -> b.isRight(target, service)).isPresent()) {
        continue;
      }
      if (changing.test(name)
          || (service != null && Luts.members(service).keySet().equals(Luts.members(target)))) {
        Map<Endpoint, Backend> known = known(before);
        Luts.gone(target).stream()
            .filter(endpoint -> !known.containsKey(endpoint))
            .map(endpoint -> endpoint.key(id))
            .filter(key -> !table.backendIds().containsKey(key))
            .forEach(keys::add);
      }
    }
    return keys;
  }

  /**
   * Writes what changed, after the services' new spans.
   *
   * @param going services that this round removes
   * @param elements of tables' spans: before the tables
   * @param problems what could not be done, in words
   */
  void write(
      ServiceTable table,
      Set<ServiceName> going,
      Writes elements,
      Writes tables,
      Map<ServiceName, String> problems) {
    for (ServiceName name : wished) {
      Installed service = table.services().get(name);
      LutTarget target = targets.get(name);
      if (service == null || target == null || going.contains(name)) {
        continue;
      }
      Optional<Placed> before = table.luts().get(service.id());
      if (before.filter(placed -> placed.isRight(target, service)).isEmpty()) {
        String problem = write(table, service, target, before, elements, tables);
        if (!problem.isEmpty()) {
          problems.put(name, problem);
        }
      }
    }
  }

  private String write(
      ServiceTable table,
      Installed service,
      LutTarget target,
      Optional<Placed> before,
      Writes elements,
      Writes tables) {
    Map<Endpoint, Installed.Slot> members = Luts.members(service);
    if (!members.keySet().equals(Luts.members(target))) {
      return "";
    }
    List<Backend> content = new ArrayList<>();
    members.values().forEach(slot -> content.add(table.element(service.id(), slot)));
    Map<Endpoint, Backend> known = known(before);
    for (Endpoint endpoint : Luts.gone(target)) {
      Backend element = gone(table, service.id(), endpoint, known.get(endpoint));
      if (element == null) {
        return "its Maglev table waits: no backend ID is left: map backend_gen is full";
      }
      content.add(element);
    }
    Optional<Span> same = before.map(Placed::span).filter(s -> s.elements().equals(content));
    Span span = same.orElse(null);
    if (span == null) {
      OptionalInt base =
          content.isEmpty()
              ? OptionalInt.of(0)
              : table.spans(service.family()).allocate(content.size());
      if (base.isEmpty()) {
        table.luts().lacksRoom(service.family());
        return "its Maglev table waits: map backends%d has no %d elements in a row for it"
            .formatted(service.family().number(), content.size());
      }
      span = new Span(service.family(), base.getAsInt(), content);
      table.refer(span.ids());
      for (int i = 0; i < content.size(); i++) {
        elements.putBackend(service.family(), span.base() + i, content.get(i));
      }
    }
    MaglevTable lut = Luts.over(span.base(), target);
    if (before.filter(placed -> placed.table().equals(lut)).isEmpty()) {
      tables.putLut(service.id(), lut);
    }
    table
        .luts()
        .put(
            service.id(),
            new Placed(lut, span, target.digest(), Optional.of(target), Optional.of(service)))
        .ifPresent(table::retire);
    return "";
  }

  /** The elements of the table that is there, by where they lead. */
  private static Map<Endpoint, Backend> known(Optional<Placed> before) {
    Map<Endpoint, Backend> known = new LinkedHashMap<>();
    before.ifPresent(
        placed ->
            placed
                .span()
                .elements()
                .forEach(
                    element -> known.put(new Endpoint(element.addr(), element.port()), element)));
    return known;
  }

  /**
   * The element of a former backend that is not the service's any more: of a generation that is
   * dead, so that nothing chooses it but a slot that remembers it.
   *
   * @param known as the table before has it; null: it has not
   * @return null if it has no number
   */
  private static Backend gone(ServiceTable table, int service, Endpoint endpoint, Backend known) {
    if (known != null && known.gen() != table.gen(known.id())) {
      return known;
    }
    Integer id =
        known == null ? table.backendIds().get(endpoint.key(service)) : (Integer) known.id();
    return id == null
        ? null
        : new Backend(
            endpoint.ip(),
            endpoint.port(),
            known == null ? 0 : known.flags(),
            service,
            id,
            table.gen(id) - 1);
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
