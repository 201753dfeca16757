// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.agent.node.HostCheck;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.cli.Table;
import io.sluice.kernel.dataplane.Preflight;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
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

  @Mixin private OutputOption output;

  @Override
  public Integer call() throws Exception {
    List<Preflight.Finding> findings = HostCheck.run();
    output.print(findings, spec.commandLine().getOut(), out -> print(findings, out));
    return findings.stream().allMatch(f -> f.ok() || !f.required()) ? 0 : 1;
  }

  private static void print(List<Preflight.Finding> findings, PrintWriter out) {
    Table table = new Table("", "ITEM", "DETAIL", "REMEDY");
    for (Preflight.Finding finding : findings) {
      table.add(
          verdict(finding), finding.item(), oneLine(finding.detail()), oneLine(finding.remedy()));
    }
    table.print(out);
  }

  private static String verdict(Preflight.Finding finding) {
    return finding.ok() ? "ok" : finding.required() ? "MISSING" : "without";
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
