// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The frontends in the kernel, also by the service that they lead to. */
final class FrontendTable {
  private final Map<FrontendKey, Frontend> frontends = new HashMap<>();
  private final Map<Integer, Set<FrontendKey>> byService = new HashMap<>();

  /** Notes that a frontend leads to a service; whether that is new. */
  boolean put(FrontendKey key, Frontend value) {
    Frontend before = frontends.put(key, value);
    if (value.equals(before)) {
      return false;
    }
    if (before != null) {
      forget(before.service(), key);
    }
    byService.computeIfAbsent(value.service(), none -> new HashSet<>(2)).add(key);
    return true;
  }

  void remove(FrontendKey key) {
    Frontend before = frontends.remove(key);
    if (before != null) {
      forget(before.service(), key);
    }
  }

  private void forget(int service, FrontendKey key) {
    Set<FrontendKey> keys = byService.get(service);
    keys.remove(key);
    if (keys.isEmpty()) {
      byService.remove(service);
    }
  }

  /** Null if there is none. */
  Frontend get(FrontendKey key) {
    return frontends.get(key);
  }

  /** The frontends that lead to a service, as they are now. */
  Collection<FrontendKey> of(int service) {
    return List.copyOf(byService.getOrDefault(service, Set.of()));
  }

  /** All of them, as they are now. */
  Collection<FrontendKey> keys() {
    return List.copyOf(frontends.keySet());
  }

  int size() {
    return frontends.size();
  }
}
