// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.sluice.agent.dump.PolicyRows;
import io.sluice.config.cli.CommandException;
import io.sluice.config.model.Manifest;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;

/** {@code sluice get policy} and {@code endpoint}: what a node makes of resources of many kinds. */
record PolicyViews(NodeClient client, CommandSpec spec) {
  /** The table that people mean by a name; empty: it is not one of these. */
  static Optional<String> table(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "policy", "policies" -> Optional.of(PolicyRows.POLICIES);
      case "endpoint", "endpoints" -> Optional.of(PolicyRows.ENDPOINTS);
      default -> Optional.empty();
    };
  }

  /**
   * @param only null, or a policy's name with or without its kind and namespace, or an endpoint's
   *     interface or owner
   */
  int show(String table, String only, GetCommand.Format format) {
    JsonNode answer =
        client
            .rows("/api/v1/dump/" + table)
            .orElseThrow(
                () ->
                    new CommandException(
                        "no agent at " + client.address() + ": only a running agent knows policy"))
            .json();
    ArrayNode rows = new ObjectMapper().createArrayNode();
    for (JsonNode row : answer) {
      if (only == null || isCalled(row, only)) {
        rows.add(row);
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    switch (format) {
      case json -> out.println(rows.toPrettyString());
      case yaml ->
          rows.forEach(row -> out.print("---\n" + new Manifest("", 0, row.toString()).toYaml()));
      default -> {
        if (rows.isEmpty()) {
          spec.commandLine().getErr().println("no " + table);
          spec.commandLine().getErr().flush();
        } else {
          RowTable.print(rows, format != GetCommand.Format.wide, Set.of(), out);
        }
      }
    }
    out.flush();
    return 0;
  }

  private static boolean isCalled(JsonNode row, String only) {
    for (String field : new String[] {"name", "owner", "iface"}) {
      String text = row.path(field).asText();
      if (text.equals(only) || text.endsWith(" " + only) || text.endsWith("/" + only)) {
        return true;
      }
    }
    return false;
  }
}
