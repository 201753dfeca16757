// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.Installed.Slot;
import io.sluice.actors.services.Installed.Span;
import io.sluice.actors.services.Installed.Traits;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.SourceRangeKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
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
 *   <li>generations of backends that their service has no more, in either part of its span
 *   <li>Maglev tables, over spans that are written by now
 *   <li>source ranges, before the frontends that let nobody else in
 *   <li>frontends
 *   <li>generation 0, so that flows older than a frontend notice it
 *   <li>removal of frontends
 *   <li>removal of source ranges
 *   <li>generations of all backends of services that go, and of those below
 *   <li>removal of Maglev tables
 *   <li>removal of these services
 * </ol>
 *
 * <p>Flows to a frontend that its service loses must end with it, and those to the others must not
 * be without a backend for a moment. So such a service is written afresh: its backends get other
 * IDs ({@link Endpoint#otherKey}), and once the frontend is gone, the generations of those before.
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
   */
  record Outcome(List<Step> steps, boolean addsFrontends) {}

  /**
   * What a service's span is to hold.
   *
   * @param afresh all backends get other IDs than they have
   */
  private record Content(
      List<Endpoint> cluster, List<Endpoint> local, Traits traits, boolean afresh) {
    Span at(int base) {
      return new Span(base, cluster.size(), local.size());
    }

    int length() {
      return cluster.size() + local.size();
    }
  }

  /**
   * @param keys of the promises of the backends' IDs
   */
  private record Change(
      ServiceName name, Content content, int id, Span span, Map<Endpoint, String> keys) {}

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

  private final Map<ServiceName, Content> toWrite = new LinkedHashMap<>();

  /** Services whose backends stay where they are. */
  private final Map<ServiceName, Traits> toAlter = new LinkedHashMap<>();

  private final Set<ServiceName> toRemove = new LinkedHashSet<>();
  private final List<Change> changes = new ArrayList<>();

  /** Families whose backends array has no free span that is long enough. */
  private final Set<Family> scattered = EnumSet.noneOf(Family.class);

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
    ServiceName name = service.name();
    Installed installed = table.services().get(name);
    Traits traits = new Traits(luts.wished().contains(name), service.affinitySeconds());
    boolean reachable = service.frontends().keySet().stream().anyMatch(key -> claimed(key, name));
    if (!reachable) {
      if (installed != null) {
        toRemove.add(name);
      }
      return;
    }
    if (installed == null) {
      toWrite.put(name, new Content(service.cluster(), service.local(), traits, false));
      return;
    }
    List<Endpoint> cluster = service.cluster();
    if (service.keepsLast() && cluster.isEmpty()) {
      cluster = installed.clusterEndpoints();
    }
    boolean afresh = losesFrontend(service, installed) || table.owing().contains(name);
    boolean same =
        !installed.broken()
            && installed.clusterEndpoints().equals(cluster)
            && installed.localEndpoints().equals(service.local());
    if (afresh || !same) {
      toWrite.put(name, new Content(cluster, service.local(), traits, afresh));
    } else if (!installed.traits().equals(traits)) {
      toAlter.put(name, traits);
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
        (name, content) -> {
          Integer id = table.serviceIds().get(name);
          if (id == null) {
            problems.put(name, "no service ID is left: map services is full");
            return;
          }
          OptionalInt base =
              content.length() == 0
                  ? OptionalInt.of(0)
                  : table.spans(name.family()).allocate(content.length());
          if (base.isEmpty()) {
            refuse(name, content, full(name, content.length()));
            scattered.add(name.family());
            return;
          }
          changes.add(change(name, content, id, base.getAsInt()));
        });
    scattered.addAll(table.luts().takeScattered());
    scattered.forEach(this::gather);
  }

  /** The service stays as it was. */
  private void refuse(ServiceName name, Content content, String problem) {
    problems.put(name, problem);
    if (content.afresh()) {
      table.owing().add(name);
    }
  }

  /** A backend keeps the key that its ID has, unless it is to get another. */
  private Change change(ServiceName name, Content content, int id, int base) {
    Map<String, String> before = new HashMap<>();
    Installed installed = table.services().get(name);
    if (installed != null) {
      installed
          .slots()
          .forEach(slot -> before.put(slot.endpoint().key(id), table.keyOf(slot.id())));
    }
    Map<Endpoint, String> keys = new LinkedHashMap<>();
    for (List<Endpoint> window : List.of(content.cluster(), content.local())) {
      for (Endpoint endpoint : window) {
        String key = endpoint.key(id);
        String has = before.get(key);
        if (has != null) {
          boolean other = has.equals(key) == content.afresh();
          keys.put(endpoint, other ? endpoint.otherKey(id) : key);
        } else {
          keys.put(endpoint, key);
        }
      }
    }
    return new Change(name, content, id, content.at(base), keys);
  }

  /**
   * Moves spans from the end of an array to free places before them, so that what is free comes
   * together. Whoever was refused finds it when the old spans have rested.
   */
  private void gather(Family family) {
    List<ServiceName> last =
        table.services().entrySet().stream()
            .filter(
                entry -> entry.getKey().family() == family && entry.getValue().span().length() > 0)
            .filter(entry -> !toWrite.containsKey(entry.getKey()))
            .filter(entry -> !toRemove.contains(entry.getKey()))
            .sorted(Comparator.comparing(entry -> -entry.getValue().base()))
            .map(Map.Entry::getKey)
            .toList();
    int moved = 0;
    for (ServiceName name : last) {
      Installed service = table.services().get(name);
      int length = service.span().length();
      OptionalInt base = table.spans(family).allocateBelow(length, service.base());
      if (base.isPresent()) {
        Traits traits = toAlter.getOrDefault(name, service.traits());
        toAlter.remove(name);
        Content content =
            new Content(service.clusterEndpoints(), service.localEndpoints(), traits, false);
        changes.add(change(name, content, service.id(), base.getAsInt()));
        moved += length;
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
      change.keys().values().stream()
          .filter(key -> !table.backendIds().containsKey(key))
          .forEach(keys::add);
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
    Writes tables = new Writes();
    Writes ranges = new Writes();
    Writes frontends = new Writes();
    Writes zeroth = new Writes();
    Writes noFrontends = new Writes();
    Writes noRanges = new Writes();
    Writes lastBumps = new Writes();
    Writes noTables = new Writes();
    Writes noServices = new Writes();

    table.luts().strays().forEach(elements::removeLut);
    table.luts().strays().clear();
    table.stale().forEach(id -> bumps.putGen(id, table.bump(id)));
    table.stale().clear();
    toAlter.forEach((name, traits) -> alter(name, traits, services));
    changes.forEach(change -> apply(change, elements, services, bumps, lastBumps));
    luts.write(table, toRemove, elements, tables, problems);
    luts.remove(table, noTables);
    syncRanges(ranges, noRanges);
    boolean adds = syncFrontends(frontends, noFrontends);
    for (ServiceName name : toRemove) {
      table.owing().remove(name);
      remove(table.services().remove(name), lastBumps, noTables, noServices);
    }
    table.orphans().values().forEach(orphan -> remove(orphan, lastBumps, noTables, noServices));
    table.orphans().clear();

    if (adds) {
      zeroth.putGen(0, table.bump(0));
    }
    List<Step> steps = new ArrayList<>();
    add(steps, "backends", elements);
    add(steps, "services", services);
    add(steps, "generations", bumps);
    add(steps, "maglev tables", tables);
    add(steps, "source ranges", ranges);
    add(steps, "frontends", frontends);
    add(steps, "generation of frontends", zeroth);
    add(steps, "frontends to remove", noFrontends);
    add(steps, "source ranges to remove", noRanges);
    add(steps, "generations of what goes", lastBumps);
    add(steps, "maglev tables to remove", noTables);
    add(steps, "services to remove", noServices);
    return new Outcome(steps, adds);
  }

  private void alter(ServiceName name, Traits traits, Writes services) {
    Installed now = table.services().get(name).with(traits);
    services.putService(now);
    table.services().put(name, now);
  }

  private void apply(
      Change change, Writes elements, Writes services, Writes bumps, Writes lastBumps) {
    ServiceName name = change.name();
    Content content = change.content();
    Map<Endpoint, Slot> slots = new HashMap<>();
    for (Map.Entry<Endpoint, String> key : change.keys().entrySet()) {
      Integer id = table.backendIds().get(key.getValue());
      if (id == null) {
        table.spans(name.family()).release(change.span().base(), change.span().length());
        refuse(name, content, "no backend ID is left: map backend_gen is full");
        return;
      }
      slots.put(key.getKey(), new Slot(key.getKey(), id));
    }
    Installed now =
        new Installed(
            change.id(),
            name.family(),
            name.owner(),
            change.span(),
            content.cluster().stream().map(slots::get).toList(),
            content.local().stream().map(slots::get).toList(),
            content.traits(),
            false);
    Installed old = table.services().get(name);
    if (old != null) {
      Set<Integer> gone = old.ids();
      gone.removeAll(now.ids());
      // Those of a service that is written afresh die when the frontend that it loses is gone.
      Writes last = content.afresh() ? lastBumps : bumps;
      gone.forEach(id -> last.putGen(id, table.bump(id)));
      table.retire(old);
    }
    table.owing().remove(name);
    table.refer(now.ids());
    int element = now.base();
    for (Slot slot : (Iterable<Slot>) now.slots()::iterator) {
      elements.putBackend(name.family(), element++, table.element(now.id(), slot));
    }
    services.putService(now);
    table.services().put(name, now);
  }

  // Frontends, and who may use them.

  /** Whether flows that are older than a frontend must be told of it. */
  private boolean syncFrontends(Writes puts, Writes removes) {
    boolean adds = false;
    Collection<FrontendKey> present = presentFrontends();
    Map<FrontendKey, Frontend> desired = desiredFrontends();
    for (Map.Entry<FrontendKey, Frontend> entry : desired.entrySet()) {
      FrontendKey key = entry.getKey();
      Frontend value = entry.getValue();
      Frontend before = table.frontends().get(key);
      if (table.frontends().put(key, value)) {
        puts.putFrontend(key, value);
        adds |= before == null || before.service() != value.service();
      }
    }
    for (FrontendKey key : present) {
      if (!desired.containsKey(key)) {
        table.frontends().remove(key);
        removes.removeFrontend(key);
      }
    }
    return adds;
  }

  private void syncRanges(Writes puts, Writes removes) {
    Set<SourceRangeKey> present = new LinkedHashSet<>();
    if (scope == Scope.WHOLE) {
      present.addAll(table.ranges().keys());
    }
    Set<SourceRangeKey> desired = new LinkedHashSet<>();
    for (ServiceName name : looked) {
      Installed installed = table.services().get(name);
      if (installed != null) {
        present.addAll(table.ranges().of(installed.id()));
        if (!toRemove.contains(name) && wanted.containsKey(name)) {
          desired.addAll(ranges(wanted.get(name), installed.id()));
        }
      }
    }
    desired.stream().filter(table.ranges()::put).forEach(puts::putRange);
    present.removeAll(desired);
    present.forEach(table.ranges()::remove);
    present.forEach(removes::removeRange);
  }

  private static List<SourceRangeKey> ranges(WantedService service, int id) {
    return service.sourceRanges().stream()
        .map(
            range ->
                new SourceRangeKey(
                    Integer.SIZE + range.prefix(), id, ServiceRules.ip(range.address())))
        .toList();
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
    service.ids().forEach(id -> bumps.putGen(id, table.bump(id)));
    noServices.removeService(service.id());
    table.retire(service);
  }

  private static void add(List<Step> steps, String name, Writes writes) {
    if (!writes.isEmpty()) {
      steps.add(new Step(name, writes));
    }
  }
}
