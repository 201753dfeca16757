// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How much is in the maps of node1 that services live in, as the kernel says it. Elements of arrays
 * count when they are not zero.
 */
public record MapCensus(Map<String, Integer> elements) {
  private static final List<String> MAPS =
      List.of("frontends4", "frontends6", "services", "backends4", "backends6");

  /** Reads the pinned maps. */
  public static MapCensus of(Cluster cluster) {
    Path maps =
        cluster
            .lab()
            .names()
            .bpffs(cluster.topology().node("node1"))
            .resolve("sluice")
            .resolve("maps");
    Map<String, Integer> elements = new TreeMap<>();
    for (String map : MAPS) {
      String json =
          cluster.run(
              "node1", "bpftool", "-j", "map", "dump", "pinned", maps.resolve(map).toString());
      elements.put(map, count(json));
    }
    return new MapCensus(elements);
  }

  private static int count(String json) {
    try {
      int count = 0;
      for (JsonNode element : new ObjectMapper().readTree(json)) {
        for (JsonNode b : element.path("value")) {
          if (!b.asText().equals("0x00")) {
            count++;
            break;
          }
        }
      }
      return count;
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + json, e);
    }
  }
}
