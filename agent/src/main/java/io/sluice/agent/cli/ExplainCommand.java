// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.dump.Names;
import io.sluice.agent.explain.Explainer;
import io.sluice.agent.explain.KernelPaths;
import io.sluice.agent.explain.Question;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.cli.Table;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.Ip;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice explain}: what would become of a packet. */
@Command(
    name = "explain",
    description = {
      "Say what would become of the first packet of a flow on this node, and why, from the",
      "kernel's maps. Nothing is sent."
    },
    footer = {
      "",
      "The source says where the packet comes in: from a pod of this node, from the node itself, or",
      "from outside; --in says otherwise. Of policy, this node's endpoints are asked.",
      "",
      "Asks the agent; if that is not running, reads the pinned maps, which needs root and knows",
      "neither names nor policy.",
      "",
      "Examples:",
      "  sluice explain default/client 10.96.0.10 tcp 80",
      "  sluice explain 203.0.113.7 198.51.100.1 tcp 443 --source-port 40000",
      "  sluice explain 203.0.113.7 192.168.1.11 udp 30053 --in eth0 -o json"
    })
public final class ExplainCommand implements SluiceCommand {

  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;
  @Mixin private NodeClient client;

  @Parameters(index = "0", paramLabel = "SRC", description = "address, or a pod's NAMESPACE/NAME")
  private String source;

  @Parameters(index = "1", paramLabel = "DST", description = "likewise")
  private String destination;

  @Parameters(index = "2", paramLabel = "PROTO", description = "tcp, udp, sctp, icmp or a number")
  private String protocol;

  @Parameters(
      index = "3",
      arity = "0..1",
      paramLabel = "PORT",
      description = "destination port, for protocols that have some")
  private Optional<String> port = Optional.empty();

  @Option(
      names = "--source-port",
      paramLabel = "PORT",
      description = "of a flow that may be known already; tells the slot of a Maglev table, too")
  private Optional<String> sourcePort = Optional.empty();

  @Option(
      names = "--in",
      paramLabel = "DEVICE",
      description = "the interface that the packet comes in by")
  private Optional<String> device = Optional.empty();

  @Mixin private OutputOption output;

  @Option(
      names = "--bpffs",
      defaultValue = "/sys/fs/bpf",
      description = "where the maps are pinned, if the agent is away (default: ${DEFAULT-VALUE})")
  private Path bpffs;

  @Override
  public Integer call() throws Exception {
    try {
      // Whoever answers: names are the agent's to know, all else is wrong usage here.
      question((name, like) -> like.orElse(Ip.ANY4));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
    JsonNode answer = fromAgent().orElseGet(this::fromMaps);
    output.print(answer, spec.commandLine().getOut(), out -> print(answer, out));
    return 0;
  }

  private Question question(Question.Resolver names) {
    return Question.of(
        source,
        destination,
        protocol,
        port.orElse(""),
        sourcePort.orElse(""),
        device.orElse(""),
        names);
  }

  private Optional<JsonNode> fromAgent() {
    String path =
        "/api/v1/explain?source=%s&destination=%s&protocol=%s&port=%s&sourcePort=%s&device=%s"
            .formatted(
                ApplyCommand.encode(source),
                ApplyCommand.encode(destination),
                ApplyCommand.encode(protocol),
                ApplyCommand.encode(port.orElse("")),
                ApplyCommand.encode(sourcePort.orElse("")),
                ApplyCommand.encode(device.orElse("")));
    return client.get(path);
  }

  private JsonNode fromMaps() {
    PrintWriter err = spec.commandLine().getErr();
    err.println(
        "sluice: no agent at %s, reading the maps pinned below %s"
            .formatted(client.address(), bpffs));
    err.flush();
    try (Dataplane dataplane = PinnedDataplane.open(bpffs)) {
      return new ObjectMapper()
          .valueToTree(
              new Explainer(
                      dataplane,
                      Names.UNKNOWN,
                      Optional.empty(),
                      KernelPaths.here(),
                      Optional.empty())
                  .explain(question(Question.Resolver.NONE)));
    } catch (KernelException | IllegalArgumentException e) {
      throw new CommandException(e.getMessage());
    }
  }

  private static void print(JsonNode answer, PrintWriter out) {
    out.println(answer.path("packet").asText());
    answer
        .path("steps")
        .forEach(
            step ->
                out.printf(
                    "  %-10s %s%n", step.path("topic").asText(), step.path("found").asText()));
    String reason = answer.path("reason").asText();
    out.println(answer.path("verdict").asText() + (reason.isEmpty() ? "" : ": " + reason));
    if (answer.path("candidates").isEmpty()) {
      return;
    }
    Table table = new Table("TO", "SHARE", "NODE", "MTU", "PATH", "ANSWERS");
    for (JsonNode to : answer.path("candidates")) {
      String drops = to.path("reason").asText();
      table.add(
          to.path("backend").asText(),
          to.path("sharePercent").asText() + "%",
          to.path("node").asText(),
          to.path("mtu").asInt() == 0 ? "-" : to.path("mtu").asText(),
          to.path("path").asText() + (drops.isEmpty() ? "" : ": dropped, " + drops),
          to.path("reply").asText());
    }
    table.print(out);
  }
}
