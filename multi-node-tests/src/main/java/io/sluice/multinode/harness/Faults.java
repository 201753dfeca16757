// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.OwnedProcess;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Breaks what may break on nodes and between them. Each word returns once it is broken, and what it
 * returns mends it; what is still broken at the end of a test is mended then, also after a failure,
 * and agents that had to do with it are waited for.
 *
 * <p>Packets are dropped in the lab's router, in tables of its own: nodes keep addresses, routes,
 * neighbours and rules, as when a switch between them fails.
 */
public final class Faults {
  private static final String FILLER = "filler";

  private final Lab lab;
  private final Topology topology;
  private final Deque<Fault> faults = new ArrayDeque<>();
  private int tables;
  private boolean agentsConcerned;
  private Set<String> spread;

  Faults(Lab lab, Topology topology) {
    this.lab = lab;
    this.topology = topology;
    this.spread = new TreeSet<>(names());
  }

  private Fault broken(String what, Runnable mending) {
    Fault fault = new Fault(what, mending);
    synchronized (faults) {
      faults.push(fault);
    }
    return fault;
  }

  // Agents.

  /** Ends a node's agent by SIGKILL. Mended by starting it. */
  public Fault kill(String node) {
    return killAll(node);
  }

  /** Ends agents by SIGKILL, all in one moment; all of the lab, if none is named. */
  public Fault killAll(String... nodes) {
    Map<String, OwnedProcess> agents = new TreeMap<>();
    for (String node : nodes.length == 0 ? names() : List.of(nodes)) {
      lab.agent(node).ifPresent(agent -> agents.put(node, agent));
    }
    agentsConcerned = true;
    OwnedProcess.killAll(List.copyOf(agents.values()));
    return broken("killed " + agents.keySet(), () -> agents.keySet().forEach(lab::startAgent));
  }

  /** Ends a node's agent by SIGTERM, and returns when it has ended. Mended by starting it. */
  public Fault stop(String node) {
    agentsConcerned = true;
    OwnedProcess agent = running(node);
    agent.terminate();
    return broken("stopped " + node, () -> lab.startAgent(node));
  }

  /** Starts a node's agent, if it does not run, without waiting for it. */
  public void start(String node) {
    agentsConcerned = true;
    lab.startAgent(node);
  }

  /** Stops a node's agent and starts it again, without waiting for it. */
  public void restart(String node) {
    stop(node).heal();
  }

  /** Stops a node's agent where it is (SIGSTOP). Mended by letting it go on. */
  public Fault pause(String node) {
    OwnedProcess agent = running(node);
    agentsConcerned = true;
    agent.pause();
    return broken("paused " + node, agent::resume);
  }

  private OwnedProcess running(String node) {
    return lab.agent(node).orElseThrow(() -> new LabException("no agent runs on " + node));
  }

