// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.cli.CommandException;
import io.sluice.kernel.bpf.HookQuery;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Netlink;
import io.sluice.kernel.sys.Netns;
import io.sluice.kernel.sys.Sysctl;
import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.LabNames;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * One lab of the shape that all peers have: a node with a client pod and two pods that serve, a
 * router, a client outside. Their servers run; who carries the packets is not said here.
 */
final class Site implements AutoCloseable {
  private static final String NODE = "node1";
  private static final String OTHER_NODE = "node2";
  private static final String CLIENT_POD = "client";
  private static final List<String> SERVING = List.of("web-1", "web-2");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Lab lab;
  private final int cpu;
  private final Topology topology;
  private final List<Process> servers = new ArrayList<>();

  /** What the meter prints. */
  private record Counted(long count, long micros) {}

  /** Who sends. */
  enum Sender {
    POD("pod-default-" + CLIENT_POD, "pod to service"),
    OUTSIDE("client", "outside to node port");

    private final String host;
    private final String text;

    Sender(String host, String text) {
      this.host = host;
      this.text = text;
    }

    /** The path that it takes, for people. */
    String text() {
      return text;
    }
  }

  /** A measurement that came to nothing, and why. */
  static final class Unreachable extends Exception {
    private static final long serialVersionUID = 1L;

    Unreachable(String message) {
      super(message);
    }
  }

  private Site(Lab lab, int cpu, Topology topology) {
    this.lab = lab;
    this.cpu = cpu;
    this.topology = topology;
  }

  /**
   * Builds it.
   *
   * @param name of the peer that it is for
   * @param cpu where all ends run
   */
  static Site up(String name, int cpu, Consumer<String> progress) {
    List<Topology.Pod> pods = new ArrayList<>();
    for (String pod : Stream.concat(Stream.of(CLIENT_POD), SERVING.stream()).toList()) {
      pods.add(new Topology.Pod(null, pod, NODE, null, null, false, null, null, null));
    }
    return up(name, cpu, new Topology(List.of(Topology.Node.named(NODE)), pods), progress);
  }

  /**
   * Builds one whose only serving pod is another node's than the one that clients speak to.
   *
   * @param settings of the agents
   */
  static Site remote(
      String name, int cpu, Map<String, String> settings, Consumer<String> progress) {
    Topology topology =
        new Topology(
            List.of(Topology.Node.named(NODE), Topology.Node.named(OTHER_NODE)),
            List.of(
                new Topology.Pod(
                    null, SERVING.get(0), OTHER_NODE, null, null, false, null, null, null)),
            null,
            null,
            null,
            null,
            null,
            settings,
            null);
    return up(name, cpu, topology, progress);
  }

  private static Site up(String name, int cpu, Topology topology, Consumer<String> progress) {
    Lab lab = Lab.open(LabNames.named("sluice-b-" + name), null, progress);
    Site site = new Site(lab, cpu, topology);
    try {
      lab.down();
      lab.up(topology);
      site.serve();
    } catch (RuntimeException | IOException e) {
      site.close();
      throw e instanceof RuntimeException known ? known : new CommandException(e.getMessage());
    }
    return site;
  }

  private void serve() throws IOException {
    for (String pod : serving().map(Topology.Pod::name).toList()) {
      List<String> arguments = pinned("serve", Integer.toString(Services.TARGET_PORT));
      Process server = new ProcessBuilder(lab.meter("pod-default-" + pod, arguments)).start();
      servers.add(server);
      // "ready", or the end of one that failed.
      if (server.inputReader().readLine() == null) {
        throw new CommandException("no server: " + server.errorReader().readLine());
      }
    }
  }

  private List<String> pinned(String... arguments) {
    List<String> all = new ArrayList<>(List.of("--cpu", Integer.toString(cpu)));
    all.addAll(Arrays.asList(arguments));
    return all;
  }

  Lab lab() {
    return lab;
  }

  /** The node, as the lab names it; also the name of its namespace. */
  String nodeName() {
    return lab.names().host(node());
  }

  String nodeAddress() {
    return nodeAddress(Family.IPV4);
  }

  String nodeAddress(Family family) {
    return family == Family.IPV4 ? Addresses.node4(node()) : Addresses.node6(node());
  }

  private Topology.Node node() {
    return topology.node(NODE);
  }

  /** Addresses of the pods that serve. */
  List<String> backends() {
    return serving().map(this::address).toList();
  }

  private Stream<Topology.Pod> serving() {
    return pods().filter(p -> SERVING.contains(p.name()));
  }

  /** The address of the one pod that serves on the other node. */
  String remoteBackend(Family family) {
    Topology.Pod pod = serving().findFirst().orElseThrow();
    return family == Family.IPV4 ? address(pod) : Addresses.pod6(topology, pod);
  }

  /** The other node, as the lab names it. */
  String otherNodeName() {
    return lab.names().host(topology.node(OTHER_NODE));
  }

  private Stream<Topology.Pod> pods() {
    return topology.pods().stream();
  }

  private String address(Topology.Pod pod) {
    return Addresses.pod4(topology, pod);
  }

  /**
   * Lets the kernel alone route to the pods, as a CNI plugin without a dataplane of its own does.
   */
  void routeByKernel() {
    List<String> script = new ArrayList<>();
    pods()
        .forEach(
            pod -> {
              String host = Addresses.hostInterface(pod);
              script.add("ip route replace " + address(pod) + " dev " + host + " scope link");
              script.add("echo 1 >/proc/sys/net/ipv4/conf/" + host + "/proxy_arp");
              script.add("echo 0 >/proc/sys/net/ipv4/neigh/" + host + "/proxy_delay");
            });
    Lab.Output output = lab.run(NODE, "sh", "-ec", String.join("\n", script));
    if (output.code() != 0) {
      throw new CommandException("no routes to pods: " + output.text());
    }
  }

  /** Runs something in the node's network namespace. */
  <T> T onNode(Callable<T> work) {
    try (Netns namespace = Netns.named(nodeName())) {
      return namespace.run(work);
    }
  }

  /** How many programs are attached to the node's interfaces. */
  int programsAttached() {
    return onNode(
        () -> {
          int attached = 0;
          try (Netlink netlink = Netlink.open()) {
            for (Link link : netlink.links()) {
              for (TcxLink.Hook hook : TcxLink.Hook.values()) {
                attached += HookQuery.of(link.index(), hook).attached().size();
              }
              attached += netlink.clsactFilters(link.index(), true).size();
              attached += netlink.clsactFilters(link.index(), false).size();
            }
          }
          return attached;
        });
  }

  /** Whether the kernel of the node tracks connections: flows that it knows. */
  String tracked() {
    return onNode(() -> Sysctl.get("net/netfilter/nf_conntrack_count").orElse("0"));
  }

  /**
   * Measures once.
   *
   * @return a second's worth
   * @throws Unreachable if there is no answer, or none any more
   */
  double measure(Sender from, String address, int port, Measure what, int millis)
      throws Unreachable {
    List<String> arguments =
        pinned(what.mode(), address, Integer.toString(port), Integer.toString(millis));
    try {
      Process process = new ProcessBuilder(lab.meter(from.host, arguments)).start();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (process.waitFor() != 0) {
        throw new Unreachable(process.errorReader().readLine());
      }
      Counted counted = JSON.readValue(said, Counted.class);
      return what.perSecond(counted.count(), counted.micros());
    } catch (IOException e) {
      throw new CommandException("the meter does not run: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted");
    }
  }

  @Override
  public void close() {
    servers.forEach(Process::destroy);
    lab.down();
    lab.close();
  }
}
