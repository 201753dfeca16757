// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.SourceRangeKey;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Writes that may happen in any order; what depends on them comes in a later step. */
final class Writes {
  private final Map<Family, Map<FrontendKey, Frontend>> frontends = new EnumMap<>(Family.class);
  private final Map<Family, Set<FrontendKey>> noFrontends = new EnumMap<>(Family.class);
  private final Map<Family, Map<Integer, Backend>> backends = new EnumMap<>(Family.class);
  private final Map<Family, Set<Integer>> noBackends = new EnumMap<>(Family.class);
  private final Map<Integer, Service> services = new LinkedHashMap<>();
  private final Set<Integer> noServices = new LinkedHashSet<>();
  private final Map<Integer, BackendGen> gens = new LinkedHashMap<>();
  private final Map<Family, Map<SourceRangeKey, Integer>> ranges = new EnumMap<>(Family.class);
  private final Map<Family, Set<SourceRangeKey>> noRanges = new EnumMap<>(Family.class);
  private final Map<Integer, MaglevTable> luts = new LinkedHashMap<>();
  private final Set<Integer> noLuts = new LinkedHashSet<>();

  Writes() {
    for (Family family : Family.values()) {
      frontends.put(family, new LinkedHashMap<>());
      noFrontends.put(family, new LinkedHashSet<>());
      backends.put(family, new LinkedHashMap<>());
      noBackends.put(family, new LinkedHashSet<>());
      ranges.put(family, new LinkedHashMap<>());
      noRanges.put(family, new LinkedHashSet<>());
    }
  }

  void putFrontend(FrontendKey key, Frontend value) {
    frontends.get(key.addr().family()).put(key, value);
  }

  void removeFrontend(FrontendKey key) {
    noFrontends.get(key.addr().family()).add(key);
  }

  void putBackend(Family family, int element, Backend value) {
    backends.get(family).put(element, value);
  }

  void removeBackends(Family family, int base, int count) {
    for (int i = 0; i < count; i++) {
      noBackends.get(family).add(base + i);
    }
  }

  void putService(Installed service) {
    services.put(service.id(), service.value());
  }

  void removeService(int id) {
    noServices.add(id);
  }

  void putGen(int id, int gen) {
    gens.put(id, new BackendGen(gen));
  }

  void putRange(SourceRangeKey key) {
    ranges.get(key.addr().family()).put(key, 1);
  }

  void removeRange(SourceRangeKey key) {
    noRanges.get(key.addr().family()).add(key);
  }

  void putLut(int service, MaglevTable table) {
    luts.put(service, table);
  }

  void removeLut(int service) {
    noLuts.add(service);
  }

  Map<Integer, MaglevTable> luts() {
    return luts;
  }

  Set<Integer> noLuts() {
    return noLuts;
  }

  Map<FrontendKey, Frontend> frontends(Family family) {
    return frontends.get(family);
  }

  Set<FrontendKey> noFrontends(Family family) {
    return noFrontends.get(family);
  }

  Map<Integer, Backend> backends(Family family) {
    return backends.get(family);
  }

  Set<Integer> noBackends(Family family) {
    return noBackends.get(family);
  }

  Map<SourceRangeKey, Integer> ranges(Family family) {
    return ranges.get(family);
  }

  Set<SourceRangeKey> noRanges(Family family) {
    return noRanges.get(family);
  }

  Map<Integer, Service> services() {
    return services;
  }

  Set<Integer> noServices() {
    return noServices;
  }

  Map<Integer, BackendGen> gens() {
    return gens;
  }

  boolean isEmpty() {
    return services.isEmpty()
        && noServices.isEmpty()
        && gens.isEmpty()
        && luts.isEmpty()
        && noLuts.isEmpty()
        && allEmpty(ranges.values().stream().map(Map::isEmpty))
        && allEmpty(noRanges.values().stream().map(Set::isEmpty))
        && allEmpty(frontends.values().stream().map(Map::isEmpty))
        && allEmpty(noFrontends.values().stream().map(Set::isEmpty))
        && allEmpty(backends.values().stream().map(Map::isEmpty))
        && allEmpty(noBackends.values().stream().map(Set::isEmpty));
  }

  private static boolean allEmpty(Stream<Boolean> empty) {
    return empty.allMatch(Boolean::booleanValue);
  }
}
