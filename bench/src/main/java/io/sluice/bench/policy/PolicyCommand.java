// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.agent.cli.OutputOption;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.Table;
import io.sluice.kernel.sys.Privileges;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice bench policy}. */
@Command(
    name = "policy",
    description = {
      "Measure how soon a change of labels, policies and sets is enforced, and what that takes.",
      "Brings up a lab of its own with one node and as many links, and takes it down."
    },
    footer = {
      "",
      "Each endpoint has 50 policies. A change is timed from the request to an agent that is its own",
      "cluster, to the moment when the kernel's program or map is another, seen from outside of it."
    })
public final class PolicyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--changes",
      defaultValue = "100",
      description = "changes that are measured of each kind (default: ${DEFAULT-VALUE})")
  private int changes;

  @Option(
      names = "--endpoints",
      split = ",",
      defaultValue = "10,250,1000",
      description = "numbers of endpoints (default: ${DEFAULT-VALUE})")
  private List<Integer> endpoints;

  @Option(
      names = "--quick",
      description = "few changes and endpoints: shows that it works, no more")
  private boolean quick;

  @Mixin private OutputOption output;

  @Override
  public Integer call() throws Exception {
    if (changes < 1 || endpoints.stream().anyMatch(n -> n < 1 || n > 2_000)) {
      spec.commandLine()
          .getErr()
          .println("sluice: want --changes above 0, --endpoints of 1 to 2000");
      return 2;
    }
    Privileges.complaint()
        .ifPresent(
            complaint -> {
              throw new CommandException(complaint);
            });
    PrintWriter err = spec.commandLine().getErr();
    List<PolicyBench.Row> rows =
        new PolicyBench(
                quick ? 4 : changes,
                quick ? List.of(10) : endpoints,
                line -> {
                  err.println(line);
                  err.flush();
                })
            .run();
    output.print(rows, spec.commandLine().getOut(), out -> print(rows, out));
    return 0;
  }

  private static void print(List<PolicyBench.Row> rows, PrintWriter out) {
    Table table = new Table("WHAT", "ENDPOINTS", "MEDIAN", "P99", "UNIT", "AIM");
    for (PolicyBench.Row row : rows) {
      table.add(
          row.what(),
          row.endpoints(),
          number(row.median()),
          number(row.p99()),
          row.unit(),
          row.aim() == 0 ? "" : number(row.aim()));
    }
    table.print(out);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.1f" : "%.0f", value);
  }
}
