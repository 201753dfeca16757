// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.cluster;

import io.sluice.kernel.layout.Service;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Measures on labs of real agents; the kernel's maps say when a change is there. */
final class ClusterBench {
  /** A look at all nodes' maps takes some µs, this is how often. */
  private static final Duration OFTEN = Duration.ofMillis(1);

  private static final Duration SELDOM = Duration.ofMillis(20);

  /**
   * One figure.
   *
   * @param aim what it should be at most, in the same unit; 0: no aim
   */
  record Row(
      String what, int nodes, double median, double p99, double max, String unit, double aim) {
    static Row of(String what, int nodes, List<Double> values, String unit, double aim) {
      List<Double> sorted = new ArrayList<>(values);
      Collections.sort(sorted);
      return new Row(
          what,
          nodes,
          sorted.get(sorted.size() / 2),
          sorted.get(Math.min(sorted.size() - 1, (int) (sorted.size() * 0.99))),
          sorted.get(sorted.size() - 1),
          unit,
          aim);
    }
  }

  private final int changes;
  private final List<Integer> services;
  private final Consumer<String> progress;
  private final List<Row> rows = new ArrayList<>();

  /**
   * @param changes of one service that are measured
   * @param services numbers of services, growing
   */
  ClusterBench(int changes, List<Integer> services, Consumer<String> progress) {
    this.changes = changes;
    this.services = services;
    this.progress = progress;
  }

  List<Row> run() {
    tables(5);
    try (Fleet fleet = Fleet.up(3, progress)) {
      int nodes = fleet.nodes().size();
      rows.add(Row.of("start of all agents to ready", nodes, List.of(fleet.start()), "ms", 0));
      rows.add(Row.of("resident memory, no services", nodes, fleet.resident(), "MiB", 200));
      tables(fleet);
      int present = 0;
      for (int count : services) {
        grow(fleet, present, count);
        present = count;
      }
    }
    return rows;
  }

  private void tables(int nodes) {
    try (Fleet fleet = Fleet.up(nodes, progress)) {
      rows.add(Row.of("start of all agents to ready", nodes, List.of(fleet.start()), "ms", 0));
      tables(fleet);
    }
  }

  /** Changes of a Maglev service's backends, until every node's kernel has the table. */
  private void tables(Fleet fleet) {
    int nodes = fleet.nodes().size();
    int service = 60_000;
    String address = Manifest.address(service);
    progress.accept("changing a Maglev service " + changes + " times on " + nodes + " nodes");
    fleet.apply("node1", Manifest.maglev(service) + Manifest.slice(service, 10, 0));
    fleet.untilAll(System.nanoTime(), SELDOM, node -> fleet.generation(node, address) > 0);
    List<Double> took = new ArrayList<>();
    for (int i = 1; i <= changes; i++) {
      long before = fleet.generation("node1", address);
      String yaml = Manifest.slice(service, 10 + i % 2, 0);
      long began = System.nanoTime();
      fleet.apply("node1", yaml);
      took.add(fleet.untilAll(began, OFTEN, node -> fleet.generation(node, address) > before));
    }
    rows.add(Row.of("backend set to swapped tables", nodes, took, "ms", 100));
  }

  private void grow(Fleet fleet, int present, int count) {
    int nodes = fleet.nodes().size();
    progress.accept("applying services " + present + " to " + count + " of ten endpoints each");
    String yaml = Manifest.services(present, count);
    int before = fleet.frontends("node1");
    long began = System.nanoTime();
    fleet.apply("node1", yaml);
    double stored = Fleet.millisSince(began);
    double took =
        fleet.untilAll(began, SELDOM, node -> fleet.frontends(node) == before + count - present);
    String what = "apply %d services to all maps".formatted(count - present);
    rows.add(Row.of(what, nodes, List.of(took), "ms", count - present >= 9_000 ? 5_000 : 0));
    rows.add(Row.of(what + ": acknowledged", nodes, List.of(stored), "ms", 0));
    rows.add(
        Row.of(
            "resident memory, %d services".formatted(count),
            nodes,
            fleet.resident(),
            "MiB",
            count <= 1_000 ? 200 : 0));
    change(fleet, count);
  }

  /** Changes of one service's endpoints among all, until every node's kernel has them. */
  private void change(Fleet fleet, int count) {
    int service = count / 2;
    String address = Manifest.address(service);
    List<Double> took = new ArrayList<>();
    for (int i = 1; i <= changes; i++) {
      Map<String, Service> before = new HashMap<>();
      fleet.nodes().forEach(node -> before.put(node, fleet.service(node, address)));
      String yaml = Manifest.slice(service, 10 - i % 2, 0);
      long began = System.nanoTime();
      fleet.apply("node" + (i % fleet.nodes().size() + 1), yaml);
      took.add(
          fleet.untilAll(
              began, OFTEN, node -> !before.get(node).equals(fleet.service(node, address))));
    }
    rows.add(
        Row.of(
            "one change among %d services".formatted(count), fleet.nodes().size(), took, "ms", 50));
  }
}
