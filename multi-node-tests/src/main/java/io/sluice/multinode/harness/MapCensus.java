// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.Family;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * How much is in the maps of node1 that services live in, read from the pins. Elements of arrays
 * count when they hold something.
 */
public record MapCensus(Map<String, Integer> elements) {
  /** Reads the pinned maps. */
  public static MapCensus of(Cluster cluster) {
    Path bpffs = cluster.lab().names().bpffs(cluster.topology().node("node1"));
    Map<String, Integer> elements = new TreeMap<>();
    try (Dataplane dataplane = PinnedDataplane.open(bpffs)) {
      elements.put("services", count(dataplane.services(), s -> s.owner() != 0 || s.flags() != 0));
      for (Family family : Family.values()) {
        elements.put("frontends of " + family, count(dataplane.frontends(family), f -> true));
        elements.put("backends of " + family, count(dataplane.backends(family), b -> b.id() != 0));
      }
    }
    return new MapCensus(elements);
  }

  private static <V> int count(TypedMap<?, V> map, Predicate<V> holds) {
    AtomicInteger count = new AtomicInteger();
    map.forEach(
        (key, value) -> {
          if (holds.test(value)) {
            count.incrementAndGet();
          }
        });
    return count.get();
  }
}
