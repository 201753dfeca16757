// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.cluster;

import io.sluice.agent.cli.OutputOption;
import io.sluice.bench.console.Console;
import io.sluice.config.cli.Table;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice bench cluster}. */
@Command(
    name = "cluster",
    description = {
      "Measure what the cluster of agents takes: Maglev tables, changes until all kernels have them,",
      "start, memory. Brings up labs of its own with 5 and 3 nodes, and takes them down."
    },
    footer = {
      "",
      "All nodes of a lab share this machine's cores. A change is timed from the request to the",
      "moment when the kernel maps of every node have it, which are read from outside of the agents."
    })
public final class ClusterCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--changes",
      defaultValue = "100",
      description = "changes that are measured of each kind (default: ${DEFAULT-VALUE})")
  private int changes;

  @Option(
      names = "--services",
      split = ",",
      defaultValue = "1,1000,10000",
      description = "numbers of services, growing (default: ${DEFAULT-VALUE})")
  private List<Integer> services;

  @Option(names = "--quick", description = "few changes and services: shows that it works, no more")
  private boolean quick;

  @Mixin private OutputOption output;

  @Override
  public Integer call() throws Exception {
    boolean growing = true;
    for (int i = 0; i < services.size(); i++) {
      growing &= services.get(i) > (i == 0 ? 0 : services.get(i - 1)) && services.get(i) <= 50_000;
    }
    if (changes < 1 || !growing) {
      return Console.refuse(spec, "want --changes above 0, --services growing, 1 to 50000");
    }
    Console.requirePrivileges();
    Consumer<String> progress = Console.progress(spec);
    List<ClusterBench.Row> rows = new ArrayList<>(tables(progress));
    rows.addAll(
        new ClusterBench(quick ? 3 : changes, quick ? List.of(1, 20) : services, progress).run());
    output.print(rows, spec.commandLine().getOut(), out -> print(rows, out));
    return 0;
  }

  /** By JMH, in a JVM with an agent's flags. */
  private List<ClusterBench.Row> tables(Consumer<String> progress) throws RunnerException {
    progress.accept("computing Maglev tables (JMH)");
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(LutBenchmark.class.getName())
            .verbosity(VerboseMode.SILENT)
            .forks(1)
            .jvmArgs("-XX:-UseContainerSupport", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .warmupTime(TimeValue.milliseconds(quick ? 200 : 1_000))
            .warmupIterations(quick ? 1 : 3)
            .measurementTime(TimeValue.milliseconds(quick ? 200 : 1_000))
            .measurementIterations(quick ? 1 : 5);
    List<ClusterBench.Row> rows = new ArrayList<>();
    for (RunResult result : new Runner(options.build()).run()) {
      Statistics micros = result.getPrimaryResult().getStatistics();
      int backends = Integer.parseInt(result.getParams().getParam("backends"));
      rows.add(
          new ClusterBench.Row(
              "Maglev table of %d backends".formatted(backends),
              1,
              micros.getPercentile(50) / 1e3,
              micros.getPercentile(99) / 1e3,
              micros.getMax() / 1e3,
              "ms",
              20));
    }
    return rows;
  }

  private static void print(List<ClusterBench.Row> rows, PrintWriter out) {
    Table table = new Table("WHAT", "NODES", "MEDIAN", "P99", "MAX", "UNIT", "AIM");
    for (ClusterBench.Row row : rows) {
      table.add(
          row.what(),
          row.nodes(),
          number(row.median()),
          number(row.p99()),
          number(row.max()),
          row.unit(),
          row.aim() == 0 ? "" : number(row.aim()));
    }
    table.print(out);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.1f" : "%.0f", value);
  }
}
