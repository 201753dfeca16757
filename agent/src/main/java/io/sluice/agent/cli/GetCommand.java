// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.model.Kind;
import io.sluice.config.model.KindNames;
import io.sluice.config.model.Manifest;
import java.io.PrintWriter;
import java.time.Duration;
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

/** {@code sluice get}: the resources that a node has. */
@Command(
    name = "get",
    description = "Show the resources that a node has, from the cluster or from its folder.",
    footer = {
      "",
      "Kinds: services, endpointslices, nodes, namespaces, pods, workloadendpoints, ippools,",
      "felixconfigurations, serviceaccounts, globalnetworkpolicies, tiers, networksets,",
      "globalnetworksets, hostendpoints, profiles, Kubernetes' networkpolicies and Calico's",
      "networkpolicies.projectcalico.org; in the singular and short (svc, eps, no, ns, po, wep,",
      "pool, sa, gnp, netset, hep, netpol, cnp), too.",
      "policies: all policies of any kind, in the order in which they are asked, and the local",
      "endpoints that each is on; endpoints: the local endpoints, and the policies on each.",
      "",
      "Examples:",
      "  sluice get services -A",
      "  sluice get service web -o yaml",
      "  sluice get policy"
    })
public final class GetCommand implements SluiceCommand {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** How resources are printed. */
  enum Format {
    table,
    wide,
    json,
    yaml
  }

  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;

  @Parameters(index = "0", paramLabel = "KIND", description = "what kind of resource")
  private String kindName;

  @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "only that one")
  private String name;

  @Option(
      names = {"-n", "--namespace"},
      defaultValue = "default",
      description = "of which namespace (default: ${DEFAULT-VALUE})")
  private String namespace;

  @Option(
      names = {"-A", "--all-namespaces"},
      description = "of all namespaces")
  private boolean allNamespaces;

  @Option(
      names = {"-o", "--output"},
      defaultValue = "table",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Format format;

  @Override
  public Integer call() {
    Optional<String> view = PolicyViews.table(kindName);
    if (view.isPresent()) {
      return new PolicyViews(client, spec).show(view.get(), name, format);
    }
    Kind kind =
        KindNames.find(kindName)
            .orElseThrow(
                () -> new ParameterException(spec.commandLine(), KindNames.unknown(kindName)));
    if (name != null && allNamespaces) {
      throw new ParameterException(
          spec.commandLine(), "a name is one namespace's: give -n, not -A");
    }
    JsonNode answer = ask(name == null ? list(kind) : path(kind, namespace, name));
    PrintWriter out = spec.commandLine().getOut();
    switch (format) {
      case json -> out.println(answer.toPrettyString());
      case yaml -> yaml(answer, out);
      default -> table(kind, answer, out);
    }
    out.flush();
    return 0;
  }

  private static String prefix(Kind kind) {
    return "/api/v1/resources/" + kind.uniqueName().toLowerCase(java.util.Locale.ROOT);
  }

  static String path(Kind kind, String namespace, String name) {
    return prefix(kind)
        + (kind.namespaced() ? "/" + ApplyCommand.encode(namespace) : "")
        + "/"
        + ApplyCommand.encode(name);
  }

  private String list(Kind kind) {
    return kind.namespaced() && !allNamespaces
        ? prefix(kind) + "?namespace=" + ApplyCommand.encode(namespace)
        : prefix(kind);
  }

  private JsonNode ask(String path) {
    NodeClient.Reply reply = client.exchange("GET", path, new byte[0], "", PATIENCE);
    if (reply.isRefusal()) {
      throw new CommandException(
          reply.reasons().isEmpty()
              ? "the agent answers with " + reply.status() + ": is it of this version?"
              : String.join("; ", reply.reasons()));
    }
    return reply.body();
  }

  /** Documents, so that they can be applied again. */
  private static void yaml(JsonNode answer, PrintWriter out) {
    String separator = "";
    for (JsonNode item :
        answer.path("kind").asText().equals("List") ? answer.path("items") : List.of(answer)) {
      out.print(separator + new Manifest("", 0, item.toString()).toYaml());
      separator = "---\n";
    }
  }

  private void table(Kind kind, JsonNode answer, PrintWriter out) {
    List<JsonNode> items = new ArrayList<>();
    if (name == null) {
      answer.path("items").forEach(items::add);
    } else {
      items.add(answer);
    }
    if (items.isEmpty()) {
      String where = kind.namespaced() && !allNamespaces ? " in namespace " + namespace : "";
      spec.commandLine().getErr().println("no " + kind + where);
      spec.commandLine().getErr().flush();
      return;
    }
    List<JsonNode> slices = new ArrayList<>();
    if (kind == Kind.SERVICE) {
      ask(list(Kind.ENDPOINT_SLICE)).path("items").forEach(slices::add);
    }
    new ResourceTable(kind, format == Format.wide, allNamespaces, slices).print(items, out);
  }
}
