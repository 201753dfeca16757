// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.SourceRangeKey;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** The source ranges in the kernel, by the service that they are of. */
final class RangeTable {
  private final Map<Integer, Set<SourceRangeKey>> byService = new HashMap<>();

  /** Notes that a range is there; whether that is new. */
  boolean put(SourceRangeKey key) {
    return byService.computeIfAbsent(key.service(), none -> new HashSet<>(4)).add(key);
  }

  void remove(SourceRangeKey key) {
    byService.computeIfPresent(
        key.service(),
        (service, keys) -> {
          keys.remove(key);
          return keys.isEmpty() ? null : keys;
        });
  }

  /** The ranges of a service, as they are now. */
  Set<SourceRangeKey> of(int service) {
    return Set.copyOf(byService.getOrDefault(service, Set.of()));
  }

  /** All of them, as they are now. */
  Set<SourceRangeKey> keys() {
    Set<SourceRangeKey> all = new LinkedHashSet<>();
    byService.values().forEach(all::addAll);
    return all;
  }
}
