// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.Installed.Slot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * One round: from what is wanted and what is in the kernel to the steps between. Each step is
 * written whole before the next begins, so that at every moment what a frontend leads to is there
 * (SVC-3):
 *
 * <ol>
 *   <li>elements of new spans, which nothing points at yet
 *   <li>services, which now point at them
 *   <li>generations of backends that their service has no more
 *   <li>Maglev tables, over spans that are written by now
 *   <li>frontends
 *   <li>generation 0, so that flows older than a frontend notice it
 *   <li>removal of frontends
 *   <li>generations of all backends of services that go
 *   <li>removal of Maglev tables
 *   <li>removal of these services
 * </ol>
 *
 * <p>Old spans then rest, and are zeroed later. The table is changed as if the steps had been
 * taken; who cannot take them begins anew from the kernel.
 */
final class SyncRound {
  /** A step: its writes may happen in any order. */
  record Step(String name, Writes writes) {}

  /**
   * @param steps in order
   * @param addsFrontends whether flows older than their service must be told
   * @param again services that are removed now, and added in a further round
   */
  record Outcome(List<Step> steps, boolean addsFrontends, Set<ServiceName> again) {}

  private record Change(ServiceName name, List<Endpoint> backends, int id, int base) {}

  /** Elements that one round moves, at most, to bring free ones together. */
  private static final int MOST_MOVED = 10_000;

  private final ServiceTable table;
  private final Scope scope;
  private final Set<ServiceName> looked;

  /** Of those looked at, what is wanted: as it was when the round began. */
  private final Map<ServiceName, WantedService> wanted = new LinkedHashMap<>();

  private final LutRound luts;
  private final Map<ServiceName, String> problems = new TreeMap<>();

  /** Who may have a frontend of those looked at, as it was when the round began. */
  private final Map<FrontendKey, ServiceName> claims = new HashMap<>();

  private final Map<ServiceName, List<Endpoint>> toWrite = new LinkedHashMap<>();
  private final Set<ServiceName> toRemove = new LinkedHashSet<>();
  private final List<Change> changes = new ArrayList<>();

  /** Families whose backends array has no free span that is long enough. */
  private final Set<Family> scattered = EnumSet.noneOf(Family.class);

  private final Set<ServiceName> again = new LinkedHashSet<>();

  /** How much of what is in the kernel a round looks at. */
  enum Scope {
    /** The services that changed, and their frontends. */
    CHANGED,
    /** Also frontends that lead to no service that is known: the first round's sweep (AG-3). */
    WHOLE
  }

  /**
   * @param demand gives what is wanted, and what changed; it may change during the round
   */
  SyncRound(ServiceTable table, Demand demand, LutRound luts, Scope scope) {
    this.table = table;
    this.luts = luts;
    this.scope = scope;
    this.looked = demand.take();
    for (ServiceName name : looked) {
      demand.get(name).ifPresent(service -> wanted.put(name, service));
      Installed installed = table.services().get(name);
      if (installed != null) {
        table.frontends().of(installed.id()).forEach(key -> note(demand, key));
      }
    }
    wanted.values().forEach(service -> claim(demand, service));
    wanted.values().forEach(this::compare);
    for (ServiceName name : looked) {
      if (!wanted.containsKey(name) && table.services().containsKey(name)) {
        toRemove.add(name);
      }
    }
  }

  private void note(Demand demand, FrontendKey key) {
    demand.holder(key).ifPresent(holder -> claims.put(key, holder));
  }

  private void claim(Demand demand, WantedService service) {
    for (FrontendKey key : service.frontends().keySet()) {
      note(demand, key);
      ServiceName holder = claims.get(key);
      if (!service.name().equals(holder)) {
        problems.put(
            service.name(),
            String.format("%s:%d is %s's already", key.addr(), key.port(), holder.text()));
      }
    }
  }

  private void compare(WantedService service) {
    Installed installed = table.services().get(service.name());
    List<Endpoint> backends = service.backends();
    boolean reachable =
        service.frontends().keySet().stream().anyMatch(key -> claimed(key, service.name()));
    if (installed == null) {
      if (reachable) {
        toWrite.put(service.name(), backends);
      }
      return;
    }
    if (!reachable) {
      toRemove.add(service.name());
      return;
    }
    if (losesFrontend(service, installed)) {
      // Its flows must end with the frontend, so all its backends get new generations: it goes,
      // and comes again.
      toRemove.add(service.name());
      again.add(service.name());
      return;
    }
    if (service.keepsLast() && backends.isEmpty()) {
      backends = installed.endpoints();
    }
    if (installed.broken()
        || !new HashSet<>(installed.endpoints()).equals(new HashSet<>(backends))) {
      toWrite.put(service.name(), backends);
    }
  }

