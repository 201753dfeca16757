// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Sets by keys; a key without values takes no room. */
final class Multimap<K, V> {
  private final Map<K, Set<V>> sets = new HashMap<>();

  boolean add(K key, V value) {
    return sets.computeIfAbsent(key, k -> new HashSet<>(2)).add(value);
  }

  boolean remove(K key, V value) {
    Set<V> set = sets.get(key);
    boolean removed = set != null && set.remove(value);
    if (removed && set.isEmpty()) {
      sets.remove(key);
    }
    return removed;
  }

  /** A live view, not to be changed; empty where there is none. */
  Set<V> get(K key) {
    return sets.getOrDefault(key, Set.of());
  }
}
