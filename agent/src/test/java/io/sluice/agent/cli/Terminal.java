// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.agent.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** Runs commands as a user does, but in this process. */
final class Terminal {
  /** What a command has said. */
  record Said(int code, String out, String err) {}

  private Terminal() {}

  static Said run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    int code = line.execute(args);
    return new Said(code, out.toString(), err.toString());
  }
}