  private boolean claimed(FrontendKey key, ServiceName name) {
    return name.equals(claims.get(key));
  }

  private boolean losesFrontend(WantedService service, Installed installed) {
    return table.frontends().of(installed.id()).stream()
        .anyMatch(key -> !claimed(key, service.name()));
  }

  /** The services that this round has looked at, in order. */
  Set<ServiceName> looked() {
    return looked;
  }

  /** Who has that frontend, of those who want it; it is wanted by somebody. */
  ServiceName holder(FrontendKey key) {
    return claims.get(key);
  }

  /** What could not be done, in words, by service. */
  Map<ServiceName, String> problems() {
    return problems;
  }

  /** Services that need a number first; keys of promises. */
  List<String> needServices() {
    return toWrite.keySet().stream()
        .filter(name -> !table.serviceIds().containsKey(name))
        .map(ServiceName::text)
        .toList();
  }

  /** Takes the numbers, and a span for each service that is to be written. */
  void giveServices(Map<String, Integer> ids) {
    ids.forEach((text, id) -> table.serviceIds().put(ServiceName.parse(text), id));
    toWrite.forEach(
        (name, backends) -> {
          Integer id = table.serviceIds().get(name);
          if (id == null) {
            problems.put(name, "no service ID is left: map services is full");
            return;
          }
          OptionalInt base =
              backends.isEmpty()
                  ? OptionalInt.of(0)
                  : table.spans(name.family()).allocate(backends.size());
          if (base.isEmpty()) {
            problems.put(name, full(name, backends.size()));
            scattered.add(name.family());
            return;
          }
          changes.add(new Change(name, backends, id, base.getAsInt()));
        });
    scattered.addAll(table.luts().takeScattered());
    scattered.forEach(this::gather);
  }

  /**
   * Moves spans from the end of an array to free places before them, so that what is free comes
   * together. Whoever was refused finds it when the old spans have rested.
   */
  private void gather(Family family) {
    List<ServiceName> last =
        table.services().entrySet().stream()
            .filter(entry -> entry.getKey().family() == family && entry.getValue().count() > 0)
            .filter(entry -> !toWrite.containsKey(entry.getKey()))
            .filter(entry -> !toRemove.contains(entry.getKey()))
            .sorted(Comparator.comparing(entry -> -entry.getValue().base()))
            .map(Map.Entry::getKey)
            .toList();
    int moved = 0;
    for (ServiceName name : last) {
      Installed service = table.services().get(name);
      OptionalInt base = table.spans(family).allocateBelow(service.count(), service.base());
      if (base.isPresent()) {
        changes.add(new Change(name, service.endpoints(), service.id(), base.getAsInt()));
        moved += service.count();
      }
      if (moved >= MOST_MOVED) {
        return;
      }
    }
  }

  private String full(ServiceName name, int count) {
    SpanAllocator spans = table.spans(name.family());
    return String.format(
        "map backends%d has no %d elements in a row for it (%d of %d used)",
        name.family().number(), count, spans.used(), spans.size());
  }

  /** Backends that need a number; keys of promises. */
  List<String> needBackends() {
    List<String> keys = new ArrayList<>();
    for (Change change : changes) {
      for (Endpoint endpoint : change.backends()) {
        String key = endpoint.key(change.id());
        if (!table.backendIds().containsKey(key)) {
          keys.add(key);
        }
      }
    }
    keys.addAll(luts.needBackends(table, toWrite::containsKey));
    return keys;
  }

