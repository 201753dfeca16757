// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.cli.Table;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Rows of an answer as a table: columns are the fields, for records say all that is to be said. */
final class RowTable {
  private RowTable() {}

  /**
   * @param rows at least one
   * @param brief without IDs
   * @param hidden fields that are no columns
   */
  static void print(JsonNode rows, boolean brief, Set<String> hidden, PrintWriter out) {
    List<String> fields = new ArrayList<>();
    rows.get(0).fieldNames().forEachRemaining(fields::add);
    fields.removeAll(hidden);
    if (brief) {
      fields.removeIf(field -> field.endsWith("Id"));
    }
    Table text = new Table(fields.stream().map(RowTable::heading).toArray(String[]::new));
    for (JsonNode row : rows) {
      text.add(fields.stream().map(f -> cell(f, row.get(f))).toArray());
    }
    text.print(out);
  }

  private static String heading(String field) {
    return field
        .replaceAll("(Seconds|Percent)$", "")
        .replaceAll("([A-Z])", "-$1")
        .toUpperCase(Locale.ROOT);
  }

  private static String cell(String field, JsonNode value) {
    if (value.isArray()) {
      List<String> parts = new ArrayList<>();
      value.forEach(v -> parts.add(v.asText()));
      return String.join(",", parts);
    }
    if (field.equals("hits") || field.equals("rule")) {
      return value.asLong() < 0 ? "-" : value.asText();
    }
    if (field.endsWith("Percent")) {
      return value.asText() + "%";
    }
    if (value.isBoolean()) {
      return value.asBoolean() ? "yes" : "no";
    }
    return field.endsWith("Seconds") ? DumpCommand.duration(value.asDouble()) : value.asText();
  }
}
