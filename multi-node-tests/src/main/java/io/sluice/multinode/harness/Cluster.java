// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The lab of a class of tests, with words for what tests do. */
public final class Cluster {
  /** How long a change of manifests may take until it is in force, on a loaded machine. */
  public static final Duration PATIENCE = Duration.ofSeconds(15);

  /** How long nodes may take to find each other, or to agree, when several start on few cores. */
  public static final Duration CLUSTER_PATIENCE = Duration.ofSeconds(120);

  private static final Duration STEP = Duration.ofMillis(100);

  private final Lab lab;
  private final Topology topology;
  private final List<Traffic> running = new ArrayList<>();
  private final List<Process> servers = new ArrayList<>();
  private final Map<String, String> applied = new HashMap<>();
  private final Faults faults;

  Cluster(Lab lab, Topology topology) {
    this.lab = lab;
    this.topology = topology;
    this.faults = new Faults(lab, topology);
  }

  public Lab lab() {
    return lab;
  }

  public Topology topology() {
    return topology;
  }

  /** A node by its short name: node2. */
  public Node node(String name) {
    return new Node(lab, topology.node(name));
  }

  /** All nodes. */
  public List<Node> nodes() {
    return topology.nodes().stream().map(node -> new Node(lab, node)).toList();
  }

  private Node first() {
    return node("node1");
  }

