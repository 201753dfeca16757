// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.Backend;
import io.sluice.cluster.maglev.BackendSet;
import io.sluice.config.model.Weights;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which services get a Maglev table, of those that want one. The limits count alike on all nodes:
 * the first by name have the tables, so that no node chooses by a table where another does not.
 *
 * @param sets the backends of those that get one
 * @param problems why the others do not
 */
record MaglevWishes(Map<ServiceName, BackendSet> sets, Map<ServiceName, String> problems) {
  static final MaglevWishes NONE = new MaglevWishes(Map.of(), Map.of());

  static MaglevWishes of(Collection<WantedService> wanted, MaglevLimits limits) {
    Map<ServiceName, WantedService> sorted = new TreeMap<>();
    wanted.stream()
        .filter(service -> service.maglev().isPresent())
        .forEach(service -> sorted.put(service.name(), service));
    Map<ServiceName, BackendSet> sets = new TreeMap<>();
    Map<ServiceName, String> problems = new TreeMap<>();
    Map<Object, Integer> counts = new HashMap<>();
    sorted.forEach(
        (name, service) -> {
          String problem = problem(service, limits);
          BackendSet set = problem == null ? set(service) : null;
          if (set != null && set.bytes().length > BackendSet.MAX_BYTES) {
            problem =
                "its backends take %d bytes, and the cluster stores %d of a table: give all of them one port and one weight"
                    .formatted(set.bytes().length, BackendSet.MAX_BYTES);
          } else if (set != null
              && counts.merge(name.family(), 1, Integer::sum) > limits.services()) {
            problem =
                "bpfMaglevMaxServices is %d, and as many come before it by name: raise it"
                    .formatted(limits.services());
          }
          if (problem == null) {
            sets.put(name, set);
          } else {
            problems.put(name, "has no Maglev table, backends are chosen at random: " + problem);
          }
        });
    return new MaglevWishes(sets, problems);
  }

  private static String problem(WantedService service, MaglevLimits limits) {
    int most = Math.min(limits.endpoints(), BackendSet.MAX_BACKENDS);
    return service.backends().size() <= most
        ? null
        : "it has %d backends, more than bpfMaglevMaxEndpointsPerService, %d: raise it"
            .formatted(service.backends().size(), limits.endpoints());
  }

  private static BackendSet set(WantedService service) {
    Weights weights = service.maglev().orElseThrow();
    List<Backend> backends =
        service.backends().stream()
            .map(Luts::address)
            .map(
                member ->
                    new Backend(member.address(), member.port(), weights.weight(member.address())))
            .toList();
    return BackendSet.of(Luts.family(service.name().family()), backends);
  }
}
