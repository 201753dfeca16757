// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A lab: built, asked and removed. All methods may be called in any order and again; what is there
 * already is kept, what is gone already is not missed. Needs root.
 *
 * <p>{@link #up} and {@link #down} take the lab's lock, which this object then holds until it is
 * closed; closing it does not remove the lab.
 */
public final class Lab implements AutoCloseable {
  /** Where each agent serves HTTP, on its node's 127.0.0.1. */
  public static final int MANAGEMENT_PORT = 8558;

  /** Where the agents of a lab reach each other, on their nodes' IPv4 addresses. */
  public static final int CLUSTER_PORT = 25520;

  private static final Duration READY_PATIENCE = Duration.ofSeconds(60);

  /** Agents that start together share the machine's few cores. */
  private static final Duration READY_PATIENCE_PER_NODE = Duration.ofSeconds(30);

  private static final Duration READY_STEP = Duration.ofMillis(100);

  private final LabNames names;
  private final Path sluice;
  private final Consumer<String> progress;
  private LabLock lock;

  private Lab(LabNames names, Path sluice, Consumer<String> progress) {
    this.names = names;
    this.sluice = sluice;
    this.progress = progress;
  }

  /**
   * A lab that may or may not be up.
   *
   * @param sluice the launcher that agents are started with, or null for {@link Launcher#find()}
   * @param progress takes a line for each step
   */
  public static Lab open(LabNames names, Path sluice, Consumer<String> progress) {
    return new Lab(names, sluice, progress);
  }

  public LabNames names() {
    return names;
  }

  /** The topology of the lab that is up, or was being built when somebody crashed. */
  public Optional<Topology> topology() {
    Path file = names.topologyFile();
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(TopologyReader.JSON.readValue(file.toFile(), Topology.class));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /**
   * Builds the hosts and starts the pods' servers, but no agents. A lab of the same topology that
   * is up is completed; one that was left half built is removed first.
   *
   * @throws LabException if a lab of another topology is up
   */
  public void up(Topology topology) {
    requireRoot();
    takeLock();
    Optional<Topology> before = topology();
    boolean complete = Files.exists(names.builtMark()) && before.isPresent();
    if (complete && !before.get().equals(topology)) {
      throw new LabException("a lab of another shape is up; sluice lab down first");
    }
    if (complete && !Network.existing(names).containsAll(new Network(names, topology).hosts())) {
      progress.accept("some of its namespaces are gone: building it anew");
      complete = false;
    }
    if (!complete) {
      remove();
      build(topology);
    }
    HostProcesses processes = processes(topology);
    processes.unpackPrograms();
    List<Topology.Pod> stopped =
        topology.pods().stream().filter(p -> p.server() && processes.server(p).isEmpty()).toList();
    if (!stopped.isEmpty()) {
      progress.accept("starting " + count(stopped.size(), "pod server"));
      Network.each(stopped, processes::startServer);
    }
  }

  private void build(Topology topology) {
    try {
      Files.createDirectories(names.folder());
      TopologyReader.JSON.writeValue(names.topologyFile().toFile(), topology);
      progress.accept(
          "building "
              + count(topology.nodes().size(), "node")
              + ", "
              + count(topology.pods().size(), "pod")
              + ", "
              + count(topology.clients().size(), "client")
              + " and a router");
      new Network(names, topology).build();
      new Cgroups(names).create(topology);
      for (Topology.Node node : topology.nodes()) {
        Files.createDirectories(names.data(node));
        if (node.dataSize() != null) {
          Mounts.mount("tmpfs", "mode=0700,size=" + node.dataSize(), names.data(node));
        }
        Files.createDirectories(names.bpffs(node));
        Mounts.mount("bpf", "mode=0700", names.bpffs(node));
        Files.writeString(names.agentConfig(node), new AgentFile(names, topology).text(node));
      }
      new Manifests(names, topology).writeOwn();
      Files.createFile(names.builtMark());
    } catch (IOException e) {
      throw new LabException("cannot write to " + names.folder() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Gives manifests to all agents: copies them into the lab's folder, which agents watch if that is
   * their source. Where the cluster is the source, they are applied to it, at the latest by {@link
   * #start}.
   *
   * @param source a manifest, or a folder with manifests (its sub-folders are left out)
   * @return the names of the files
   * @throws LabException with what an agent says to a manifest that it refuses
   */
  public List<String> apply(Path source) {
    Topology topology = running();
    Manifests manifests = new Manifests(names, topology);
    List<String> files = manifests.apply(source);
    HostProcesses processes = processes(topology);
    if (topology.source() == Topology.Source.CLUSTER
        && topology.nodes().stream().anyMatch(n -> processes.agent(n).isPresent())) {
      new Publisher(processes, topology, patience(), this::silentDeath)
          .publish(manifests.texts(files));
    }
    return files;
  }

  /**
   * Describes what is there in other words to all agents: the same hosts, but pods with other
   * labels, service accounts and names of ports, without some of them, or with some that are on
   * nodes of elsewhere. Until the lab's own manifests are written again.
   */
  public void describe(Topology described) {
    new Manifests(names, described).writeOwn();
    Topology topology = running();
    if (topology.source() == Topology.Source.CLUSTER) {
      Map<String, String> own = new Manifests(names, described).texts(List.of(Manifests.OWN_FILE));
      new Publisher(processes(topology), topology, patience(), this::silentDeath).publish(own);
    }
  }

  /**
   * The command line of the prober on a host, which tells whom of others that host reaches.
   *
   * @param arguments as {@code pod-prober.c} says
   */
  public List<String> prober(String host, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(names.programs().resolve(HostProcesses.PROBER).toString());
    command.addAll(arguments);
    return commandOn(host, command);
  }

  /**
   * Starts every agent that does not run, gives them what the lab says of itself and what was
   * applied, and returns when all are ready.
   *
   * @throws LabException as {@link #awaitReady} and {@link #apply}
   */
  public void start() {
    startAgents();
    Topology topology = running();
    if (topology.source() == Topology.Source.CLUSTER) {
      Map<String, String> all = new Manifests(names, topology).texts();
      new Publisher(processes(topology), topology, patience(), this::silentDeath).publish(all);
    }
    awaitReady();
  }

  /**
   * What an agent said to a request.
   *
   * @param status of HTTP
   * @param body without white space around
   */
  public record Answer(int status, String body) {
    /** Whether it did what was asked. */
    public boolean ok() {
      return status / 100 == 2;
    }
  }

  /**
   * Makes an HTTP request to a node's agent.
   *
   * @param body YAML; may be empty
   * @return empty if nobody answers there, within 30 s
   */
  public Optional<Answer> request(String node, String method, String path, String body) {
    Topology topology = running();
    return processes(topology).request(topology.node(node), method, path, body);
  }

  /** Starts every agent that does not run, without waiting for any. */
  public void startAgents() {
    Topology topology = running();
    Path launcher = launcher();
    HostProcesses processes = processes(topology);
    List<Topology.Node> stopped =
        topology.nodes().stream().filter(n -> processes.agent(n).isEmpty()).toList();
    if (!stopped.isEmpty()) {
      progress.accept("starting " + count(stopped.size(), "agent"));
      stopped.forEach(n -> processes.startAgent(n, launcher));
    }
  }

  /** Starts a node's agent, if it does not run, without waiting for it. */
  public OwnedProcess startAgent(String node) {
    Topology topology = running();
    HostProcesses processes = processes(topology);
    processes.startAgent(topology.node(node), launcher());
    return agent(node).orElseThrow(() -> new LabException(silentDeath(topology.node(node))));
  }

  /** A node's agent, if it runs. */
  public Optional<OwnedProcess> agent(String node) {
    Topology topology = running();
    return processes(topology).agent(topology.node(node));
  }

  /**
   * Returns when every agent says that it is ready: in sync, and all applied.
   *
   * @throws LabException naming the node and the last line of its log, if one ends, or takes more
   *     than a minute, and half a minute more for each node
   */
  public void awaitReady() {
    Topology topology = running();
    HostProcesses processes = processes(topology);
    for (Topology.Node node : topology.nodes()) {
      Waiting.until(
          patience(),
          READY_STEP,
          () -> {
            if (processes.agent(node).isEmpty()) {
              throw new LabException(silentDeath(node));
            }
            return processes.ask(node, "/health/ready").ok();
          },
          () ->
              "the agent of "
                  + names.host(node)
                  + " is not ready: "
                  + processes.ask(node, "/health/ready").output()
                  + "; its log is "
                  + names.agentLog(node));
    }
  }

  /**
   * Returns when a node's agent hears of that many members, itself included.
   *
   * @throws LabException with what it sees, if that takes as long as being ready may
   */
  public void awaitReachable(String node, int members) {
    Topology topology = running();
    HostProcesses processes = processes(topology);
    Waiting.until(
        patience(),
        READY_STEP,
        () ->
            ClusterSight.of(processes, topology.node(node))
                .filter(sight -> sight.reachable() == members)
                .isPresent(),
        () ->
            node
                + " should hear of "
                + members
                + " members; it says: "
                + ClusterSight.of(processes, topology.node(node))
                    .map(Object::toString)
                    .orElse("-"));
  }

  private Duration patience() {
    int nodes = running().nodes().size();
    return READY_PATIENCE.plus(READY_PATIENCE_PER_NODE.multipliedBy(nodes));
  }

  private String silentDeath(Topology.Node node) {
    return "the agent of "
        + names.host(node)
        + " has ended: "
        + HostProcesses.lastLine(names.agentLog(node))
        + "; its log is "
        + names.agentLog(node);
  }

  /** Whether a node's agent says that it is ready now. */
  public boolean ready(String node) {
    Topology topology = running();
    return processes(topology).ask(topology.node(node), "/health/ready").ok();
  }

  /** What a node's agent answers to a GET of a path; empty, if not with success. */
  public Optional<String> get(String node, String path) {
    Topology topology = running();
    Shell.Result result = processes(topology).ask(topology.node(node), path);
    return result.ok() ? Optional.of(result.output()) : Optional.empty();
  }

  /**
   * The command line that runs a command on a host, in its namespace and its cgroup; its exit code
   * is the command's.
   *
   * @param host with the lab's name before it or without: sluice-node1, node1
   */
  public List<String> commandOn(String host, List<String> command) {
    return processes(running()).on(names.expand(host), command);
  }

  /**
   * The command line that runs the meter on a host: {@code serve PORT}, or {@code bulk}, {@code
   * request} or {@code connect} and ADDRESS PORT MILLISECONDS, all pinned to a CPU by {@code --cpu
   * N} before that. It prints what it has counted as JSON.
   */
  public List<String> meter(String host, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(names.programs().resolve(HostProcesses.METER).toString());
    command.addAll(arguments);
    return commandOn(host, command);
  }

  /** As {@link #commandOn}, to be started, with {@code sluice} on its PATH. */
  public ProcessBuilder processOn(String host, List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(commandOn(host, command));
    builder.environment().put("SLUICE_NO_BUILD", "1");
    Optional<Path> launcher = Optional.ofNullable(sluice).or(Launcher::find);
    launcher.ifPresent(
        l ->
            builder
                .environment()
                .merge("PATH", l.getParent().toString(), (path, bin) -> path + ":" + bin));
    return builder;
  }

  /** Runs a command on a host to its end. */
  public Output run(String host, String... command) {
    Shell.Result result = Shell.attempt(commandOn(host, List.of(command)), "");
    return new Output(result.code(), result.output());
  }

  /**
   * What a command on a host did.
   *
   * @param code its exit code
   * @param text its stdout and stderr, without white space around
   */
  public record Output(int code, String text) {}

  /** Takes a pod's link away, as a CNI plugin's DEL does; what runs in the pod stays. */
  public void unplug(Topology.Pod pod) {
    new Network(names, running()).unplug(pod);
  }

  /** Makes a pod's link, addresses and routes, as a CNI plugin's ADD does, after an unplug. */
  public void plug(Topology.Pod pod) {
    plug(pod, Addresses.hostInterface(pod));
  }

  /**
   * The same with a host side of another name: what was another pod's namespace and address is a
   * new pod's.
   */
  public void plug(Topology.Pod pod, String hostSide) {
    new Network(names, running()).plug(pod, hostSide);
  }

  /**
   * Gives both directions of a host's underlay link a rate, until it gets another, or {@link
   * #unlimit}.
   *
   * @param host a node or a client, by its short name
   * @param rate as tc takes it: 1mbit
   */
  public void limit(String host, String rate) {
    new Network(names, running()).limit(host, rate);
  }

  /** Gives a host's underlay link the rate of the topology again. */
  public void unlimit(String host) {
    new Network(names, running()).unlimit(host);
  }

  /**
   * Has the router spread flows to the addresses of load balancers over these nodes, and no others,
   * until it is told otherwise.
   *
   * @param nodes by their short names; none: nobody can reach these addresses
   */
  public void spread(Collection<String> nodes) {
    Topology topology = running();
    new Network(names, topology).spread(nodes.stream().sorted().map(topology::node).toList());
  }

  /** Starts the traffic client on a host. */
  public Traffic traffic(String host, Traffic.Spec spec) {
    List<String> command = new ArrayList<>();
    command.add(names.programs().resolve(HostProcesses.CLIENT).toString());
    command.addAll(spec.arguments());
    return Traffic.start(commandOn(host, command));
  }

  /** Sends datagrams from a host, and returns what came of them. */
  public Probe.Report probe(String host, Probe probe) {
    List<String> command = new ArrayList<>();
    command.add(names.programs().resolve(HostProcesses.CLIENT).toString());
    command.addAll(probe.arguments());
    return Probe.parse(Shell.attempt(commandOn(host, command), "").output());
  }

  /** How every host of the lab is, in the order router, client, nodes, pods. */
  public List<HostStatus> status() {
    return topology().map(t -> HostStatus.of(names, t, processes(t))).orElseGet(List::of);
  }

  /** Removes every trace of the lab, also of one half built, or half removed. */
  public void down() {
    requireRoot();
    takeLock();
    remove();
  }

  private void remove() {
    boolean something = Files.exists(names.folder()) || !Network.existing(names).isEmpty();
    if (something) {
      progress.accept("removing what is there");
    }
    new Cgroups(names).remove();
    Network.remove(names);
    Mounts.unmountBelow(names.folder());
    if (!Files.exists(names.folder())) {
      return;
    }
    try (Stream<Path> tree = Files.walk(names.folder())) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new LabException("cannot remove " + names.folder() + ": " + e.getMessage(), e);
    }
  }

  /** Lets others work on the lab. */
  @Override
  public void close() {
    if (lock != null) {
      lock.close();
      lock = null;
    }
  }

  private void takeLock() {
    if (lock == null) {
      lock = LabLock.take(names);
    }
  }

  private Topology running() {
    return topology().orElseThrow(() -> new LabException("no lab is up; sluice lab up makes one"));
  }

  private HostProcesses processes(Topology topology) {
    return new HostProcesses(names, topology, new Cgroups(names));
  }

  private Path launcher() {
    return sluice != null
        ? sluice
        : Launcher.find()
            .orElseThrow(
                () -> new LabException("bin/sluice is not found; set SLUICE_BIN to its path"));
  }

  private static void requireRoot() {
    try {
      if (!Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
        throw new LabException("a lab needs root; run it with sudo");
      }
    } catch (IOException e) {
      throw new LabException("/proc is not mounted", e);
    }
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }
}
