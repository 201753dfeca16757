// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
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
import java.util.Optional;
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
      "  nat        frontends of services and their backends: how often each is in the window of",
      "             the whole cluster's backends, and in that of this node's own",
      "  affinity   which client has which backend, and for how long",
      "  maglev     which backend has how many slots of a service's Maglev table",
      "  routes     where addresses live",
      "  ifstate    interfaces, and which policy slots they use",
      "  qos        limits of workloads: rates, connections, DSCP, and what of them is used",
      "  counters   packets by hook and by what became of them",
      "",
      "Asks the agent; if that is not running, reads the pinned maps, which needs root.",
      "",
      "Examples:",
      "  sluice dump conntrack",
      "  sluice dump nat -o wide",
      "  sluice dump maglev default/web",
      "  sluice dump maglev --diff",
      "  sluice dump counters -o json | jq '.[] | select(.verdict == \"drop\")'"
    })
public final class DumpCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;

  @Parameters(
      paramLabel = "TABLE",
      index = "0",
      completionCandidates = Tables.class,
      description = "one of ${COMPLETION-CANDIDATES}")
  private String table;

  @Parameters(
      paramLabel = "SERVICE",
      index = "1",
      arity = "0..1",
      description = "of maglev: only this one, NAMESPACE/NAME or NAMESPACE/NAME:PORT")
  private Optional<String> service = Optional.empty();

  @Option(
      names = "--diff",
      description =
          "of maglev: which node runs which generation; ends with 1 if not all run the same, after"
              + " some seconds' patience")
  private boolean diff;

  @Mixin private OutputOption output;

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
    if (!table.equals("maglev") && (diff || service.isPresent())) {
      spec.commandLine().getErr().println("sluice: SERVICE and --diff go with the table maglev");
      return 2;
    }
    if (diff) {
      MaglevDiff.Found found = new MaglevDiff(client).find(this::concerns);
      show(found.rows());
      return found.same() ? 0 : 1;
    }
    NodeClient.Rows answer = client.rows("/api/v1/dump/" + table).orElseGet(this::fromMaps);
    show(MaglevDiff.only(answer.json(), this::concerns));
    if (answer.omitted() > 0) {
      say(answer.omitted() + " more rows of " + table + " are not shown");
    }
    return 0;
  }

  /** Whether a row is of the service that was asked for. */
  private boolean concerns(JsonNode row) {
    String name = row.path("service").asText();
    return service.isEmpty() || name.equals(service.get()) || name.startsWith(service.get() + ":");
  }

  private void show(JsonNode rows) throws JsonProcessingException {
    output.print(rows, spec.commandLine().getOut(), out -> print(rows, out));
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
    if (output.value() == Output.table) {
      fields.removeIf(field -> field.endsWith("Id"));
    }
    Table text = new Table(fields.stream().map(DumpCommand::heading).toArray(String[]::new));
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
    if (field.endsWith("Percent")) {
      return value.asText() + "%";
    }
    if (value.isBoolean()) {
      return value.asBoolean() ? "yes" : "no";
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
