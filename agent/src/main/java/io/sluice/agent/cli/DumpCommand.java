// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.dump.Dumps;
import io.sluice.agent.dump.Names;
import io.sluice.agent.dump.Rows;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.Output;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.cli.Table;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice dump TABLE}: from the agent, or, when it is away, from the maps themselves. */
@Command(
    name = "dump",
    description = "Show a table of this node's dataplane.",
    footer = {
      "",
      "Tables:",
      "  conntrack  one line a flow: who opened it, by which service, to which backend",
      "  nat        frontends of services and their backends",
      "  routes     where addresses live",
      "  ifstate    interfaces, and which policy slots they use",
      "  counters   packets by hook and by what became of them",
      "",
      "Asks the agent; if that is not running, reads the pinned maps, which needs root.",
      "",
      "Examples:",
      "  sluice dump conntrack",
      "  sluice dump nat -o wide",
      "  sluice dump counters -o json | jq '.[] | select(.verdict == \"drop\")'"
    })
public final class DumpCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;

  @Parameters(
      paramLabel = "TABLE",
      completionCandidates = Tables.class,
      description = "one of ${COMPLETION-CANDIDATES}")
  private String table;

  @Option(
      names = {"-o", "--output"},
      defaultValue = "table",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Output output;

  @Option(
      names = "--bpffs",
      defaultValue = "/sys/fs/bpf",
      description = "where the maps are pinned, if the agent is away (default: ${DEFAULT-VALUE})")
  private Path bpffs;

  static final class Tables implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Rows.TABLES.iterator();
    }
  }

  @Override
  public Integer call() throws Exception {
    if (!Rows.TABLES.contains(table)) {
      spec.commandLine()
          .getErr()
          .println(
              "sluice: there is no table "
                  + table
                  + "; want one of "
                  + String.join(", ", Rows.TABLES));
      return 2;
    }
    PrintWriter out = spec.commandLine().getOut();
    NodeClient.Rows answer = client.rows("/api/v1/dump/" + table).orElseGet(this::fromMaps);
    JsonNode rows = answer.json();
    if (output == Output.json) {
      out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(rows));
    } else {
      print(rows, out);
    }
    out.flush();
    if (answer.omitted() > 0) {
      say(answer.omitted() + " more rows of " + table + " are not shown");
    }
    return 0;
  }

  private void say(String line) {
    spec.commandLine().getErr().println("sluice: " + line);
    spec.commandLine().getErr().flush();
  }

  private NodeClient.Rows fromMaps() {
    say("no agent at " + client.address() + ", reading the maps pinned below " + bpffs);
    try (Dataplane dataplane = PinnedDataplane.open(bpffs)) {
      Dumps.Part<?> part = new Dumps(dataplane, Names.UNKNOWN).rows(table).orElseThrow();
      return new NodeClient.Rows(new ObjectMapper().valueToTree(part.rows()), part.omitted());
    } catch (KernelException e) {
      throw new CommandException(e.getMessage());
    }
  }

  /** Columns are the fields of the rows: records say all that is to be said. */
  private void print(JsonNode rows, PrintWriter out) {
    if (rows.isEmpty()) {
      out.println("(" + table + " is empty)");
      return;
    }
    List<String> fields = new ArrayList<>();
    rows.get(0).fieldNames().forEachRemaining(fields::add);
    if (output == Output.table) {
      fields.removeIf(field -> field.endsWith("Id"));
    }
    Table text = new Table(fields.stream().map(DumpCommand::heading).toArray(String[]::new));
    for (JsonNode row : rows) {
      text.add(fields.stream().map(f -> cell(f, row.get(f))).toArray());
    }
    text.print(out);
  }

  private static String heading(String field) {
    return field.replaceAll("Seconds$", "").replaceAll("([A-Z])", "-$1").toUpperCase(Locale.ROOT);
  }

  private static String cell(String field, JsonNode value) {
    if (value.isArray()) {
      List<String> parts = new ArrayList<>();
      value.forEach(v -> parts.add(v.asText()));
      return String.join(",", parts);
    }
    return field.endsWith("Seconds") ? duration(value.asDouble()) : value.asText();
  }

  /** Seconds as people say them: {@code 0.4s}, {@code 12s}, {@code 3m5s}, {@code 2h7m}. */
  static String duration(double seconds) {
    long whole = Math.round(seconds);
    if (seconds < 10) {
      return String.format(Locale.ROOT, "%.1fs", seconds);
    }
    if (whole < 60) {
      return whole + "s";
    }
    return whole < 3600
        ? whole / 60 + "m" + whole % 60 + "s"
        : whole / 3600 + "h" + whole % 3600 / 60 + "m";
  }
}
