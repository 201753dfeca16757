// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.dump.Dumps;
import io.sluice.agent.dump.Names;
import io.sluice.agent.dump.Rows;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.cli.Table;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice svc}: services as this node's kernel serves them. */
@Command(
    name = "svc",
    description = "Show services as this node serves them: frontends, backends, who is connected.",
    footer = {
      "",
      "CLUSTER and LOCAL: how often a backend is in the window that any client may get, and in",
      "that of this node's own (traffic policy Local, and what other nodes forward). HITS: entries",
      "of conntrack that have the backend now. STATE dead: no longer a backend, but flows have it.",
      "",
      "Asks the agent; if that is not running, reads the pinned maps, which needs root and knows",
      "only the name that it is given.",
      "",
      "Examples:",
      "  sluice svc -A",
      "  sluice svc web -n shop -o json"
    })
public final class SvcCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "NAME",
      description = "only that one; NAMESPACE/NAME does, too")
  private Optional<String> name = Optional.empty();

  @Option(
      names = {"-n", "--namespace"},
      defaultValue = "default",
      description = "of which namespace (default: ${DEFAULT-VALUE})")
  private String namespace;

  @Option(
      names = {"-A", "--all-namespaces"},
      description = "of all namespaces")
  private boolean allNamespaces;

  @Mixin private OutputOption output;

  @Option(
      names = "--bpffs",
      defaultValue = "/sys/fs/bpf",
      description = "where the maps are pinned, if the agent is away (default: ${DEFAULT-VALUE})")
  private Path bpffs;

  @Override
  public Integer call() throws Exception {
    if (name.isPresent() && allNamespaces) {
      throw new ParameterException(
          spec.commandLine(), "a name is one namespace's: give -n, not -A");
    }
    Optional<String> called = name.map(n -> n.contains("/") ? n : namespace + "/" + n);
    Optional<JsonNode> answer = client.get("/api/v1/dump/" + Rows.SERVICES);
    boolean nameless = answer.isEmpty() && called.isEmpty();
    JsonNode rows =
        MaglevDiff.only(
            answer.orElseGet(() -> fromMaps(called)),
            row -> nameless || concerns(row.path("service").asText(), called));
    if (rows.isEmpty() && called.isPresent()) {
      throw new CommandException(
          "this node serves no service " + called.get() + ": see 'sluice svc -A' and status");
    }
    output.print(rows, spec.commandLine().getOut(), out -> print(rows, out));
    return 0;
  }

  private boolean concerns(String service, Optional<String> called) {
    return called
        .map(c -> service.startsWith(c + ":"))
        .orElse(allNamespaces || service.startsWith(namespace + "/"));
  }

  private JsonNode fromMaps(Optional<String> called) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(
        "sluice: no agent at %s, reading the maps pinned below %s"
            .formatted(client.address(), bpffs));
    err.flush();
    try (Dataplane dataplane = PinnedDataplane.open(bpffs)) {
      return new ObjectMapper().valueToTree(new Dumps(dataplane, Names.UNKNOWN).services(called));
    } catch (KernelException e) {
      throw new CommandException(e.getMessage());
    }
  }

  private void print(JsonNode rows, PrintWriter out) {
    if (rows.isEmpty()) {
      out.println("(no services" + (allNamespaces ? ")" : " in namespace " + namespace + ")"));
    }
    String separator = "";
    for (JsonNode row : rows) {
      out.print(separator);
      separator = System.lineSeparator();
      printOne(row, out);
    }
  }

  private static void printOne(JsonNode row, PrintWriter out) {
    out.printf(
        "%s %s IPv%s%n",
        row.path("service").asText(), row.path("protocol").asText(), row.path("family").asText());
    String label = "frontends";
    for (JsonNode frontend : row.path("frontends")) {
      List<String> words = new ArrayList<>(List.of(frontend.path("kind").asText()));
      frontend.path("flags").forEach(flag -> words.add(flag.asText()));
      out.printf(
          "  %-10s %s (%s)%n", label, frontend.path("address").asText(), String.join(", ", words));
      label = "";
    }
    out.printf("  %-10s %s%n", "algorithm", algorithm(row));
    if (row.path("clusterWindow").asInt() == 0) {
      out.printf("  %-10s %s%n", "backends", "none: connections are refused");
    }
    if (!row.path("backends").isEmpty()) {
      Table table = new Table("BACKEND", "STATE", "NODE", "CLUSTER", "LOCAL", "HITS");
      for (JsonNode backend : row.path("backends")) {
        table.add(
            backend.path("address").asText(),
            backend.path("state").asText(),
            node(backend),
            backend.path("cluster").asInt(),
            backend.path("local").asInt(),
            backend.path("hits").asLong());
      }
      table.toString().lines().forEach(line -> out.println("  " + line));
    }
  }

  private static String node(JsonNode backend) {
    String node = backend.path("node").asText();
    return backend.path("here").asBoolean() ? (node + " (this node)").strip() : node;
  }

  private static String algorithm(JsonNode row) {
    String text =
        row.path("algorithm").asText().equals("maglev")
            ? "maglev for clients outside, but by node ports; else random"
            : "random";
    String affinity = row.path("affinity").asText();
    return affinity.isEmpty() ? text : "affinity " + affinity + ", then " + text;
  }
}
