// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.Installed.Slot;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a starting agent makes of the service maps that it finds, of the journal, and of what is
 * wanted: which numbers stay, whose each service in the kernel is, and what nobody knows.
 *
 * <p>The kernel is never trusted with less than two witnesses. A service ID stays a service's if
 * the owner recorded beside it says so, and no frontend of another service leads to it; if the
 * journal says otherwise, or an ID is found under two services, neither keeps it (SVC-2). Where the
 * journal knows nothing (it was lost), the owner recorded in the kernel decides. Backend IDs
 * likewise.
 *
 * <p>All else in the kernel is left as it is, its numbers are blocked, and the first round of
 * syncing removes it in order. If nothing is left over and nothing changed, that round is empty.
 */
final class Adoption {
  /**
   * @param table what is in the kernel
   * @param serviceIds promises, by name
   * @param backendIds promises, by key
   * @param blockedServices IDs that stay out of use until they are swept
   * @param blockedBackends likewise
   * @param notes what was found wrong, in words
   */
  record Result(
      ServiceTable table,
      Map<String, Integer> serviceIds,
      Map<String, Integer> backendIds,
      Set<Integer> blockedServices,
      Set<Integer> blockedBackends,
      List<String> notes) {}

  private final KernelView kernel;
  private final Map<String, Integer> heldServices;
  private final Map<String, Integer> heldBackends;
  private final Map<FrontendKey, ServiceName> wantedFrontends = new HashMap<>();
  private final Map<Long, ServiceName> names = new HashMap<>();
  private final Set<ServiceName> wantedNames = new HashSet<>();

  private final ServiceTable table;
  private final Map<ServiceName, Integer> services = new TreeMap<>();
  private final Map<String, Integer> backends = new LinkedHashMap<>();
  private final Set<Integer> blockedServices = new LinkedHashSet<>();
  private final Set<Integer> blockedBackends = new LinkedHashSet<>();
  private final List<String> notes = new ArrayList<>();

  private Adoption(
      KernelView kernel,
      Map<String, Integer> heldServices,
      Map<String, Integer> heldBackends,
      Collection<WantedService> wanted) {
    this.kernel = kernel;
    this.heldServices = heldServices;
    this.heldBackends = heldBackends;
    this.table = new ServiceTable(kernel.generations(), kernel.sizes());
    for (String held : heldServices.keySet()) {
      name(ServiceName.parse(held));
    }
    for (WantedService service : wanted) {
      name(service.name());
      wantedNames.add(service.name());
      service.frontends().keySet().forEach(key -> wantedFrontends.put(key, service.name()));
    }
  }

  private void name(ServiceName name) {
    names.put(name.owner(), name);
  }

  static Result adopt(
      KernelView kernel,
      Map<String, Integer> heldServices,
      Map<String, Integer> heldBackends,
      Collection<WantedService> wanted) {
    Adoption adoption = new Adoption(kernel, heldServices, heldBackends, wanted);
    adoption.adoptServices();
    adoption.adoptSpans();
    Map<String, Integer> ids = new LinkedHashMap<>();
    adoption.services.forEach((name, id) -> ids.put(name.text(), id));
    adoption.table.serviceIds().putAll(adoption.services);
    adoption.backends.forEach(adoption.table::promise);
    kernel.frontends().forEach(adoption.table.frontends()::put);
    return new Result(
        adoption.table,
        ids,
        adoption.backends,
        adoption.blockedServices,
        adoption.blockedBackends,
        adoption.notes);
  }

  // Which service ID is whose.