  /**
   * Adds to the configuration of a node's agent, for when it is started next. Mended by taking it
   * back, with a restart of the agent if it runs.
   *
   * @param settings HOCON; what it says again replaces what was said
   */
  public Fault configure(String node, String settings) {
    Path file = lab.names().agentConfig(topology.node(node));
    try {
      String before = Files.readString(file);
      Files.writeString(file, before + settings + "\n");
      agentsConcerned = true;
      return broken("configured " + node, () -> takeBack(node, file, before));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void takeBack(String node, Path file, String before) {
    boolean runs = lab.agent(node).isPresent();
    lab.agent(node).ifPresent(OwnedProcess::kill);
    try {
      Files.writeString(file, before);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (runs) {
      lab.startAgent(node);
    }
  }

  // Links.

  /** Drops every packet between a node and the router, in both directions. */
  public Fault cutLink(String node) {
    topology.node(node);
    return table(
        "cut the link of " + node,
        "netdev",
        String.format(
            "chain from { type filter hook ingress device \"%1$s\" priority 0; counter drop; }\n"
                + "chain to { type filter hook egress device \"%1$s\" priority 0; counter drop; }",
            node));
  }

  /**
   * Has the router send flows to addresses of load balancers to these nodes alone, by the flow.
   * Mended by all nodes.
   */
  public Fault spreadOver(String... nodes) {
    Set<String> before = spread;
    spread(Set.of(nodes));
    return broken("spread flows over " + spread, () -> spread(before));
  }

  private void spread(Set<String> nodes) {
    spread = nodes;
    lab.spread(nodes);
  }

  /**
   * A node is gone at once: its agent ends by SIGKILL, its link carries nothing any more, and then
   * the router notices, and sends it no flows of load balancers. Mended in the other order.
   */
  public Fault lose(String node) {
    Fault agent = kill(node);
    Fault link = cutLink(node);
    Set<String> rest = new TreeSet<>(spread);
    rest.remove(node);
    Fault flows = spreadOver(rest.toArray(String[]::new));
    return new Fault(
        "lost " + node,
        () -> {
          link.heal();
          agent.heal();
          flows.heal();
        });
  }

  /**
   * Drops what agents of some nodes and those of others say to each other, in both directions, and
   * nothing else: a partition of the cluster in which pods lose no packet.
   */
  public Fault cutClusterPort(Collection<String> some, Collection<String> others) {
    String rules =
        Stream.of(rules(some, others), rules(others, some)).collect(Collectors.joining("\n"));
    return table(
        "cut the cluster's port between " + some + " and " + others,
        "inet",
        "chain cut { type filter hook forward priority 0;\n" + rules + "\n}");
  }

  /** As above, between a node and all others. */
  public Fault cutClusterPort(String node) {
    return cutClusterPort(Set.of(node), names().stream().filter(n -> !n.equals(node)).toList());
  }

  private String rules(Collection<String> from, Collection<String> to) {
    String between = "ip saddr " + addresses(from) + " ip daddr " + addresses(to);
    return Stream.of("sport", "dport")
        .map(side -> between + " tcp " + side + " " + Lab.CLUSTER_PORT + " counter drop")
        .collect(Collectors.joining("\n"));
  }

  private String addresses(Collection<String> nodes) {
    return nodes.stream()
        .map(node -> Addresses.node4(topology.node(node)))
        .collect(Collectors.joining(", ", "{ ", " }"));
  }

  private Fault table(String what, String family, String chains) {
    String table = family + " fault_" + ++tables;
    router("nft", "table " + table + " {\n" + chains + "\n}");
    agentsConcerned = true;
    return broken(what, () -> router("nft", "delete table " + table));
  }

  private void router(String... command) {
    Lab.Output output = lab.run("router", command);
    if (output.code() != 0) {
      throw new LabException(String.join(" ", command) + ": " + output.text());
    }
  }

  /**
   * Lets no more than a rate through the underlay link of a node or a client, in each direction;
   * what does not fit waits for up to 100 ms, and is dropped after that.
   *
   * @param rate as tc takes it: 1mbit
   */
  public Fault slowLink(String host, String rate) {
    lab.limit(host, rate);
    return broken("slowed the link of " + host, () -> lab.unlimit(host));
  }

  // Disks.

  /**
   * Fills the file system of a node's data folder to the last byte. Mended by making room again.
   *
   * @throws LabException if the topology gives the node no {@code dataSize}: the file system is the
   *     machine's then
   */
  public Fault fillDisk(String node) {
    if (topology.node(node).dataSize() == null) {
      throw new LabException(node + " needs a dataSize in the topology for its disk to be filled");
    }
    Path filler = lab.names().data(topology.node(node)).resolve(FILLER);
    Fault fault = broken("filled the disk of " + node, () -> remove(filler));
    agentsConcerned = true;
    for (int size : new int[] {64 << 10, 1}) {
      try (OutputStream out =
          Files.newOutputStream(filler, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        byte[] bytes = new byte[size];
        while (true) {
          out.write(bytes);
        }
      } catch (IOException e) {
        // Full; with the smaller size to the last byte.
        continue;
      }
    }
    return fault;
  }

  private static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Damages the files of a node's data folder whose path in it matches. A test kills the agent
   * first, unless it wants it to see that while it runs. Agents mend such damage themselves; if the
   * node's is not ready when this is mended, it is started anew with an empty folder.
   *
   * @param pattern a glob: {@code *.mv.db}, {@code **}
   * @throws LabException if no file matches
   */
  public Fault damageStore(String node, String pattern, Damage damage) {
    Path data = lab.names().data(topology.node(node));
    List<Path> files = files(data);
    List<Path> hit =
        files.stream()
            .filter(
                f ->
                    data.getFileSystem()
                        .getPathMatcher("glob:" + pattern)
                        .matches(data.relativize(f)))
            .toList();
    if (hit.isEmpty()) {
      throw new LabException("no file matches " + pattern + "; there are " + files);
    }
    agentsConcerned = true;
    try {
      for (Path file : hit) {
        damage.to(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return broken("damaged " + hit, () -> emptyUnlessReady(node, data));
  }

  private void emptyUnlessReady(String node, Path data) {
    if (lab.ready(node)) {
      return;
    }
    lab.agent(node).ifPresent(OwnedProcess::kill);
    files(data).forEach(Faults::remove);
    lab.startAgent(node);
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> tree = Files.walk(folder)) {
      return tree.filter(Files::isRegularFile).sorted(Comparator.naturalOrder()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> names() {
    return topology.nodes().stream().map(Topology.Node::name).toList();
  }

  /**
   * Mends what is still broken, the last first; all is tried, before it fails.
   *
   * @return whether agents had to do with it, which may not be ready now
   */
  boolean healAll() {
    RuntimeException failure = null;
    while (true) {
      Fault fault;
      synchronized (faults) {
        fault = faults.poll();
      }
      if (fault == null) {
        break;
      }
      try {
        fault.heal();
      } catch (RuntimeException e) {
        LabException told = new LabException("cannot mend: " + fault + ": " + e.getMessage(), e);
        told.addSuppressed(failure == null ? e : failure);
        failure = told;
      }
    }
    if (failure != null) {
      throw failure;
    }
    boolean concerned = agentsConcerned;
    agentsConcerned = false;
    return concerned;
  }
}
