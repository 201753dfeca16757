// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.bench.cluster.Fleet;
import io.sluice.config.cli.CommandException;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Measures on one real agent with many endpoints; the kernel's maps say when a change is there. */
final class PolicyBench {
  private static final String NODE = "node1";
  private static final Duration OFTEN = Duration.ofNanos(200_000);
  private static final Duration SELDOM = Duration.ofMillis(5);

  /** A few milliseconds between changes, so that one does not wait for the end of the other. */
  private static final Duration REST = Duration.ofMillis(30);

  /**
   * One figure.
   *
   * @param aim what it should be at most, in the same unit; 0: no aim
   */
  record Row(String what, int endpoints, double median, double p99, String unit, double aim) {
    static Row of(String what, int endpoints, List<Double> values, String unit, double aim) {
      List<Double> sorted = new ArrayList<>(values);
      Collections.sort(sorted);
      return new Row(
          what,
          endpoints,
          sorted.get(sorted.size() / 2),
          sorted.get(Math.min(sorted.size() - 1, (int) (sorted.size() * 0.99))),
          unit,
          aim);
    }
  }

  private final int changes;
  private final List<Integer> sizes;
  private final Consumer<String> progress;
  private final List<Row> rows = new ArrayList<>();
  private Fleet fleet;
  private String node;
  private ProgramArray programs;
  private boolean warm;

  /**
   * @param changes of each kind that are measured
   * @param sizes numbers of endpoints
   */
  PolicyBench(int changes, List<Integer> sizes, Consumer<String> progress) {
    this.changes = changes;
    this.sizes = sizes;
    this.progress = progress;
  }

  List<Row> run() throws IOException {
    try (Fleet one = Fleet.up(1, progress)) {
      fleet = one;
      node = one.lab().names().expand(NODE);
      plug(Collections.max(sizes));
      one.start();
      programs = array(one.lab());
      for (int size : sizes) {
        measure(size);
      }
    } finally {
      if (programs != null) {
        programs.close();
      }
    }
    return rows;
  }

