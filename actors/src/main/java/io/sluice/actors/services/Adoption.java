// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.services.Installed.Slot;
import io.sluice.actors.services.Installed.Span;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SourceRangeKey;
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

  /** Under which key each backend ID is promised. */
  private final Map<Integer, String> keys = new HashMap<>();

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
    kernel.sourceRanges().forEach(adoption.table.ranges()::put);
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
    Set<Integer> shared = ElementJudge.shared(heldServices);
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
    kernel.sourceRanges().stream()
        .map(SourceRangeKey::service)
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

  // Which span, and which backend ID, is whose.

  private void adoptSpans() {
    ElementJudge owns = new ElementJudge(kernel, heldBackends);
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
              Span span =
                  own
                      ? new Span(service.base(), service.count(), service.local())
                      : new Span(0, 0, 0);
              Window cluster = new Window(span.base(), span.count());
              Window local = new Window(span.base() + span.count(), span.local());
              Installed found =
                  new Installed(
                      id,
                      family,
                      service.owner(),
                      span,
                      slots(id, family, cluster, owns),
                      slots(id, family, local, owns),
                      traits(service),
                      false);
              install(found, service, owners.get(id), alive);
              covered.get(family).set(span.base(), span.base() + span.length());
            });
    new LutAdoption(kernel, table, covered).adopt();
    leftovers(covered, alive);
  }

  /** Part of a span. */
  private record Window(int base, int count) {}

  private List<Slot> slots(int id, Family family, Window window, ElementJudge owns) {
    List<Slot> slots = new ArrayList<>();
    for (int i = 0; i < window.count(); i++) {
      Backend element = kernel.backends().get(family).get(window.base() + i);
      if (element != null && owns.isOf(id, element)) {
        slots.add(new Slot(ElementJudge.endpoint(element), element.id()));
        keys.put(element.id(), owns.promised(element));
      }
    }
    return slots;
  }

  private static Installed.Traits traits(Service service) {
    boolean maglev = (service.flags() & ServiceFlags.SERVICE_MAGLEV) != 0;
    return new Installed.Traits(maglev, service.affinitySeconds());
  }

  private static Family family(Service service) {
    return (service.flags() & ServiceFlags.SERVICE_IPV6) != 0 ? Family.IPV6 : Family.IPV4;
  }

  /** Elements in both parts of a service's span; negative: it cannot be one. */
  private int length(Service service) {
    int size = kernel.sizes().get(family(service));
    long length = (long) service.count() + service.local();
    boolean possible =
        service.count() >= 0
            && service.local() >= 0
            && service.base() >= 0
            && service.base() + length <= size;
    return possible ? (int) length : -1;
  }

  private boolean isOwnSpan(Service service, BitSet overlapping) {
    int length = length(service);
    int next = overlapping.nextSetBit(Math.max(0, service.base()));
    return length > 0 && (next < 0 || next >= service.base() + length);
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
      for (int i = 0; i < length(service); i++) {
        int element = service.base() + i;
        (once.get(family(service)).get(element) ? twice : once).get(family(service)).set(element);
      }
    }
    return twice;
  }

  private void install(Installed found, Service service, ServiceName name, Set<Integer> alive) {
    // A backend that the span has twice must have one ID in both places.
    boolean whole =
        found.cluster().size() == service.count()
            && found.local().size() == service.local()
            && found.idsByEndpoint().size() == found.ids().size();
    boolean broken = !whole || !found.value().equals(service);
    Installed installed = broken ? found.asBroken() : found;
    table.spans(found.family()).reserve(found.base(), found.span().length());
    table.refer(found.ids());
    alive.addAll(found.ids());
    if (name == null) {
      table.orphans().put(found.id(), installed);
      blockedBackends.addAll(found.ids());
      return;
    }
    table.services().put(name, installed);
    found.ids().forEach(id -> backends.put(keys.get(id), id));
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
