// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.agent.cli.OutputOption;
import io.sluice.bench.console.Console;
import io.sluice.config.cli.Table;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice bench traffic}. */
@Command(
    name = "traffic",
    description = {
      "Measure TCP from a pod to a service and from outside to a node port, side by side with",
      "kube-proxy's rules (iptables, nftables) and with bare routing to the pod; and bulk from",
      "outside to a pod of another node, TCP against UDP. Brings up labs of its own, and takes them",
      "down."
    },
    footer = {
      "",
      "Client and server share one CPU, so that a figure is what both ends and all between them take.",
      "Cells are the median, in brackets min and max, and the share of bare routing: the median of",
      "each round's. All peers are up at once, and take turns in each round. Exit code 1 if Sluice",
      "could not be measured; a peer that cannot work here has empty cells, and the reason below."
    })
public final class TrafficCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--services",
      split = ",",
      defaultValue = "1,1000,10000",
      description = "numbers of services, growing (default: ${DEFAULT-VALUE})")
  private List<Integer> services;

  @Option(
      names = "--rounds",
      defaultValue = "9",
      description = "rounds of each cell (default: ${DEFAULT-VALUE})")
  private int rounds;

  @Option(
      names = "--millis",
      defaultValue = "500",
      description = "length of each round (default: ${DEFAULT-VALUE})")
  private int millis;

  @Option(names = "--cpu", description = "where all ends run (default: the last)")
  private Integer cpu;

  @Option(
      names = "--iptables",
      paramLabel = "VARIANT",
      description = "nft or legacy (default: the first of them that works)")
  private String variant;

  @Option(
      names = "--parts",
      split = ",",
      defaultValue = "services,bulk",
      description = {
        "what to measure: services, or bulk to a pod of another node, TCP against UDP",
        "(default: ${DEFAULT-VALUE})"
      })
  private List<String> parts;

  @Option(names = "--quick", description = "two short rounds: shows that it works, no more")
  private boolean quick;

  @Mixin private OutputOption output;

  @Override
  public Integer call() throws Exception {
    boolean growing = true;
    for (int i = 0; i < services.size(); i++) {
      growing &= services.get(i) > (i == 0 ? 0 : services.get(i - 1)) && services.get(i) <= 20_000;
    }
    if (rounds < 1 || millis < 10 || !growing) {
      return Console.refuse(
          spec, "want --rounds above 0, --millis from 10, --services growing, 1 to 20000");
    }
    if (variant != null && !variant.equals("nft") && !variant.equals("legacy")) {
      return Console.refuse(spec, "want --iptables nft or legacy");
    }
    if (!List.of("services", "bulk").containsAll(parts)) {
      return Console.refuse(spec, "want --parts services, bulk, or both");
    }
    Console.requirePrivileges();
    Result result = measure(Console.progress(spec));
    output.print(result, spec.commandLine().getOut(), out -> print(result, out));
    return result.measured(SluicePeer.NAME) ? 0 : 1;
  }

  private Result measure(Consumer<String> progress) {
    int times = quick ? 2 : rounds;
    int length = quick ? 50 : millis;
    int where = cpu == null ? Runtime.getRuntime().availableProcessors() - 1 : cpu;
    Result result = new Result(null, times, length, List.of(), List.of());
    if (parts.contains("services")) {
      try (TrafficBench bench = new TrafficBench(times, length, progress)) {
        bench.up(where, variant);
        result = bench.run(quick ? List.of(1, 50) : services);
      }
    }
    return parts.contains("bulk")
        ? result.with(new BulkBench(times, length, where, progress).run())
        : result;
  }

  private static void print(Result result, PrintWriter out) {
    if (!result.rows().isEmpty()) {
      printRows(result, out);
    }
    if (!result.bulk().isEmpty()) {
      Table table = new Table("OUTSIDE TO REMOTE POD", "IP", "TCP, Gbit/s", "UDP, Gbit/s", "SHARE");
      for (Result.Bulk b : result.bulk()) {
        table.add(
            b.mode(),
            b.family(),
            number(b.tcp()),
            number(b.udp()),
            String.format(Locale.ROOT, "%.2f", b.udpOfTcp()));
      }
      table.print(out);
    }
  }

  private static void printRows(Result result, PrintWriter out) {
    List<String> header = new ArrayList<>(List.of("PATH", "MEASURE", "SERVICES"));
    for (Result.Cell cell : result.rows().get(0).cells()) {
      header.add(cell.peer().toUpperCase(Locale.ROOT));
    }
    Table table = new Table(header.toArray(String[]::new));
    Set<String> notes = new LinkedHashSet<>();
    for (Result.Row row : result.rows()) {
      List<Object> cells = new ArrayList<>();
      cells.add(row.path());
      cells.add(row.measure() + ", " + row.unit());
      cells.add(row.services());
      for (Result.Cell cell : row.cells()) {
        cells.add(text(cell));
        if (cell.unavailable() != null) {
          notes.add(cell.peer() + ", " + row.path() + ": " + cell.unavailable());
        }
      }
      table.add(cells.toArray());
    }
    table.print(out);
    notes.forEach(out::println);
    if (result.iptables() != null) {
      out.println("iptables is iptables-" + result.iptables());
    }
  }

  private static String text(Result.Cell cell) {
    if (cell.unavailable() != null) {
      return "";
    }
    String share = cell.ofBare() == 0 ? "" : String.format(Locale.ROOT, " %.2f", cell.ofBare());
    return number(cell.median())
        + (" (" + number(cell.min()) + "-" + number(cell.max()) + ")")
        + share;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.1f", value);
  }
}
