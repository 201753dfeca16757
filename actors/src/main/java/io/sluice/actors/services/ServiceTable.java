// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.Family;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the kernel's service maps hold, and why: the syncer's knowledge between two rounds. Pure
 * data; {@link SyncRound} decides what changes.
 */
final class ServiceTable {
  /**
   * A span that nothing points at any more. Programs that read the service just before may still
   * read it, so it rests before it is zeroed and free.
   *
   * @param service whose it was; 0: nobody's
   * @param ids the backend IDs in it
   */
  record Retired(Family family, int base, int count, int service, List<Integer> ids) {
    Retired {
      ids = List.copyOf(ids);
    }
  }

  /** Promises that nothing in the kernel stands behind any more. */
  record Freed(
      Set<String> services,
      Set<String> backends,
      Set<Integer> unblockServices,
      Set<Integer> unblockBackends) {}

  private record Resting(Retired span, long until) {}

  private final Map<ServiceName, Installed> services = new TreeMap<>();
  private final Map<Integer, Installed> orphans = new LinkedHashMap<>();
  private final FrontendTable frontends = new FrontendTable();
  private final Map<Integer, Integer> gens;
  private final Map<Family, SpanAllocator> spans = new EnumMap<>(Family.class);

  private final LutTable luts = new LutTable();
  private final RangeTable ranges = new RangeTable();

  /** Services that have lost a frontend, and had no room yet for what ends its flows. */
  private final Set<ServiceName> owing = new HashSet<>();

  /** Promised service IDs, by name. */
  private final Map<ServiceName, Integer> serviceIds = new HashMap<>();

  /** Promised backend IDs, by key, and the other way round. */
  private final Map<String, Integer> backendIds = new HashMap<>();

  private final Map<Integer, String> backendKeys = new HashMap<>();

  /** How many spans bear an ID. */
  private final Map<Integer, Integer> references = new HashMap<>();

  /** Spans retired by the round under way: they begin to rest when it is done. */
  private final List<Retired> retiring = new ArrayList<>();

  private final Deque<Resting> resting = new ArrayDeque<>();

  /** Backend IDs that were found alive in the kernel although nobody's backend bears them. */
  private final Set<Integer> stale = new LinkedHashSet<>();

  ServiceTable(Map<Integer, Integer> gens, Map<Family, Integer> sizes) {
    this.gens = new HashMap<>(gens);
    sizes.forEach((family, size) -> spans.put(family, new SpanAllocator(size)));
  }

  Map<ServiceName, Installed> services() {
    return services;
  }

  /** Services in the kernel of which nobody knows whose they are, by ID. */
  Map<Integer, Installed> orphans() {
    return orphans;
  }

  FrontendTable frontends() {
    return frontends;
  }

  Map<ServiceName, Integer> serviceIds() {
    return serviceIds;
  }

  Map<String, Integer> backendIds() {
    return backendIds;
  }

  Set<Integer> stale() {
    return stale;
  }

  LutTable luts() {
    return luts;
  }

  RangeTable ranges() {
    return ranges;
  }

  Set<ServiceName> owing() {
    return owing;
  }

  /** The key under which a backend ID is promised; null: it is not. */
  String keyOf(int id) {
    return backendKeys.get(id);
  }

  SpanAllocator spans(Family family) {
    return spans.get(family);
  }

  void promise(String key, int id) {
    backendIds.put(key, id);
    backendKeys.put(id, key);
  }

  int gen(int id) {
    return gens.getOrDefault(id, 0);
  }

  /** The next generation of a backend; the caller writes it. */
  int bump(int id) {
    return gens.merge(id, 1, Integer::sum);
  }

  void refer(Collection<Integer> ids) {
    ids.forEach(id -> references.merge(id, 1, Integer::sum));
  }

  void retire(Retired span) {
    retiring.add(span);
  }

  /** The span of a service that has another one, or none, from now on. */
  void retire(Installed service) {
    retire(
        new Retired(
            service.family(),
            service.base(),
            service.span().length(),
            service.id(),
            List.copyOf(service.ids())));
  }

  /** What was retired in this round is due at {@code until}; later rounds give higher numbers. */
  void rest(long until) {
    retiring.forEach(span -> resting.add(new Resting(span, until)));
    retiring.clear();
  }

  boolean anyResting() {
    return !resting.isEmpty();
  }

  /** The spans that have rested until {@code now}. They stay taken until {@link #free}. */
  List<Retired> takeDue(long now) {
    List<Retired> due = new ArrayList<>();
    while (!resting.isEmpty() && resting.getFirst().until() - now <= 0) {
      due.add(resting.removeFirst().span());
    }
    return due;
  }

  /**
   * Spans that are zeroed now.
   *
   * @return promises that may go with them
   */
  Freed free(List<Retired> zeroed) {
    Set<String> backends = new LinkedHashSet<>();
    Set<Integer> unblockBackends = new LinkedHashSet<>();
    Set<Integer> ids = new LinkedHashSet<>();
    for (Retired span : zeroed) {
      spans.get(span.family()).release(span.base(), span.count());
      ids.add(span.service());
      for (int id : span.ids()) {
        if (references.merge(id, -1, Integer::sum) > 0) {
          continue;
        }
        references.remove(id);
        String key = backendKeys.remove(id);
        if (key == null) {
          unblockBackends.add(id);
        } else {
          backendIds.remove(key);
          backends.add(key);
        }
      }
    }
    Set<String> services = new LinkedHashSet<>();
    releaseNames(ids, services);
    return new Freed(services, backends, ids, unblockBackends);
  }

  /** Releases the names of services that are gone; of {@code ids}, those without name stay. */
  private void releaseNames(Set<Integer> ids, Set<String> released) {
    resting.forEach(span -> ids.remove(span.span().service()));
    retiring.forEach(span -> ids.remove(span.service()));
    services.values().forEach(service -> ids.remove(service.id()));
    ids.removeAll(orphans.keySet());
    ids.remove(0);
    if (ids.isEmpty()) {
      return;
    }
    Set<ServiceName> gone = new HashSet<>();
    serviceIds.forEach(
        (name, id) -> {
          if (ids.remove(id)) {
            gone.add(name);
          }
        });
    for (ServiceName name : gone) {
      serviceIds.remove(name);
      released.add(name.text());
    }
  }

  /** Whose a service ID is. */
  Optional<ServiceName> name(int service) {
    return services.entrySet().stream()
        .filter(entry -> entry.getValue().id() == service)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** The element for a backend, of the generation that is alive. */
  Backend element(int service, Installed.Slot slot) {
    Endpoint endpoint = slot.endpoint();
    int flags = endpoint.local() ? BackendFlags.BACKEND_LOCAL : 0;
    return new Backend(endpoint.ip(), endpoint.port(), flags, service, slot.id(), gen(slot.id()));
  }
}
