// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.kernel.sys.Netns;
import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.Topology;
import io.sluice.lab.Traffic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** The lab of a class of tests, with words for what tests do. */
public final class Cluster {
  /** How long a change of manifests may take until it is in force, on a loaded machine. */
  public static final Duration PATIENCE = Duration.ofSeconds(15);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Lab lab;
  private final Topology topology;
  private final List<Traffic> running = new ArrayList<>();
  private final List<Process> servers = new ArrayList<>();

  Cluster(Lab lab, Topology topology) {
    this.lab = lab;
    this.topology = topology;
  }

  public Lab lab() {
    return lab;
  }

  public Topology topology() {
    return topology;
  }

  /** A pod of the namespace {@code default}. */
  public Topology.Pod pod(String name) {
    return topology.pods().stream()
        .filter(p -> p.id().equals("default/" + name))
        .findFirst()
        .orElseThrow();
  }

  public String address(String pod, IpVersion version) {
    return version.of(Addresses.pod4(topology, pod(pod)), Addresses.pod6(topology, pod(pod)));
  }

  /** The name under which commands find a pod of {@code default}. */
  public static String host(String pod) {
    return "pod-default-" + pod;
  }

  // What the user asks for.

  /** Puts a manifest into the agents' folder, or replaces it, in one step. */
  public void apply(String name, String yaml) {
    Path target = manifest(name);
    Path fresh = target.resolveSibling("." + target.getFileName() + ".new");
    try {
      Files.writeString(fresh, yaml);
      Files.move(
          fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public void delete(String name) {
    try {
      Files.deleteIfExists(manifest(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path manifest(String name) {
    return lab.names().manifests().resolve(name + ".yaml");
  }

  /** Applies a service, and returns when the maps of node1 show it. */
  public void apply(ServiceSpec service) {
    applyWithoutWaiting(service);
    awaitInForce(service);
  }

  public void applyWithoutWaiting(ServiceSpec service) {
    apply(service.name(), service.yaml(topology));
  }

  public void awaitInForce(ServiceSpec service) {
    Set<ServiceSpec.Row> wanted = service.rows(topology);
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(natRows(service)).isEqualTo(wanted));
  }

  /** Removes a service, and returns when the maps of node1 do not show it any more. */
  public void delete(ServiceSpec service) {
    delete(service.name());
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(natRows(service)).isEmpty());
  }

  private Set<ServiceSpec.Row> natRows(ServiceSpec service) {
    Set<String> frontends = new HashSet<>();
    for (IpVersion version : IpVersion.values()) {
      service
          .ports()
          .forEach(p -> frontends.add(IpVersion.endpoint(service.address(version), p.port())));
    }
    return dump("nat").stream()
        .filter(row -> frontends.contains(row.path("frontend").asText()))
        .map(
            row ->
                new ServiceSpec.Row(
                    row.path("protocol").asText(),
                    row.path("frontend").asText(),
                    row.path("backend").asText()))
        .collect(Collectors.toSet());
  }

  // What the agent says.

  /** The rows of a table of node1. */
  public List<JsonNode> dump(String table) {
    List<JsonNode> rows = new ArrayList<>();
    json("/api/v1/dump/" + table).forEach(rows::add);
    return rows;
  }

  /** What the agent of node1 says of itself. */
  public JsonNode status() {
    return json("/api/v1/status");
  }

  /** Everything in the status that is wrong, as text. */
  public String problems() {
    return status().toString();
  }

  private JsonNode json(String path) {
    String text =
        lab.get("node1", path)
            .orElseThrow(() -> new AssertionError("the agent of node1 does not answer " + path));
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(path + " is not JSON: " + text, e);
    }
  }

  /** Packets that were counted for a reason, at both hooks. */
  public long counted(String reason) {
    return dump("counters").stream()
        .filter(row -> row.path("reason").asText().equals(reason))
        .mapToLong(row -> row.path("packets").asLong())
        .sum();
  }

  /** The flows of a client's address, of all protocols. */
  public List<JsonNode> flowsOf(String clientAddress) {
    return dump("conntrack").stream()
        .filter(
            row ->
                row.path("client").asText().startsWith(clientAddress + ":")
                    || row.path("client").asText().startsWith("[" + clientAddress + "]:"))
        .toList();
  }

  /** A metric of node1 without labels, or the sum over its labels. */
  public double metric(String name) {
    return lab.get("node1", "/metrics")
        .orElse("")
        .lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** The log of the agent of node1. */
  public String agentLog() {
    try {
      return Files.readString(lab.names().agentLog(topology.node("node1")));
    } catch (IOException e) {
      return "";
    }
  }

  /** Returns when the agent of node1 is ready. */
  public void awaitReady() {
    lab.awaitReady();
  }

  // What hosts do.

  /** Starts traffic, which ends with the test at the latest. */
  public Traffic start(String host, Traffic.Spec spec) {
    Traffic traffic = lab.traffic(host, spec);
    synchronized (running) {
      running.add(traffic);
    }
    return traffic;
  }

  /** Asks so many times, each as a flow of its own, and returns when all is answered or failed. */
  public Traffic.Report ask(String host, String protocol, String address, int port, int times) {
    return start(
            host, Traffic.Spec.newFlows(protocol, address, port, 100).count(times).timeout(2000))
        .await();
  }

  public Traffic.Report ask(
      String host, String protocol, ServiceSpec to, IpVersion version, int n) {
    return ask(host, protocol, to.address(version), to.port(protocol), n);
  }

  /** Starts a pod server on a host that has none, such as a node; it ends with the test. */
  public void serve(String host, int port) {
    String program = lab.names().folder().resolve("bin/pod-server").toString();
    List<String> command = List.of(program, "--name", "host/" + host, "--port", "" + port);
    try {
      Process process = new ProcessBuilder(lab.commandOn(host, command)).start();
      synchronized (running) {
        servers.add(process);
      }
      assertThat(process.inputReader().readLine()).isEqualTo("ready");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a command on a host, which must succeed. */
  public String run(String host, String... command) {
    Lab.Output output = lab.run(host, command);
    assertThat(output.code())
        .as("%s on %s: %s", String.join(" ", command), host, output.text())
        .isZero();
    return output.text();
  }

  /** Runs the command line on node1, as a user has it. */
  public Lab.Output sluice(String... arguments) {
    List<String> command = new ArrayList<>(List.of("sluice"));
    command.addAll(List.of(arguments));
    return command(command.toArray(String[]::new));
  }

  /** Runs a command on node1, with {@code sluice} on its PATH. */
  public Lab.Output command(String... words) {
    List<String> command = List.of(words);
    try {
      Process process = lab.processOn("node1", command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes()).strip();
      return new Lab.Output(process.waitFor(), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Runs code whose sockets open on a host; they may be used and closed anywhere. */
  public <T> T on(String host, Callable<T> code) {
    try (Netns namespace = Netns.named(lab.names().expand(host))) {
      return namespace.run(code);
    }
  }

  /** Ends what is left of a test's traffic. */
  void endTraffic() {
    synchronized (running) {
      running.forEach(Traffic::close);
      running.clear();
      servers.forEach(Process::destroy);
      servers.clear();
    }
  }
}
