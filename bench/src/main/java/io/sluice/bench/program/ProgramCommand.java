// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.agent.cli.OutputOption;
import io.sluice.bench.console.Console;
import io.sluice.config.cli.Table;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice bench program}. */
@Command(
    name = "program",
    description = {
      "Measure what a packet costs in the programs, by BPF_PROG_TEST_RUN.",
      "Nothing is attached; maps and programs are this benchmark's own."
    },
    footer = {
      "",
      "Figures are ns per packet and include the floor, which is the cost of an empty program. Rounds of",
      "all paths are taken in turn. 'calico' is what Calico's chain takes on Linux 6.18 for the whole",
      "way of the same packet over the same floor; 'over floor' compares what lies above it."
    })
public final class ProgramCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--rounds",
      defaultValue = "41",
      description = "rounds of each path (default: ${DEFAULT-VALUE})")
  private int rounds;

  @Option(
      names = "--packets",
      defaultValue = "20000",
      description = "packets of each round, 1 to 50000 (default: ${DEFAULT-VALUE})")
  private int packets;

  @Option(names = "--quick", description = "three short rounds: shows that it works, no more")
  private boolean quick;

  @Mixin private OutputOption output;

  @Override
  public Integer call() throws Exception {
    if (rounds < 1 || packets < 1 || packets > 50_000) {
      return Console.refuse(spec, "want --rounds above 0, --packets 1 to 50000");
    }
    Console.requirePrivileges();
    Consumer<String> progress = Console.progress(spec);
    Result result;
    try (Place place = Place.make()) {
      result = place.run(() -> measure(place.ifindex(), progress));
    }
    output.print(result, spec.commandLine().getOut(), out -> print(result, out));
    return 0;
  }

  private Result measure(int ifindex, Consumer<String> progress) throws IOException {
    try (Rig rig = new Rig(ifindex)) {
      return new ProgramBench(rig, quick ? 3 : rounds, quick ? 1_000 : packets, progress).run();
    }
  }

  private static void print(Result result, PrintWriter out) {
    out.printf(Locale.ROOT, "floor: %.0f ns, an empty program%n%n", result.floor());
    Table paths =
        new Table(
            "PATH", "IP", "MEDIAN", "MIN", "MAX", "CALICO", "OVER FLOOR", "TAKEN, AS COUNTED");
    for (Result.Path p : result.paths()) {
      paths.add(
          p.name(),
          p.family(),
          ns(p.median()),
          ns(p.min()),
          ns(p.max()),
          p.peer() == 0 ? "" : p.peer(),
          p.peer() == 0 ? "" : ratio((p.median() - result.floor()) / (p.peer() - 26)),
          p.evidence());
    }
    paths.print(out);
    out.println();
    Table programs = new Table("PROGRAM", "IP", "HOOK", "INSTRUCTIONS", "JITED BYTES");
    for (Result.Program p : result.programs()) {
      programs.add(
          p.name(), p.family() == 0 ? "" : p.family(), p.hook(), p.instructions(), p.jitedBytes());
    }
    programs.print(out);
    out.println();
    Table policies =
        new Table("POLICY", "RULES", "PIECES", "INSTRUCTIONS", "GENERATED MS", "LOADED MS");
    for (Result.Policy p : result.policies()) {
      policies.add(
          "by " + p.by(),
          p.rules(),
          p.pieces(),
          p.instructions(),
          ms(p.generated()),
          ms(p.loaded()));
    }
    policies.print(out);
  }

  private static String ms(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private static String ns(double value) {
    return String.format(Locale.ROOT, "%.0f", value);
  }

  private static String ratio(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }
}
