// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Runs the command line on nodes, and shows what it says as its user would see it. */
final class DemoCommands {
  private final Lab lab;
  private final PrintWriter out;

  DemoCommands(Lab lab, PrintWriter out) {
    this.lab = lab;
    this.out = out;
  }

  /**
   * Runs {@code sluice} on a node.
   *
   * @param most lines that are shown
   * @return whether its exit code is 0
   */
  boolean show(Topology.Node node, int most, String... arguments) {
    List<String> command = new ArrayList<>(List.of("sluice"));
    command.addAll(List.of(arguments));
    out.printf("%n%s: %s%n", lab.names().host(node), String.join(" ", command));
    out.flush();
    try {
      Process process = lab.processOn(node.name(), command).redirectErrorStream(true).start();
      try (var lines = process.inputReader()) {
        List<String> text = lines.lines().toList();
        text.stream().limit(most).forEach(out::println);
        if (text.size() > most) {
          out.printf("... and %d more%n", text.size() - most);
        }
      }
      out.flush();
      return process.waitFor() == 0;
    } catch (IOException e) {
      throw new LabException("cannot run sluice: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("interrupted", e);
    }
  }
}
