// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.FrontendKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What all owners want, and which services the next round has to look at: those that changed, and
 * those that gained or lost a frontend because another one did. So a round costs as much as
 * changed, however many services there are.
 */
final class Demand {
  private final Map<String, List<WantedService>> byOwner = new HashMap<>();
  private final Map<ServiceName, WantedService> services = new HashMap<>();

  /** Who wants a frontend, in order: the first has it. */
  private final Map<FrontendKey, List<ServiceName>> claims = new HashMap<>();

  private final Set<ServiceName> touched = new TreeSet<>();

  /** All that one owner wants; replaces what it wanted before. */
  void put(String owner, List<WantedService> wanted) {
    List<WantedService> before =
        wanted.isEmpty() ? byOwner.remove(owner) : byOwner.put(owner, wanted);
    if (wanted.equals(before)) {
      return;
    }
    if (before != null) {
      before.forEach(this::remove);
    }
    wanted.forEach(this::add);
  }

  private void add(WantedService service) {
    services.put(service.name(), service);
    touched.add(service.name());
    for (FrontendKey key : service.frontends().keySet()) {
      List<ServiceName> others = claims.put(key, List.of(service.name()));
      if (others != null) {
        List<ServiceName> all = new ArrayList<>(others);
        all.add(service.name());
        Collections.sort(all);
        claims.put(key, all);
        touched.addAll(all);
      }
    }
  }

  private void remove(WantedService service) {
    services.remove(service.name());
    touched.add(service.name());
    for (FrontendKey key : service.frontends().keySet()) {
      List<ServiceName> left = new ArrayList<>(claims.remove(key));
      left.remove(service.name());
      if (!left.isEmpty()) {
        claims.put(key, left);
        touched.addAll(left);
      }
    }
  }

  /** The next round looks at these, too. */
  void touch(Collection<ServiceName> names) {
    touched.addAll(names);
  }

  /** The next round looks at everything that is wanted. */
  void touchAll() {
    touched.addAll(services.keySet());
  }

  /** What the round that begins now looks at, in order. */
  Set<ServiceName> take() {
    Set<ServiceName> taken = new TreeSet<>(touched);
    touched.clear();
    return taken;
  }

  Optional<WantedService> get(ServiceName name) {
    return Optional.ofNullable(services.get(name));
  }

  /** Who has that frontend, of those who want it. */
  Optional<ServiceName> holder(FrontendKey key) {
    return Optional.ofNullable(claims.get(key)).map(all -> all.get(0));
  }

  Collection<WantedService> all() {
    return Collections.unmodifiableCollection(services.values());
  }
}
