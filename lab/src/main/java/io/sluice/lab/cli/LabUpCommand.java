// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Lab;
import io.sluice.lab.Topology;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code sluice lab up}. */
@Command(
    name = "up",
    description = {
      "Build the lab, and start an agent on each node. Again: start what has stopped.",
      ""
    })
final class LabUpCommand extends LabCommand.Base {
  @Option(
      names = "--nodes",
      paramLabel = "N",
      description = "How many nodes the default topology has [1].")
  private Integer nodes;

  @Option(
      names = "--topology",
      paramLabel = "FILE",
      description = "The topology, as YAML; docs/design/lab.md has its fields.")
  private Path topology;

  @Option(
      names = "--apply",
      paramLabel = "PATH",
      description = "Manifests for the agents: a file, or a folder. May be repeated.")
  private List<Path> manifests = List.of();

  @Option(
      names = "--overlay",
      paramLabel = "HOW",
      description = "How pods of different nodes reach each other: none, cross-subnet, vxlan.",
      converter = Words.Overlay.class)
  private Topology.Overlay overlay;

  @Option(
      names = "--source",
      paramLabel = "WHERE",
      description = {
        "Where agents have their resources from: file (the lab's folder of manifests), or",
        "cluster (what the nodes share, behind sluice apply)."
      },
      converter = Words.Source.class)
  private Topology.Source source;

  @Option(names = "--no-agent", description = "Leave the agents out.")
  private boolean noAgent;

  @Override
  int run() {
    if (nodes != null && topology != null) {
      throw new ParameterException(spec.commandLine(), "--nodes and --topology exclude each other");
    }
    try (Lab lab = lab()) {
      Topology wanted =
          topology != null
              ? Topology.read(topology)
              : nodes == null
                  ? lab.topology().orElseGet(() -> Topology.standard(1))
                  : Topology.standard(nodes);
      wanted = overlay == null ? wanted : wanted.with(overlay);
      wanted = source == null ? wanted : wanted.with(source);
      lab.up(wanted);
      for (Path path : manifests) {
        say("applied " + String.join(", ", lab.apply(path)));
      }
      if (!noAgent) {
        lab.start();
      }
      say("up; sluice lab status shows it, sluice lab down removes it");
    }
    return 0;
  }
}
