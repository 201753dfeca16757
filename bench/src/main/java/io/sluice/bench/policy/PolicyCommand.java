// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.agent.cli.OutputOption;
import io.sluice.bench.console.Console;
import io.sluice.config.cli.Table;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice bench policy}. */
@Command(
    name = "policy",
    description = {
      "Measure how soon a change of labels, policies and sets is enforced, and what that takes;",
      "and how many packets a second are dropped by XDP, TC, and nftables. Brings up a lab of its",
      "own with one node and as many links, and takes it down."
    },
    footer = {
      "",
      "Each endpoint has 50 policies. A change is timed from the request to an agent that is its own",
      "cluster, to the moment when the kernel's program or map is another, seen from outside of it.",
      "",
      "Dropped packets are one flow of small UDP, sent as XDP frames over a veth by the CPU that drops",
      "them: what arrives is what a driver has, before there is an skb. The droppers count them, and",
      "take turns in each round. OVER LINK is what a packet takes beyond an XDP program that does",
      "nothing but drop; OF SENT is the least share of packets that did not find the link's ring full."
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
      names = "--parts",
      split = ",",
      defaultValue = "changes,drop",
      description = "what to measure: changes, or drop rates (default: ${DEFAULT-VALUE})")
  private List<String> parts;

  @Option(
      names = "--rounds",
      defaultValue = "9",
      description = "rounds of dropping (default: ${DEFAULT-VALUE})")
  private int rounds;

  @Option(
      names = "--millis",
      defaultValue = "500",
      description = "length of each dropper's part of a round (default: ${DEFAULT-VALUE})")
  private int millis;

  @Option(
      names = "--quick",
      description = "few changes, endpoints and rounds: shows that it works, no more")
  private boolean quick;

  @Mixin private OutputOption output;

  /** All figures; a part that was not wanted is empty. */
  record Result(List<PolicyBench.Row> changes, List<DropBench.Row> drops) {}

  @Override
  public Integer call() throws Exception {
    if (changes < 1 || endpoints.stream().anyMatch(n -> n < 1 || n > 2_000)) {
      return Console.refuse(spec, "want --changes above 0, --endpoints of 1 to 2000");
    }
    if (rounds < 1 || millis < 10) {
      return Console.refuse(spec, "want --rounds above 0, --millis from 10");
    }
    if (!List.of("changes", "drop").containsAll(parts)) {
      return Console.refuse(spec, "want --parts changes, drop, or both");
    }
    Console.requirePrivileges();
    Result result = measure(Console.progress(spec));
    output.print(result, spec.commandLine().getOut(), out -> print(result, out));
    return 0;
  }

  private Result measure(Consumer<String> progress) throws IOException {
    List<DropBench.Row> drops =
        parts.contains("drop")
            ? new DropBench(quick ? 2 : rounds, quick ? 50 : millis, progress).run()
            : List.of();
    List<PolicyBench.Row> rows =
        parts.contains("changes")
            ? new PolicyBench(quick ? 4 : changes, quick ? List.of(10) : endpoints, progress).run()
            : List.of();
    return new Result(rows, drops);
  }

  private static void print(Result result, PrintWriter out) {
    if (!result.changes().isEmpty()) {
      print(result.changes(), out);
    }
    if (!result.drops().isEmpty()) {
      Table table =
          new Table(
              "DROPPED BY",
              "COUNTED BY",
              "MEDIAN, M/s",
              "MIN",
              "MAX",
              "OF NFTABLES",
              "OVER LINK, ns",
              "OF SENT");
      for (DropBench.Row row : result.drops()) {
        table.add(
            row.dropper(),
            row.counted(),
            fine(row.median()),
            fine(row.min()),
            fine(row.max()),
            fine(row.ofNftables()),
            number(row.overLink()),
            fine(row.ofSent()));
      }
      table.print(out);
    }
  }

  private static String fine(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
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
