// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.kernel.nft.Nftables.TableFamily;
import io.sluice.kernel.sys.Netns;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;

/**
 * nftables through libnftables. Each call takes a context of its own, because one remembers the
 * names of interfaces for as long as it lives.
 */
public final class LibNftables implements Nftables {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Optional<Netns> netns;

  private LibNftables(Optional<Netns> netns) {
    this.netns = netns;
  }

  /** Of the calling threads' network namespace. */
  public static LibNftables here() {
    return new LibNftables(Optional.empty());
  }

  /** Of another network namespace, which must stay open. */
  public static LibNftables in(Netns netns) {
    return new LibNftables(Optional.of(netns));
  }

  private <T> T inside(Callable<T> work) {
    if (netns.isPresent()) {
      return netns.get().run(work);
    }
    try {
      return work.call();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void run(String commands) {
    inside(
        () -> {
          try (var nft = io.sluice.kernel.nft.Nftables.open()) {
            nft.apply(commands);
            return null;
          }
        });
  }

  @Override
  public Optional<Found> find() {
    return inside(
        () -> {
          try (var nft = io.sluice.kernel.nft.Nftables.open()) {
            if (!nft.hasTable(TableFamily.INET, Ruleset.TABLE)) {
              return Optional.empty();
            }
            return Optional.of(parse(nft.list("table " + Ruleset.FAMILY + " " + Ruleset.TABLE)));
          }
        });
  }

  private static Found parse(String json) throws JsonProcessingException {
    String build = "";
    Set<String> ready = new HashSet<>();
    Map<String, Long> counters = new HashMap<>();
    for (JsonNode object : JSON.readTree(json).path("nftables")) {
      JsonNode counter = object.path("counter");
      String name = counter.path("name").asText();
      if (name.equals(Ruleset.BUILD)) {
        build = counter.path("comment").asText();
      } else if (!name.isEmpty()) {
        counters.put(name, counter.path("packets").asLong());
      }
      if (object.path("set").path("name").asText().equals(Ruleset.SET)) {
        object.path("set").path("elem").forEach(element -> ready.add(element.asText()));
      }
    }
    return new Found(build, ready, counters);
  }
}
