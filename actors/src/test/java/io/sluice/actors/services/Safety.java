// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.actors.kernel.FakeKernel;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What a packet could see at any moment: after every single write to a map, everything that a
 * frontend or a Maglev table leads to is there (SVC-3, MAG-4), nothing that a program may still
 * read is changed, and generations only grow. Time is the test's, in milliseconds.
 */
final class Safety {
  private final FakeKernel kernel;
  private final Map<Family, Map<Integer, Long>> lastPointedAt = new HashMap<>();
  private final Map<Integer, Integer> gens = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private final LongSupplier clock;

  Safety(FakeKernel kernel, LongSupplier clock) {
    this.kernel = kernel;
    this.clock = clock;
    for (Family family : Family.values()) {
      lastPointedAt.put(family, new HashMap<>());
    }
    kernel.observe(this::wrote);
  }

  /** What was seen that must not be. */
  List<String> violations() {
    synchronized (kernel.lock) {
      return List.copyOf(violations);
    }
  }

  /** Every single write so far, as "map key=value". */
  List<String> log() {
    synchronized (kernel.lock) {
      return List.copyOf(log);
    }
  }

  /** The names of the maps in the order in which they were written, repetitions left out. */
  List<String> maps() {
    List<String> maps = new ArrayList<>();
    for (String line : log()) {
      String map = line.substring(0, line.indexOf(' '));
      if (maps.isEmpty() || !maps.get(maps.size() - 1).equals(map)) {
        maps.add(map);
      }
    }
    return maps;
  }

  /** What was planted is wrong until it is repaired. */
  void forgive() {
    synchronized (kernel.lock) {
      violations.clear();
    }
  }

  void forget() {
    synchronized (kernel.lock) {
      log.clear();
    }
  }

  private void wrote(String map, Object key, Object value) {
    log.add(map + " " + key + "=" + value);
    if (map.startsWith("backends")) {
      Family family = map.endsWith("4") ? Family.IPV4 : Family.IPV6;
      Long pointedAt = lastPointedAt.get(family).get(key);
      long now = clock.getAsLong();
      if (pointedAt != null && now - pointedAt < 1_000) {
        violations.add("changed " + (now - pointedAt) + " ms after it was in use: " + last());
      }
    }
    if (value instanceof BackendGen gen) {
      int before = gens.getOrDefault(key, 0);
      if (Integer.compareUnsigned(gen.gen(), before) <= 0) {
        violations.add("generation does not grow: " + last());
      }
      gens.put((Integer) key, gen.gen());
    }
    kernel.services.entries().values().forEach(this::pointAt);
    for (Family family : Family.values()) {
      kernel.frontends.get(family).entries().forEach(this::checkFrontend);
    }
    kernel.maglev.entries().forEach(this::checkTable);
  }

  private String last() {
    return log.get(log.size() - 1);
  }

  private static Family family(Service service) {
    return (service.flags() & ServiceFlags.SERVICE_IPV6) != 0 ? Family.IPV6 : Family.IPV4;
  }

  private void pointAt(Service service) {
    for (int i = 0; i < service.count() + service.local(); i++) {
      lastPointedAt.get(family(service)).put(service.base() + i, clock.getAsLong());
    }
  }

  /** A table's span is its own service's, whatever has become of its backends. */
  private void checkTable(int id, MaglevTable table) {
    Service service = kernel.services.entries().get(id);
    if (service == null) {
      violations.add("a table of no service, " + id + ", after " + last());
      return;
    }
    for (int i = 0; i < table.count(); i++) {
      Backend backend = kernel.backends.get(family(service)).entries().get(table.base() + i);
      lastPointedAt.get(family(service)).put(table.base() + i, clock.getAsLong());
      if (backend == null || backend.service() != id) {
        violations.add("the table of " + id + " leads to " + backend + ", after " + last());
      }
    }
  }

  private void checkFrontend(FrontendKey key, Frontend frontend) {
    Service service = kernel.services.entries().get(frontend.service());
    if (service == null || (service.flags() & ServiceFlags.SERVICE_IN_USE) == 0) {
      violations.add(key + " leads to no service, after " + last());
      return;
    }
    if (family(service) != key.addr().family()) {
      violations.add(key + " leads to the other family, after " + last());
    }
    Map<String, Backend> seen = new HashMap<>();
    for (int i = 0; i < service.count() + service.local(); i++) {
      Backend backend = kernel.backends.get(family(service)).entries().get(service.base() + i);
      if (backend == null || backend.id() == 0) {
        violations.add(key + " leads to an element that is not written, after " + last());
      } else if (backend.service() != frontend.service()) {
        violations.add(key + " leads to another service's backend, after " + last());
      } else if (backend.gen() != gen(backend.id())) {
        violations.add(key + " leads to a dead backend, after " + last());
      } else {
        // In both parts of the span, and as often as it weighs, a backend is one and the same.
        String place = backend.addr() + "/" + backend.port();
        Backend before = seen.putIfAbsent(place, backend);
        if (before != null && !before.equals(backend)) {
          violations.add(key + " has a backend under two IDs, after " + last());
        }
      }
    }
    checkRanges(key, frontend);
  }

  /**
   * In these tests no service shuts everybody out: its ranges come before the frontend (SVC-10).
   */
  private void checkRanges(FrontendKey key, Frontend frontend) {
    boolean limited = (frontend.flags() & FrontendFlags.FRONTEND_SOURCE_RANGES) != 0;
    if (limited
        && kernel.sourceRanges.get(key.addr().family()).entries().keySet().stream()
            .noneMatch(range -> range.service() == frontend.service())) {
      violations.add(key + " shuts everybody out, after " + last());
    }
  }

  private int gen(int id) {
    BackendGen gen = kernel.gens.entries().get(id);
    return gen == null ? 0 : gen.gen();
  }
}