  /** Takes the numbers, changes the table, and says what is to be written. */
  Outcome finish(Map<String, Integer> ids) {
    ids.forEach(table::promise);
    Writes elements = new Writes();
    Writes services = new Writes();
    Writes bumps = new Writes();
    Writes frontends = new Writes();
    Writes zeroth = new Writes();
    Writes noFrontends = new Writes();
    Writes lastBumps = new Writes();
    Writes noServices = new Writes();
    Writes tables = new Writes();
    Writes noTables = new Writes();

    table.luts().strays().forEach(elements::removeLut);
    table.luts().strays().clear();
    table.stale().forEach(id -> bumps.putGen(id, table.bump(id)));
    table.stale().clear();
    changes.forEach(change -> apply(change, elements, services, bumps));
    luts.write(table, toRemove, elements, tables, problems);
    luts.remove(table, noTables);
    Collection<FrontendKey> present = presentFrontends();
    Map<FrontendKey, Frontend> desired = desiredFrontends();
    desired.forEach(
        (key, value) -> {
          if (table.frontends().put(key, value)) {
            frontends.putFrontend(key, value);
          }
        });
    for (FrontendKey key : present) {
      if (!desired.containsKey(key)) {
        table.frontends().remove(key);
        noFrontends.removeFrontend(key);
      }
    }
    for (ServiceName name : toRemove) {
      remove(table.services().remove(name), lastBumps, noTables, noServices);
    }
    table.orphans().values().forEach(orphan -> remove(orphan, lastBumps, noTables, noServices));
    table.orphans().clear();

    boolean adds = !frontends.isEmpty();
    if (adds) {
      zeroth.putGen(0, table.bump(0));
    }
    List<Step> steps = new ArrayList<>();
    add(steps, "backends", elements);
    add(steps, "services", services);
    add(steps, "generations", bumps);
    add(steps, "maglev tables", tables);
    add(steps, "frontends", frontends);
    add(steps, "generation of frontends", zeroth);
    add(steps, "frontends to remove", noFrontends);
    add(steps, "generations of what goes", lastBumps);
    add(steps, "maglev tables to remove", noTables);
    add(steps, "services to remove", noServices);
    return new Outcome(steps, adds, again);
  }

  private void apply(Change change, Writes elements, Writes services, Writes bumps) {
    ServiceName name = change.name();
    List<Slot> slots = new ArrayList<>();
    for (Endpoint endpoint : change.backends()) {
      Integer id = table.backendIds().get(endpoint.key(change.id()));
      if (id == null) {
        table.spans(name.family()).release(change.base(), change.backends().size());
        problems.put(name, "no backend ID is left: map backend_gen is full");
        return;
      }
      slots.add(new Slot(endpoint, id));
    }
    Installed old = table.services().get(name);
    Installed now =
        new Installed(
            change.id(), name.family(), name.owner(), change.base(), slots.size(), slots, false);
    Set<Integer> alive = new HashSet<>();
    slots.forEach(slot -> alive.add(slot.id()));
    if (old != null) {
      for (Slot slot : old.slots()) {
        if (!alive.contains(slot.id())) {
          bumps.putGen(slot.id(), table.bump(slot.id()));
        }
      }
      table.retire(old);
    }
    table.refer(alive);
    for (int i = 0; i < slots.size(); i++) {
      elements.putBackend(name.family(), now.base() + i, table.element(now.id(), slots.get(i)));
    }
    services.putService(now);
    table.services().put(name, now);
  }

  /** The frontends in the kernel that this round decides on. */
  private Collection<FrontendKey> presentFrontends() {
    if (scope == Scope.WHOLE) {
      return table.frontends().keys();
    }
    List<FrontendKey> present = new ArrayList<>();
    for (ServiceName name : looked) {
      Installed installed = table.services().get(name);
      if (installed != null) {
        present.addAll(table.frontends().of(installed.id()));
      }
    }
    return present;
  }

  private Map<FrontendKey, Frontend> desiredFrontends() {
    Map<FrontendKey, Frontend> desired = new LinkedHashMap<>();
    for (WantedService service : wanted.values()) {
      Installed installed = table.services().get(service.name());
      if (installed == null || toRemove.contains(service.name())) {
        continue;
      }
      service
          .frontends()
          .forEach(
              (key, flags) -> {
                Frontend value = new Frontend(installed.id(), flags);
                // What an interrupted round left behind gets no frontends before it is mended.
                boolean whole = !installed.broken() || value.equals(table.frontends().get(key));
                if (claimed(key, service.name()) && whole) {
                  desired.put(key, value);
                }
              });
    }
    return desired;
  }

  private void remove(Installed service, Writes bumps, Writes noTables, Writes noServices) {
    LutRound.remove(table, service.id(), noTables);
    service.slots().forEach(slot -> bumps.putGen(slot.id(), table.bump(slot.id())));
    noServices.removeService(service.id());
    table.retire(service);
  }

  private static void add(List<Step> steps, String name, Writes writes) {
    if (!writes.isEmpty()) {
      steps.add(new Step(name, writes));
    }
  }
}
