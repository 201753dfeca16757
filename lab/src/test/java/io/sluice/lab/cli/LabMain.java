// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.config.cli.SluiceCommand;
import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** A {@code sluice} with no commands but the lab's, found as the real one finds them. */
@Command(name = "sluice")
final class LabMain {
  private LabMain() {}

  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new LabMain());
    ServiceLoader.load(SluiceCommand.class).forEach(line::addSubcommand);
    System.exit(line.execute(arguments));
  }
}
