// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.agent.node.Uninstall;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.settings.AgentKeys;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice uninstall}: leaves the host as it was before the first agent. */
@Command(
    name = "uninstall",
    description = "Take Sluice off this node: programs, pins, rules, routes and settings.",
    footer = {
      "",
      "The agent must be stopped. Workloads lose their network, unless something else gives them",
      "one. Doing it again does no harm.",
      "",
      "Examples:",
      "  sluice uninstall --config /etc/sluice/agent.conf",
      "  sluice uninstall --bpffs /sys/fs/bpf --data-dir /var/lib/sluice --purge"
    })
public final class UninstallCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;

  @ArgGroup(exclusive = true, multiplicity = "0..1")
  private Where where;

  @Option(names = "--purge", description = "delete the data folder too")
  private boolean purge;

  static final class Where {
    @Option(
        names = "--config",
        paramLabel = "FILE",
        description = "the agent's configuration, for bpffs and data-dir")
    private Path config;

    @ArgGroup(exclusive = false)
    private Folders folders;
  }

  static final class Folders {
    @Option(
        names = "--bpffs",
        paramLabel = "DIR",
        description = "where the agent pinned its programs (default: /sys/fs/bpf)")
    private Path bpffs;

    @Option(
        names = "--data-dir",
        paramLabel = "DIR",
        description = "the agent's data folder (default: /var/lib/sluice)")
    private Path dataDir;
  }

  @Override
  public Integer call() {
    Path bpffs = Path.of("/sys/fs/bpf");
    Path dataDir = Path.of("/var/lib/sluice");
    if (where != null && where.config != null) {
      AgentKeys keys = AgentCommand.load(Optional.of(where.config), Map.of()).keys();
      bpffs = keys.bpffs();
      dataDir = keys.dataDir();
    } else if (where != null && where.folders != null) {
      bpffs = where.folders.bpffs == null ? bpffs : where.folders.bpffs;
      dataDir = where.folders.dataDir == null ? dataDir : where.folders.dataDir;
    }
    List<String> left = new Uninstall(bpffs, dataDir).run(purge);
    left.forEach(line -> spec.commandLine().getErr().println("sluice: not taken back: " + line));
    return left.isEmpty() ? 0 : 1;
  }
}
