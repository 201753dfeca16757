// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.cluster;

import io.sluice.config.cli.CommandException;
import io.sluice.config.model.IpAddress;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.sys.Netns;
import io.sluice.lab.Lab;
import io.sluice.lab.LabNames;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A lab whose agents are one cluster, and whose kernel maps are read from outside of the agents.
 */
public final class Fleet implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Lab lab;
  private final Topology topology;
  private final Map<String, PinnedDataplane> maps = new LinkedHashMap<>();

  private Fleet(Lab lab, Topology topology) {
    this.lab = lab;
    this.topology = topology;
  }

  /** Nodes without pods: what is measured are agents and maps. */
  public static Fleet up(int nodes, Consumer<String> progress) {
    List<Topology.Node> all = new ArrayList<>();
    for (int i = 1; i <= nodes; i++) {
      all.add(Topology.Node.named("node" + i));
    }
    Topology topology =
        new Topology(all, List.of()).with(Topology.Source.CLUSTER).with(Topology.Overlay.NONE);
    Lab lab = Lab.open(LabNames.named("sluice-bench"), null, progress);
    Fleet fleet = new Fleet(lab, topology);
    try {
      lab.down();
      lab.up(topology);
    } catch (RuntimeException e) {
      fleet.close();
      throw e;
    }
    return fleet;
  }

  public List<String> nodes() {
    return topology.nodes().stream().map(Topology.Node::name).toList();
  }

  /** From the start of all agents at once until the last is ready, ms. */
  public double start() {
    long began = System.nanoTime();
    lab.start();
    double took = millisSince(began);
    for (Topology.Node node : topology.nodes()) {
      maps.put(node.name(), PinnedDataplane.open(lab.names().bpffs(node)));
    }
    return took;
  }

  public static double millisSince(long began) {
    return (System.nanoTime() - began) / 1e6;
  }

  /** Applies manifests on a node. */
  public void apply(String node, String yaml) {
    try (Netns namespace = Netns.named(lab.names().expand(node))) {
      namespace.run(() -> post("apply", yaml.getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** Deletes what manifests name, on a node. */
  public void delete(String node, String yaml) {
    try (Netns namespace = Netns.named(lab.names().expand(node))) {
      namespace.run(() -> post("delete", yaml.getBytes(StandardCharsets.UTF_8)));
    }
  }

  public Lab lab() {
    return lab;
  }

  /** A node's maps, read from outside of its agent. */
  public PinnedDataplane maps(String node) {
    return maps.get(node);
  }

  /** From this process, for starting another one takes as long as some changes. */
  private static int post(String what, byte[] yaml) throws IOException {
    URI uri = URI.create("http://127.0.0.1:" + Lab.MANAGEMENT_PORT + "/api/v1/" + what);
    HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
    connection.setRequestMethod("POST");
    connection.setRequestProperty("Content-Type", "application/yaml");
    // It must end with its thread, which alone is in the node's namespace.
    connection.setRequestProperty("Connection", "close");
    connection.setDoOutput(true);
    connection.setFixedLengthStreamingMode(yaml.length);
    connection.getOutputStream().write(yaml);
    int status = connection.getResponseCode();
    if (status / 100 != 2) {
      try (InputStream body = connection.getErrorStream()) {
        String said = new String(body.readAllBytes(), StandardCharsets.UTF_8);
        throw new CommandException("what is measured is refused: " + said);
      }
    }
    connection.getInputStream().close();
    return status;
  }

  /** Returns when it holds on every node, looking again and again; ms since {@code began}. */
  public double untilAll(long began, Duration pause, Predicate<String> holds) {
    List<String> missing = new ArrayList<>(nodes());
    while (true) {
      missing.removeIf(holds);
      if (missing.isEmpty()) {
        return millisSince(began);
      }
      if (System.nanoTime() - began > PATIENCE.toNanos()) {
        throw new CommandException("not on " + String.join(", ", missing) + " within " + PATIENCE);
      }
      try {
        TimeUnit.NANOSECONDS.sleep(pause.toNanos());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandException("interrupted");
      }
    }
  }

  /** The element of a service on a node; null if its frontend is not there. */
  Service service(String node, String address) {
    FrontendKey key = new FrontendKey(Ip.of(IpAddress.parse(address).bytes()), 80, 6);
    Frontend frontend = maps.get(node).frontends(Family.IPV4).get(key).orElse(null);
    return frontend == null ? null : maps.get(node).services().get(frontend.service()).orElse(null);
  }

  /** The generation of the service's Maglev table on a node; 0 without. */
  long generation(String node, String address) {
    FrontendKey key = new FrontendKey(Ip.of(IpAddress.parse(address).bytes()), 80, 6);
    return maps.get(node)
        .frontends(Family.IPV4)
        .get(key)
        .flatMap(frontend -> maps.get(node).maglev().get(frontend.service()))
        .map(table -> table.generation())
        .orElse(0L);
  }

  int frontends(String node) {
    int[] count = {0};
    maps.get(node).frontends(Family.IPV4).forEach((key, value) -> count[0]++);
    return count[0];
  }

  /** Resident memory of each agent, MiB. */
  public List<Double> resident() {
    List<Double> resident = new ArrayList<>();
    for (String node : nodes()) {
      long pid = lab.agent(node).orElseThrow().pid();
      try {
        String line =
            Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(l -> l.startsWith("VmRSS:"))
                .findFirst()
                .orElseThrow();
        resident.add(Long.parseLong(line.replaceAll("\\D", "")) / 1024.0);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return resident;
  }

  @Override
  public void close() {
    maps.values().forEach(PinnedDataplane::close);
    lab.down();
    lab.close();
  }
}
