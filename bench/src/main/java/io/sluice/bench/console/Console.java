// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.console;

import io.sluice.config.cli.CommandException;
import io.sluice.kernel.sys.Privileges;
import java.io.PrintWriter;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;

/** What all benchmarks say to who runs them. */
public final class Console {
  private Console() {}

  /** Says why the command line cannot be, and returns the exit code of that. */
  public static int refuse(CommandSpec spec, String what) {
    spec.commandLine().getErr().println("sluice: " + what);
    return 2;
  }

  /**
   * Returns if this process may do what benchmarks do.
   *
   * @throws CommandException if it may not
   */
  public static void requirePrivileges() {
    Privileges.complaint()
        .ifPresent(
            complaint -> {
              throw new CommandException(complaint);
            });
  }

  /** Where lines go that say how far a benchmark is. */
  public static Consumer<String> progress(CommandSpec spec) {
    PrintWriter err = spec.commandLine().getErr();
    return line -> {
      err.println(line);
      err.flush();
    };
  }
}
