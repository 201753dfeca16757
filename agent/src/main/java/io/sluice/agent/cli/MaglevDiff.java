// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.sluice.agent.dump.Rows;
import io.sluice.config.cli.CommandException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/** Asks until all nodes run the same Maglev tables, or patience is at its end. */
final class MaglevDiff {
  /** A node tells once a second what it runs, and a new home of a table takes some to be found. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final Duration PAUSE = Duration.ofMillis(250);

  private final NodeClient client;

  /**
   * @param same whether all of them run what was agreed on
   */
  record Found(JsonNode rows, boolean same) {}

  MaglevDiff(NodeClient client) {
    this.client = client;
  }

  Found find(Predicate<JsonNode> concerned) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      JsonNode rows =
          client
              .get("/api/v1/dump/" + Rows.MAGLEV_NODES)
              .orElseThrow(
                  () ->
                      new CommandException(
                          "no agent listens at "
                              + client.address()
                              + ": only an agent knows what other nodes run"));
      JsonNode some = only(rows, concerned);
      boolean same = StreamSupport.stream(some.spliterator(), false).allMatch(MaglevDiff::current);
      if (same || System.nanoTime() > end) {
        return new Found(some, same);
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
    }
  }

  private static boolean current(JsonNode row) {
    return row.path("state").asText().equals(Rows.MaglevNode.CURRENT);
  }

  /** Those of the rows that are concerned. */
  static JsonNode only(JsonNode rows, Predicate<JsonNode> concerned) {
    ArrayNode some = new ObjectMapper().createArrayNode();
    rows.forEach(
        row -> {
          if (concerned.test(row)) {
            some.add(row);
          }
        });
    return some;
  }
}
