// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent;

import io.sluice.agent.cli.AgentCommand;
import io.sluice.agent.cli.ApplyCommand;
import io.sluice.agent.cli.CheckCommand;
import io.sluice.agent.cli.DeleteCommand;
import io.sluice.agent.cli.DumpCommand;
import io.sluice.agent.cli.ExplainCommand;
import io.sluice.agent.cli.GetCommand;
import io.sluice.agent.cli.StatusCommand;
import io.sluice.agent.cli.SvcCommand;
import io.sluice.agent.cli.UninstallCommand;
import io.sluice.agent.node.Build;
import io.sluice.config.cli.SluiceCommand;
import java.util.ServiceLoader;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** The command line: one entry, with the commands of every module that is there. */
@Command(
    name = "sluice",
    mixinStandardHelpOptions = true,
    version = "sluice " + Build.VERSION,
    description = {
      "An eBPF dataplane for Linux nodes: service load balancing and network policy.",
      ""
    },
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      AgentCommand.class,
      ApplyCommand.class,
      DeleteCommand.class,
      GetCommand.class,
      StatusCommand.class,
      SvcCommand.class,
      DumpCommand.class,
      ExplainCommand.class,
      CheckCommand.class,
      UninstallCommand.class,
      HelpCommand.class,
    },
    footer = {
      "",
      "See it work:       sluice lab demo",
      "Can it run here?   sluice check",
      "Shell completion:  source <(sluice generate-completion)",
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong usage."
    })
public final class Main implements Runnable {
  /** Set in the environment: errors are shown with their traces. */
  private static final String TRACE = "SLUICE_TRACE";

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
  }

  public static void main(String[] args) {
    if (System.getenv(TRACE) != null) {
      System.setProperty("sluice.log.exceptions", "%ex"); // see logback.xml
    }
    System.exit(commandLine().execute(args));
  }

  /** The whole command line, commands of other modules included. */
  public static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Main());
    line.addSubcommand(new GenerateCompletion());
    ServiceLoader.load(SluiceCommand.class).forEach(line::addSubcommand);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(
        (e, parsed) -> {
          CommandLine command = e.getCommandLine();
          command
              .getErr()
              .println(
                  "sluice: %s; see '%s --help'"
                      .formatted(
                          inOneLine(e.getMessage()), command.getCommandSpec().qualifiedName()));
          return CommandLine.ExitCode.USAGE;
        });
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          command.getErr().println("sluice: " + oneLine(e));
          return CommandLine.ExitCode.SOFTWARE;
        });
    return line;
  }

  /** What went wrong in one line; the trace is for those who ask for it. */
  private static String oneLine(Exception e) {
    if (System.getenv(TRACE) != null) {
      e.printStackTrace();
    }
    String message = e.getMessage() == null ? "" : inOneLine(e.getMessage());
    return message.isEmpty()
        ? e.getClass().getSimpleName() + " (" + TRACE + "=1 shows where)"
        : message;
  }

  private static String inOneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
