// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.cli.Table;
import java.io.PrintWriter;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice status}: how this node is. */
@Command(
    name = "status",
    description = "Show how this node is: agent, source, dataplane, and what is wrong.",
    footer = {"", "Exits with 1 if the node is not ready, or if no agent answers."})
public final class StatusCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;

  @Mixin private OutputOption output;

  @Override
  public Integer call() throws Exception {
    JsonNode status =
        client
            .get("/api/v1/status")
            .orElseThrow(
                () ->
                    new CommandException(
                        "no agent at "
                            + client.address()
                            + ": start it with 'sluice agent --config FILE'"));
    output.print(status, spec.commandLine().getOut(), out -> print(status, out));
    return status.path("ready").asBoolean() ? 0 : 1;
  }

  /** Every value a line; lists of objects, such as problems, a line each. */
  private static void print(JsonNode status, PrintWriter out) {
    for (Map.Entry<String, JsonNode> field : status.properties()) {
      JsonNode value = field.getValue();
      if (field.getKey().equals("members") && !value.isEmpty()) {
        out.println("members: " + value.size());
        members(value).print(out);
      } else if (value.isArray()) {
        out.println(field.getKey() + ": " + (value.isEmpty() ? "none" : value.size()));
        value.forEach(v -> out.println("  " + (v.isObject() ? inline(v) : v.asText())));
      } else if (value.isObject()) {
        out.println(field.getKey() + ": " + (value.isEmpty() ? "none" : inline(value)));
      } else {
        out.println(field.getKey() + ": " + value.asText());
      }
    }
  }

  /** This node is marked by a star. */
  private static Table members(JsonNode members) {
    Table table = new Table("  NODE", "ADDRESS", "STATUS", "SINCE", "VERSION");
    for (JsonNode member : members) {
      boolean self = member.path("self").asBoolean();
      boolean reachable = member.path("reachable").asBoolean();
      table.add(
          (self ? "* " : "  ") + member.path("node").asText(),
          member.path("address").asText(),
          member.path("status").asText()
              + (reachable ? "" : ", unreachable")
              + (member.path("oldest").asBoolean() ? ", oldest" : ""),
          DumpCommand.duration(member.path("sinceSeconds").asDouble()),
          member.path("version").asText());
    }
    return table;
  }

  private static String inline(JsonNode object) {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      text.append(text.length() == 0 ? "" : ", ")
          .append(field.getKey())
          .append(' ')
          .append(field.getValue().isValueNode() ? field.getValue().asText() : field.getValue());
    }
    return text.toString();
  }
}