  /** Breaks things, and mends them at the end of the test. */
  public Faults faults() {
    return faults;
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

  /**
   * Puts a manifest in force, or replaces it: in the agents' folder in one step, or by a request to
   * the cluster, where that is their source.
   *
   * @param name by which {@link #delete(String)} knows it
   */
  public void apply(String name, String yaml) {
    if (topology.source() == Topology.Source.CLUSTER) {
      Lab.Answer answer = requestToAny("POST", "/api/v1/apply", yaml);
      assertThat(answer.ok()).as("%s: %s", name, answer).isTrue();
      applied.put(name, yaml);
      return;
    }
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

  /** Takes back what {@link #apply(String, String)} gave; nothing, if it gave nothing. */
  public void delete(String name) {
    if (topology.source() == Topology.Source.CLUSTER) {
      String yaml = applied.remove(name);
      if (yaml != null) {
        Lab.Answer answer = requestToAny("POST", "/api/v1/delete", yaml);
        assertThat(answer.ok()).as("%s: %s", name, answer).isTrue();
      }
      return;
    }
    try {
      Files.deleteIfExists(manifest(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The answer of the first node whose agent gives one. */
  private Lab.Answer requestToAny(String method, String path, String body) {
    return nodes().stream()
        .flatMap(node -> node.request(method, path, body).stream())
        .findFirst()
        .orElseThrow(() -> new AssertionError("no agent answers " + path));
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

  /** As above, on these nodes, or on all, if none is named. */
  public void applyEverywhere(ServiceSpec service, String... nodes) {
    applyWithoutWaiting(service);
    awaitInForce(service, nodes.length == 0 ? names() : nodes);
  }

  private String[] names() {
    return nodes().stream().map(Node::name).toArray(String[]::new);
  }

  public void awaitInForce(ServiceSpec service) {
    awaitInForce(service, "node1");
  }

  /** Returns when the maps of these nodes show a service, all of its addresses and backends. */
  public void awaitInForce(ServiceSpec service, String... nodes) {
    Set<ServiceSpec.Row> wanted = service.rows(topology);
    for (String node : nodes) {
      await("in force: " + service.name() + " on " + node)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .untilAsserted(
              () -> {
                Set<ServiceSpec.Row> rows = natRows(node(node), service);
                assertThat(rows.stream().map(r -> r.protocol() + " " + r.frontend()).distinct())
                    .as("frontends on %s", node)
                    .hasSize(service.frontends());
                assertThat(inside(rows, wanted)).as("backends on %s", node).isEqualTo(wanted);
              });
    }
  }

  /** Those rows that are of the frontends of the others: a policy may give node ports less. */
  private static Set<ServiceSpec.Row> inside(
      Set<ServiceSpec.Row> rows, Set<ServiceSpec.Row> others) {
    Set<String> frontends =
        others.stream().map(ServiceSpec.Row::frontend).collect(Collectors.toSet());
    return rows.stream()
        .filter(row -> frontends.contains(row.frontend()))
        .collect(Collectors.toSet());
  }

  /** Removes a service, and returns when the maps of node1 do not show it any more. */
  public void delete(ServiceSpec service) {
    delete(service, "node1");
  }

  /** As above, of these nodes. */
  public void delete(ServiceSpec service, String... nodes) {
    delete(service.name());
    for (String node : nodes) {
      await("deleted: " + service.name() + " on " + node)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .untilAsserted(() -> assertThat(natRows(node(node), service)).isEmpty());
    }
  }

  /** As above, of all nodes. */
  public void deleteEverywhere(ServiceSpec service) {
    delete(service, names());
  }

  private static Set<ServiceSpec.Row> natRows(Node node, ServiceSpec service) {
    return node.dump("nat").stream()
        .filter(row -> service.isFrontend(row.path("frontend").asText()))
        .map(
            row ->
                new ServiceSpec.Row(
                    row.path("protocol").asText(),
                    row.path("frontend").asText(),
                    row.path("backend").asText()))
        .collect(Collectors.toSet());
  }

  // What the agent of node1 says; of the others: node(name).

  /** The rows of a table of node1. */
  public List<JsonNode> dump(String table) {
    return first().dump(table);
  }

  /** What the agent of node1 says of itself. */
  public JsonNode status() {
    return first().status();
  }

  /** Packets that node1 counted for a reason, at all hooks. */
  public long counted(String reason) {
    return first().counted(reason);
  }

  /** The flows of a client's address on node1, of all protocols. */
  public List<JsonNode> flowsOf(String clientAddress) {
    return first().flowsOf(clientAddress);
  }

  /** A metric of node1 without labels, or the sum over its labels. */
  public double metric(String name) {
    return first().metric(name);
  }

  /** The log of the agent of node1. */
  public String agentLog() {
    return first().agentLog();
  }

  // What all nodes come to.

  /** Returns when the agents of all nodes are ready; fails at once if one has ended. */
  public void awaitReady() {
    lab.awaitReady();
  }

  /** Returns when the agents of these nodes are ready; others may be down. */
  public void awaitReady(String... names) {
    for (String name : names) {
      await("ready: " + name).atMost(CLUSTER_PATIENCE).until(() -> node(name).ready());
    }
  }

  /**
   * Returns when each of these nodes sees exactly these as members that are up and reachable, and
   * no others that are not.
   */
  public void awaitMembers(String... names) {
    Set<String> wanted = Stream.of(names).map(n -> node(n).fullName()).collect(Collectors.toSet());
    await("members: " + wanted)
        .atMost(CLUSTER_PATIENCE)
        .pollInterval(STEP)
        .untilAsserted(
            () -> {
              for (String name : names) {
                ClusterView view = node(name).cluster();
                assertThat(view.up()).as("up, as %s sees it: %s", name, view).isEqualTo(wanted);
                assertThat(view.unreachable()).as("unreachable to %s", name).isEmpty();
              }
            });
  }

  /** Returns when every node sees all nodes as members. */
  public void awaitMembers() {
    awaitMembers(names());
  }

  /** Returns when a node says that its side may, or may not decide. */
  public void awaitDecides(String name, boolean decides) {
    await(name + (decides ? " decides" : " does not decide"))
        .atMost(CLUSTER_PATIENCE)
        .pollInterval(STEP)
        .until(
            () ->
                node(name).get("/api/v1/status").isPresent()
                    && node(name).cluster().decides() == decides);
  }

  /**
   * Returns when something is the same on these nodes, or on all if none is named: what a dump
   * shows, a version, a generation.
   *
   * @param what asked of each; may fail while it is not there yet
   * @return what it is
   */
  public <T> T awaitSame(String description, Function<Node, T> what, String... names) {
    List<Node> asked = names.length == 0 ? nodes() : Stream.of(names).map(this::node).toList();
    AtomicReference<T> same = new AtomicReference<>();
    await("the same " + description)
        .atMost(CLUSTER_PATIENCE)
        .pollInterval(STEP)
        .untilAsserted(
            () -> {
              T first = what.apply(asked.get(0));
              for (Node other : asked) {
                assertThat(what.apply(other)).as("%s of %s", description, other).isEqualTo(first);
              }
              same.set(first);
            });
    return same.get();
  }

  /** Returns when these nodes, or all, have the same version of their shared store; returns it. */
  public long awaitSameVersion(String... names) {
    return awaitSame("version", Node::storeVersion, names);
  }

  /** Returns when more packets than that have been counted on a node for a reason. */
  public void awaitCounted(String name, String reason, long more) {
    await(reason + " on " + name)
        .atMost(PATIENCE)
        .pollInterval(STEP)
        .until(() -> node(name).counted(reason) > more);
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
    return first().sluice(arguments);
  }

  /** Runs a command on node1, with {@code sluice} on its PATH. */
  public Lab.Output command(String... words) {
    return first().command(words);
  }

  /** Runs code whose sockets open on a host; they may be used and closed anywhere. */
  public <T> T on(String host, Callable<T> code) {
    try (Netns namespace = Netns.named(lab.names().expand(host))) {
      return namespace.run(code);
    }
  }

  /** Mends what a test broke, and returns when agents that saw it are ready again. */
  void healFaults() {
    if (faults.healAll()) {
      nodes().stream()
          .filter(node -> node.agent().isPresent())
          .forEach(node -> awaitReady(node.name()));
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
