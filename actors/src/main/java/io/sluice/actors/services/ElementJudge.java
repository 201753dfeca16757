// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whether an element of a backends array is what it claims to be: alive, its ID found under one key
 * only, and the journal does not say otherwise.
 */
final class ElementJudge {
  private final KernelView kernel;
  private final Map<String, Integer> held;
  private final Map<Integer, String> holders = new HashMap<>();
  private final Map<Integer, Integer> gens;

  /** For each backend ID in the kernel, the keys under which it is found. */
  private final Map<Integer, Set<String>> keysOfIds = new HashMap<>();

  private final Set<Integer> shared;

  /**
   * @param held promised backend IDs, by key
   */
  ElementJudge(KernelView kernel, Map<String, Integer> held) {
    this.kernel = kernel;
    this.held = held;
    this.gens = kernel.generations();
    this.shared = shared(held);
    held.forEach((key, id) -> holders.put(id, key));
    for (Map<Integer, Backend> elements : kernel.backends().values()) {
      for (Backend element : elements.values()) {
        keysOfIds.computeIfAbsent(element.id(), none -> new HashSet<>(2)).add(key(element));
      }
    }
  }

  /** Numbers that are promised twice. */
  static Set<Integer> shared(Map<String, Integer> held) {
    Set<Integer> seen = new HashSet<>();
    Set<Integer> shared = new HashSet<>();
    held.values().stream().filter(id -> !seen.add(id)).forEach(shared::add);
    return shared;
  }

  static Endpoint endpoint(Backend element) {
    boolean local = (element.flags() & BackendFlags.BACKEND_LOCAL) != 0;
    return new Endpoint(element.addr(), element.port(), local);
  }

  private static String key(Backend element) {
    return endpoint(element).key(element.service());
  }

  /** The keys that a backend's ID may be promised under. */
  private static List<String> keys(Backend element) {
    Endpoint endpoint = endpoint(element);
    return List.of(endpoint.key(element.service()), endpoint.otherKey(element.service()));
  }

  boolean isOf(int service, Backend element) {
    String holder = holders.get(element.id());
    boolean agreed =
        holder == null
            ? keys(element).stream().noneMatch(held::containsKey)
            : keys(element).contains(holder);
    return element.service() == service
        && element.id() > 0
        && element.id() <= kernel.backendLimit()
        && element.gen() == gens.getOrDefault(element.id(), 0)
        && keysOfIds.get(element.id()).size() == 1
        && !shared.contains(element.id())
        && agreed;
  }

  /** The key under which the ID of such an element is promised, or will be. */
  String promised(Backend element) {
    return holders.getOrDefault(element.id(), key(element));
  }
}