  /**
   * Links whose other ends are together in the client's namespace: what is in pods is not asked.
   */
  private void plug(int count) throws IOException {
    progress.accept("making " + count + " links");
    String client = fleet.lab().names().expand("client");
    Path batch = Files.createTempFile("links", ".ip");
    try {
      List<String> lines = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        String device = Documents.device(i);
        lines.add("link add " + device + " type veth peer name p" + i + " netns " + client);
        lines.add("link set " + device + " up");
      }
      Files.write(batch, lines);
      Lab.Output output = fleet.lab().run(NODE, "ip", "-batch", batch.toString());
      if (output.code() != 0) {
        throw new CommandException("no links: " + output.text());
      }
    } finally {
      Files.delete(batch);
    }
  }

  /** What hosts send to workloads is judged by these. */
  private static ProgramArray array(Lab lab) throws IOException {
    Path root = lab.names().bpffs(lab.topology().orElseThrow().node(NODE));
    try (Stream<Path> pins = Files.walk(root)) {
      Path pin = pins.filter(p -> p.endsWith("policies_out")).findFirst().orElseThrow();
      return new ProgramArray("policies_out", Bpf.get(pin));
    }
  }

  private void measure(int size) {
    String endpoints = Documents.endpoints(node, size);
    String policies = Documents.policies();
    progress.accept(size + " endpoints and " + Documents.POLICIES + " policies from nothing");
    double generated = metric("sluice_policy_generate_seconds");
    double loaded = metric("sluice_policy_load_seconds");
    double loads = metric("sluice_policy_loads");
    long began = System.nanoTime();
    fleet.apply(NODE, policies + endpoints);
    rows.add(one("all from nothing", size, until(began, SELDOM, () -> ready(size)), "ms", 10_000));
    double more = metric("sluice_policy_loads") - loads;
    rows.add(one("programs loaded for that", size, more, "", 0));
    rows.add(
        one(
            "generator, each program",
            size,
            1e6 * (metric("sluice_policy_generate_seconds") - generated) / more,
            "us",
            0));
    rows.add(
        one(
            "loading and verifier, each program",
            size,
            1e6 * (metric("sluice_policy_load_seconds") - loaded) / more,
            "us",
            0));
    Map<String, Integer> slots = slots();
    warmUp(slots.get(Documents.device(0)));
    labels(size, slots.get(Documents.device(0)));
    policyOfOne(size, slots.get(Documents.device(0)));
    policyOfAll(size, slots);
    sets(size);
    rows.add(Row.of("resident memory", size, fleet.resident(), "MiB", 0));
    fleet.delete(NODE, endpoints + policies);
    until(System.nanoTime(), SELDOM, () -> ready(0));
  }

  private static Row one(String what, int size, double value, String unit, double aim) {
    return Row.of(what, size, List.of(value), unit, size == 250 ? aim : 0);
  }

  /**
   * An agent's first changes run through code that its JVM has not compiled yet: they are told as
   * such, and are not among the others.
   */
  private void warmUp(int slot) {
    if (warm) {
      return;
    }
    warm = true;
    progress.accept("making an agent's first changes");
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < changes + changes % 2; i++) {
      took.add(change(Documents.endpoint(node, 0, i % 2 == 0 ? "on" : "off"), slot));
      fleet.apply(NODE, Documents.networks(i % 2 == 0));
    }
    rows.add(Row.of("a label, of an agent's first changes", sizes.get(0), took, "ms", 0));
  }

  private void labels(int size, int slot) {
    progress.accept("changing labels of an endpoint " + changes + " times");
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < changes; i++) {
      took.add(change(Documents.endpoint(node, 0, i % 2 == 0 ? "on" : "off"), slot));
    }
    rows.add(Row.of("a label, until its program is swapped", size, took, "ms", 20));
  }

  private void policyOfOne(int size, int slot) {
    progress.accept("changing a policy of one endpoint " + changes + " times");
    change(Documents.endpoint(node, 0, "on"), slot, changes % 2 == 0);
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < changes; i++) {
      took.add(change(Documents.marked(9001 + i % 2), slot));
    }
    rows.add(Row.of("a policy of one endpoint", size, took, "ms", 20));
  }

  /** As the loop before left it, there may be nothing to await. */
  private void change(String yaml, int slot, boolean changes) {
    if (changes) {
      change(yaml, slot);
    } else {
      fleet.apply(NODE, yaml);
    }
  }

  private double change(String yaml, int slot) {
    int before = programs.programId(slot);
    rest();
    long began = System.nanoTime();
    fleet.apply(NODE, yaml);
    return until(began, OFTEN, () -> programs.programId(slot) != before);
  }

  private void policyOfAll(int size, Map<String, Integer> slots) {
    int times = Math.max(2, changes / 10);
    progress.accept("changing a policy of all endpoints " + times + " times");
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      Map<Integer, Integer> before = new HashMap<>();
      slots.values().forEach(slot -> before.put(slot, programs.programId(slot)));
      rest();
      long began = System.nanoTime();
      fleet.apply(NODE, Documents.policy(7, 8100 + i));
      took.add(
          until(
              began,
              OFTEN,
              () -> {
                before.entrySet().removeIf(e -> programs.programId(e.getKey()) != e.getValue());
                return before.isEmpty();
              }));
    }
    rows.add(Row.of("a policy of all endpoints", size, took, "ms", 0));
  }

  private void sets(int size) {
    progress.accept("changing a set " + changes + " times");
    List<Double> took = new ArrayList<>();
    for (int i = 0; i < changes; i++) {
      boolean there = i % 2 == 0;
      rest();
      long began = System.nanoTime();
      fleet.apply(NODE, Documents.networks(there));
      took.add(until(began, OFTEN, () -> member() == there));
    }
    rows.add(Row.of("a network of a set", size, took, "ms", 20));
  }

  private boolean member() {
    Ip network = Ip.parse(Documents.NETWORK.substring(0, Documents.NETWORK.indexOf('/')));
    boolean[] found = {false};
    fleet
        .maps(NODE)
        .ipSets(Family.IPV4)
        .forEach((key, value) -> found[0] |= key.addr().equals(network));
    return found[0];
  }

  private Map<String, Integer> slots() {
    Map<String, Integer> slots = new HashMap<>();
    workloads((iface) -> slots.put(iface.name(), iface.policySlot1()));
    return slots;
  }

  private boolean ready(int wanted) {
    int[] count = {0};
    workloads(
        iface -> {
          if ((iface.flags() & IfaceFlags.IFACE_READY4) != 0) {
            count[0]++;
          }
        });
    return count[0] == wanted;
  }

  private void workloads(Consumer<Iface> each) {
    fleet
        .maps(NODE)
        .ifaces()
        .forEach(
            (index, iface) -> {
              if ((iface.flags() & IfaceFlags.IFACE_WORKLOAD) != 0) {
                each.accept(iface);
              }
            });
  }

  private double metric(String name) {
    return fleet
        .lab()
        .get(NODE, "/metrics")
        .orElse("")
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private interface Condition {
    boolean holds();
  }

  private double until(long began, Duration pause, Condition condition) {
    return fleet.untilAll(began, pause, any -> condition.holds());
  }

  private void rest() {
    long began = System.nanoTime();
    until(began, REST, () -> System.nanoTime() - began > REST.toNanos());
  }
}
