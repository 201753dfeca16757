// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.cli.Output;
import java.io.PrintWriter;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** {@code --output}. A mix-in of commands that print what they found. */
public final class OutputOption {
  @Option(
      names = {"-o", "--output"},
      defaultValue = "table",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Output output;

  /** What was asked for. */
  Output value() {
    return output;
  }

  /**
   * Prints as JSON, if that was asked for, else as text.
   *
   * @param found anything that Jackson writes
   */
  public void print(Object found, PrintWriter out, Consumer<PrintWriter> text)
      throws JsonProcessingException {
    if (output == Output.json) {
      out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(found));
    } else {
      text.accept(out);
    }
    out.flush();
  }
}
