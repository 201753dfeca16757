// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.node.HostCheck;
import io.sluice.config.cli.Output;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.cli.Table;
import io.sluice.kernel.dataplane.Preflight;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice check}: what this kernel and host lack. */
@Command(
    name = "check",
    description = "Show whether this kernel and host have what the dataplane needs.",
    footer = {
      "",
      "Loads every variant of every program and lets it go again: nothing is attached, pinned or",
      "changed. Exits with 1 if something is missing that is needed.",
      "",
      "Example, only what is missing:",
      "  sluice check -o json | jq '.[] | select(.ok | not)'"
    })
public final class CheckCommand implements SluiceCommand {
  @Mixin private HelpOption help;
  @Spec private CommandSpec spec;

  @Option(
      names = {"-o", "--output"},
      defaultValue = "table",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Output output;

  @Override
  public Integer call() throws Exception {
    List<Preflight.Finding> findings = HostCheck.run();
    PrintWriter out = spec.commandLine().getOut();
    if (output == Output.json) {
      out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(findings));
    } else {
      Table table = new Table("", "ITEM", "DETAIL", "REMEDY");
      for (Preflight.Finding finding : findings) {
        table.add(
            verdict(finding), finding.item(), oneLine(finding.detail()), oneLine(finding.remedy()));
      }
      table.print(out);
    }
    out.flush();
    return findings.stream().allMatch(f -> f.ok() || !f.required()) ? 0 : 1;
  }

  private static String verdict(Preflight.Finding finding) {
    return finding.ok() ? "ok" : finding.required() ? "MISSING" : "without";
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
