// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.config.cli.SluiceCommand;
import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.LabNames;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice lab}: says what there is below it. */
@Command(
    name = "lab",
    description =
        "Nodes, pods, an outside client and a router as network namespaces on this machine.",
    footer = {
      "",
      "Every host is a network namespace: sluice-node1, …, sluice-client, sluice-router,",
      "sluice-pod-NAMESPACE-NAME. Start with:  sluice lab demo",
      "",
      "SLUICE_LAB_DIR   where the lab keeps its files [/run/sluice-lab]",
      "SLUICE_LAB_NAME  what its hosts' names begin with [sluice]; for a second lab beside the first"
    },
    subcommands = {
      LabUpCommand.class,
      LabExecCommand.class,
      LabStatusCommand.class,
      LabDemoCommand.class,
      LabDownCommand.class
    })
public final class LabCommand implements SluiceCommand {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  /** Lists the commands; alone it is wrong usage. */
  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return CommandLine.ExitCode.USAGE;
  }

  /** What all commands of the lab share: the way errors are told. */
  abstract static class Base implements Callable<Integer> {
    @Spec CommandSpec spec;

    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Show this help.")
    private boolean help;

    @Override
    public Integer call() {
      try {
        return run();
      } catch (LabException e) {
        err().println("sluice lab: " + e.getMessage());
        err().flush();
        return CommandLine.ExitCode.SOFTWARE;
      }
    }

    /** Does it; returns the exit code. */
    abstract int run();

    PrintWriter out() {
      return spec.commandLine().getOut();
    }

    PrintWriter err() {
      return spec.commandLine().getErr();
    }

    /** A step in progress goes to stderr: stdout is for results. */
    void say(String line) {
      err().println("lab: " + line);
      err().flush();
    }

    Lab lab() {
      return Lab.open(LabNames.standard(), null, this::say);
    }
  }
}