  private void adoptServices() {
    Map<ServiceName, List<Integer>> found = new TreeMap<>();
    Set<Integer> doubtful = doubtfulServices();
    kernel
        .services()
        .forEach(
            (id, service) -> {
              ServiceName name = names.get(service.owner());
              boolean valid = id > 0 && id <= kernel.serviceLimit();
              if (name != null && valid && !doubtful.contains(id) && fits(name, service)) {
                found.computeIfAbsent(name, none -> new ArrayList<>(1)).add(id);
              }
            });
    Set<Integer> shared = shared(heldServices);
    for (Map.Entry<String, Integer> held : heldServices.entrySet()) {
      ServiceName name = ServiceName.parse(held.getKey());
      int id = held.getValue();
      if (shared.contains(id) || doubtful.contains(id) || id > kernel.serviceLimit()) {
        notes.add("service ID " + id + " of " + name + " is not its own alone: it gets another");
        found.remove(name);
      } else if (found.getOrDefault(name, List.of()).contains(id)
          || (!kernel.services().containsKey(id) && wantedNames.contains(name))) {
        services.put(name, id);
      } else if (kernel.services().containsKey(id)) {
        notes.add("service ID " + id + " of " + name + " is another's in the kernel");
      }
    }
    Set<Integer> promised = new HashSet<>(services.values());
    found.forEach(
        (name, ids) -> {
          if (!services.containsKey(name) && ids.size() == 1 && promised.add(ids.get(0))) {
            services.put(name, ids.get(0));
          }
        });
    for (int id : kernel.services().keySet()) {
      if (!promised.contains(id)) {
        blockedServices.add(id);
      }
    }
    kernel.frontends().values().stream()
        .map(Frontend::service)
        .filter(id -> !promised.contains(id))
        .forEach(blockedServices::add);
  }

  /** IDs to which frontends of two services lead, or one that is not the owner's. */
  private Set<Integer> doubtfulServices() {
    Set<Integer> doubtful = new HashSet<>();
    Map<Integer, ServiceName> seen = new HashMap<>();
    kernel
        .frontends()
        .forEach(
            (key, frontend) -> {
              ServiceName wants = wantedFrontends.get(key);
              if (wants == null) {
                return;
              }
              ServiceName before = seen.putIfAbsent(frontend.service(), wants);
              Service service = kernel.services().get(frontend.service());
              boolean owned = service == null || service.owner() == wants.owner();
              if (!owned || (before != null && !before.equals(wants))) {
                doubtful.add(frontend.service());
              }
            });
    return doubtful;
  }

  private static boolean fits(ServiceName name, Service service) {
    boolean ipv6 = (service.flags() & ServiceFlags.SERVICE_IPV6) != 0;
    return ipv6 == (name.family() == Family.IPV6);
  }

  private static Set<Integer> shared(Map<String, Integer> held) {
    Set<Integer> seen = new HashSet<>();
    Set<Integer> shared = new HashSet<>();
    held.values().stream().filter(id -> !seen.add(id)).forEach(shared::add);
    return shared;
  }

  // Which span, and which backend ID, is whose.

  private void adoptSpans() {
    Map<Integer, Set<String>> keysOfIds = keysOfIds();
    Set<Integer> sharedIds = shared(heldBackends);
    Map<Integer, String> holders = new HashMap<>();
    heldBackends.forEach((key, id) -> holders.put(id, key));
    Map<Integer, ServiceName> owners = new HashMap<>();
    services.forEach((name, id) -> owners.put(id, name));
    Map<Family, BitSet> covered = new EnumMap<>(Family.class);
    Map<Family, BitSet> overlapping = overlapping();
    for (Family family : Family.values()) {
      covered.put(family, new BitSet());
    }
    Set<Integer> alive = new HashSet<>();
    kernel
        .services()
        .forEach(
            (id, service) -> {
              Family family = family(service);
              boolean own = isOwnSpan(service, overlapping.get(family));
              List<Slot> slots = new ArrayList<>();
              for (int i = 0; own && i < service.count(); i++) {
                Backend element = kernel.backends().get(family).get(service.base() + i);
                if (element != null && isValid(id, element, keysOfIds, sharedIds, holders)) {
                  slots.add(new Slot(new Endpoint(element.addr(), element.port()), element.id()));
                }
              }
              install(id, service, own, slots, owners.get(id), alive);
              if (own) {
                covered.get(family).set(service.base(), service.base() + service.count());
              }
            });
    new LutAdoption(kernel, table, covered).adopt();
    leftovers(covered, alive);
  }

  private static Family family(Service service) {
    return (service.flags() & ServiceFlags.SERVICE_IPV6) != 0 ? Family.IPV6 : Family.IPV4;
  }

  private boolean inRange(Service service) {
    int size = kernel.sizes().get(family(service));
    return service.count() >= 0
        && service.base() >= 0
        && (long) service.base() + service.count() <= size;
  }

