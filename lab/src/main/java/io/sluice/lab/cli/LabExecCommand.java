// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice lab exec}. */
@Command(
    name = "exec",
    description = {
      "Run a command on a host, in its network namespace and its cgroup.",
      "Input, output and exit code are the command's.",
      "",
      "  sluice lab exec node1 -- sluice dump conntrack",
      "  sluice lab exec pod-default-client -- curl -s http://10.96.0.10/",
      ""
    })
final class LabExecCommand extends LabCommand.Base {
  private static final long GRACE_SECONDS = 3;

  @Parameters(
      index = "0",
      paramLabel = "HOST",
      description = "With or without the sluice- before it; sluice lab status lists them.")
  private String host;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "CMD",
      description = "The command and its arguments; -- before it may be left out.")
  private List<String> command;

  /** What follows HOST is the command's, its options as well. */
  @Spec
  void endOptionsAtHost(CommandSpec own) {
    own.parser().stopAtPositional(true);
  }

  @Override
  int run() {
    if (command.get(0).equals("--")) {
      command = command.subList(1, command.size());
    }
    if (command.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "Missing the command for " + host);
    }
    try (Lab lab = lab()) {
      Process process = lab.processOn(host, command).inheritIO().start();
      // A signal from the terminal reaches both; the command may want to say something at its end.
      Runtime.getRuntime().addShutdownHook(new Thread(() -> endOf(process), "lab-exec-end"));
      return process.waitFor();
    } catch (IOException e) {
      throw new LabException("cannot run " + command.get(0) + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }

  private static void endOf(Process process) {
    try {
      if (!process.waitFor(process.isAlive() ? GRACE_SECONDS : 0, TimeUnit.SECONDS)) {
        process.destroy();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
