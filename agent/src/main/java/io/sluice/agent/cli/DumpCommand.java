// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.dump.Dumps;
import io.sluice.agent.dump.Names;
import io.sluice.agent.dump.PolicyRows;
import io.sluice.agent.dump.Rows;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.Output;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
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
      "  policy     what an interface enforces, rule by rule, with the packets each has decided on",
      "  ipsets     the sets of addresses and ports that rules look up",
      "  ifstate    interfaces, and which policy slots they use",
      "  qos        limits of workloads: rates, connections, DSCP, and what of them is used",
      "  counters   packets by hook and by what became of them",
      "",
      "Asks the agent; if that is not running, reads the pinned maps, which needs root. Policy and",
      "ipsets have names that only the agent knows.",
      "",
      "Examples:",
      "  sluice dump conntrack",
      "  sluice dump nat -o wide",
      "  sluice dump maglev default/web",
      "  sluice dump maglev --diff",
      "  sluice dump policy cali1a2b3c4d5e6 --asm",
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
      paramLabel = "NAME",
      index = "1",
      arity = "0..1",
      description =
          "of maglev: only this service, NAMESPACE/NAME or NAMESPACE/NAME:PORT; of policy: only this"
              + " interface")
  private Optional<String> only = Optional.empty();

  @Option(
      names = "--diff",
      description =
          "of maglev: which node runs which generation; ends with 1 if not all run the same, after"
              + " some seconds' patience")
  private boolean diff;

  @Option(
      names = "--asm",
      description = "of policy, with an interface: its programs, instruction by instruction")
  private boolean asm;

  @Mixin private OutputOption output;

  @Option(
      names = "--bpffs",
      defaultValue = "/sys/fs/bpf",
      description = "where the maps are pinned, if the agent is away (default: ${DEFAULT-VALUE})")
  private Path bpffs;

  static final class Tables implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return names().iterator();
    }

    /** Of all tables. */
    static List<String> names() {
      return Stream.concat(Rows.TABLES.stream(), PolicyRows.TABLES.stream()).toList();
    }
  }

  @Override
  public Integer call() throws Exception {
    if (!Tables.names().contains(table)) {
      spec.commandLine()
          .getErr()
          .println(
              "sluice: there is no table "
                  + table
                  + "; want one of "
                  + String.join(", ", Tables.names()));
      return 2;
    }
    Optional<String> misuse = misuse();
    if (misuse.isPresent()) {
      say(misuse.get());
      return 2;
    }
    if (diff) {
      MaglevDiff.Found found = new MaglevDiff(client).find(this::concerns);
      show(found.rows());
      return found.same() ? 0 : 1;
    }
    if (asm) {
      return showCode();
    }
    NodeClient.Rows answer = client.rows("/api/v1/dump/" + table).orElseGet(this::fromMaps);
    show(MaglevDiff.only(answer.json(), this::concerns));
    if (answer.omitted() > 0) {
      say(answer.omitted() + " more rows of " + table + " are not shown");
    }
    return 0;
  }

  private Optional<String> misuse() {
    boolean maglev = table.equals("maglev");
    boolean policy = table.equals(PolicyRows.POLICY);
    if (diff && !maglev) {
      return Optional.of("--diff goes with the table maglev");
    }
    if (asm && (!policy || only.isEmpty())) {
      return Optional.of("--asm goes with the table policy and an interface");
    }
    return only.isPresent() && !maglev && !policy
        ? Optional.of("NAME goes with the tables maglev and policy")
        : Optional.empty();
  }

  /** Whether a row is of the service or the interface that was asked for. */
  private boolean concerns(JsonNode row) {
    if (only.isEmpty() || row.path("iface").asText().equals(only.get())) {
      return true;
    }
    String name = row.path("service").asText();
    return name.equals(only.get()) || name.startsWith(only.get() + ":");
  }

  private int showCode() throws JsonProcessingException {
    String path =
        "/api/v1/dump/" + ApplyCommand.encode(PolicyRows.CODE_PREFIX + only.orElseThrow());
    JsonNode rows = client.rows(path).orElseThrow(this::withoutAgent).json();
    output.print(
        rows,
        spec.commandLine().getOut(),
        out -> {
          for (JsonNode row : rows) {
            out.printf(
                "%s %s: program %s, piece %d%s%n%s",
                row.path("iface").asText(),
                row.path("direction").asText(),
                row.path("program").asText(),
                row.path("piece").asInt(),
                row.path("inForce").asBoolean() ? "" : ", not in force (yet)",
                row.path("code").asText());
          }
          if (rows.isEmpty()) {
            out.println("(interface " + only.orElseThrow() + " has no policy)");
          }
        });
    return 0;
  }

  private CommandException withoutAgent() {
    return new CommandException(
        "no agent at " + client.address() + ": only a running agent knows policy");
  }

  private void show(JsonNode rows) throws JsonProcessingException {
    output.print(rows, spec.commandLine().getOut(), out -> print(rows, out));
  }

  private void say(String line) {
    spec.commandLine().getErr().println("sluice: " + line);
    spec.commandLine().getErr().flush();
  }

  private NodeClient.Rows fromMaps() {
    if (PolicyRows.TABLES.contains(table)) {
      throw withoutAgent();
    }
    say("no agent at " + client.address() + ", reading the maps pinned below " + bpffs);
    try (Dataplane dataplane = PinnedDataplane.open(bpffs)) {
      Dumps.Part<?> part = new Dumps(dataplane, Names.UNKNOWN).rows(table).orElseThrow();
      return new NodeClient.Rows(new ObjectMapper().valueToTree(part.rows()), part.omitted());
    } catch (KernelException e) {
      throw new CommandException(e.getMessage());
    }
  }

  private void print(JsonNode rows, PrintWriter out) {
    if (rows.isEmpty()) {
      out.println("(" + table + " is empty)");
      return;
    }
    boolean brief = output.value() == Output.table;
    if (brief && table.equals(PolicyRows.POLICY)) {
      // Each row would say the same of it, and is long enough without.
      JsonNode first = rows.get(0);
      if (only.isPresent()) {
        out.println(first.path("iface").asText() + ", " + first.path("owner").asText());
      }
      RowTable.print(
          rows, brief, only.isPresent() ? Set.of("iface", "owner") : Set.of("owner"), out);
    } else {
      RowTable.print(rows, brief, Set.of(), out);
    }
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