  private boolean isOwnSpan(Service service, BitSet overlapping) {
    if (!inRange(service) || service.count() == 0) {
      return false;
    }
    int next = overlapping.nextSetBit(service.base());
    return next < 0 || next >= service.base() + service.count();
  }

  /** Elements that two services claim. */
  private Map<Family, BitSet> overlapping() {
    Map<Family, BitSet> twice = new EnumMap<>(Family.class);
    Map<Family, BitSet> once = new EnumMap<>(Family.class);
    for (Family family : Family.values()) {
      twice.put(family, new BitSet());
      once.put(family, new BitSet());
    }
    for (Service service : kernel.services().values()) {
      for (int i = 0; inRange(service) && i < service.count(); i++) {
        int element = service.base() + i;
        (once.get(family(service)).get(element) ? twice : once).get(family(service)).set(element);
      }
    }
    return twice;
  }

  /** For each backend ID in the kernel, the keys under which it is found. */
  private Map<Integer, Set<String>> keysOfIds() {
    Map<Integer, Set<String>> keys = new HashMap<>();
    for (Map<Integer, Backend> elements : kernel.backends().values()) {
      for (Backend element : elements.values()) {
        keys.computeIfAbsent(element.id(), none -> new HashSet<>(2)).add(key(element));
      }
    }
    return keys;
  }

  private static String key(Backend element) {
    return new Endpoint(element.addr(), element.port()).key(element.service());
  }

  private boolean isValid(
      int service,
      Backend element,
      Map<Integer, Set<String>> keysOfIds,
      Set<Integer> sharedIds,
      Map<Integer, String> holders) {
    String key = key(element);
    Integer held = heldBackends.get(key);
    return element.service() == service
        && element.id() > 0
        && element.id() <= kernel.backendLimit()
        && element.gen() == table.gen(element.id())
        && keysOfIds.get(element.id()).size() == 1
        && !sharedIds.contains(element.id())
        && (held == null || held == element.id())
        && holders.getOrDefault(element.id(), key).equals(key);
  }

  private void install(
      int id,
      Service service,
      boolean own,
      List<Slot> slots,
      ServiceName name,
      Set<Integer> alive) {
    Family family = family(service);
    int base = own ? service.base() : 0;
    int count = own ? service.count() : 0;
    Set<Endpoint> distinct = new HashSet<>();
    slots.forEach(slot -> distinct.add(slot.endpoint()));
    Installed found = new Installed(id, family, service.owner(), base, count, slots, false);
    boolean broken = distinct.size() != service.count() || !found.value().equals(service);
    Installed installed = new Installed(id, family, service.owner(), base, count, slots, broken);
    if (own) {
      table.spans(family).reserve(base, count);
    }
    List<Integer> ids = slots.stream().map(Slot::id).toList();
    table.refer(ids);
    alive.addAll(ids);
    if (name == null) {
      table.orphans().put(id, installed);
      blockedBackends.addAll(ids);
      return;
    }
    table.services().put(name, installed);
    slots.forEach(slot -> backends.put(slot.endpoint().key(id), slot.id()));
  }

  /**
   * Elements that hold something outside of all spans, and elements in them that are not what they
   * should be: left behind by a change that did not come to its end.
   */
  private void leftovers(Map<Family, BitSet> covered, Set<Integer> alive) {
    for (Family family : Family.values()) {
      for (Map.Entry<Integer, Backend> entry :
          new TreeMap<>(kernel.backends().get(family)).entrySet()) {
        Backend element = entry.getValue();
        boolean outside = !covered.get(family).get(entry.getKey());
        boolean known = alive.contains(element.id());
        if (known && !outside) {
          continue;
        }
        boolean hasId = element.id() > 0 && element.id() <= kernel.backendLimit();
        List<Integer> ids = hasId ? List.of(element.id()) : List.of();
        if (hasId && !known) {
          blockedBackends.add(element.id());
          if (element.gen() == table.gen(element.id())) {
            table.stale().add(element.id());
          }
        }
        table.refer(ids);
        if (outside) {
          table.spans(family).reserve(entry.getKey(), 1);
        }
        table.retire(
            new ServiceTable.Retired(
                family, entry.getKey(), outside ? 1 : 0, element.service(), ids));
      }
    }
  }
}
