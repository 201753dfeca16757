// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.LabServices;
import io.sluice.lab.Launcher;
import io.sluice.lab.Topology;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sluice lab demo}. */
@Command(
    name = "demo",
    description = {
      "See it work: build a lab, apply examples/, send TCP and UDP over IPv4 and IPv6 to the",
      "services, show who answered, the flows and the counters, what a policy denies, and remove the",
      "lab again.",
      "With several nodes: that all have the same Maglev tables, and that an agent is killed and",
      "comes back while traffic goes on.",
      "Exit code 1 if any traffic went wrong.",
      ""
    })
final class LabDemoCommand extends LabCommand.Base {
  /** Lines of a dump that are shown: enough to see what it is like. */
  private static final int DUMP_LINES = 24;

  /** What is for labs of so many nodes, below the examples. */
  private static final String MORE = "three-nodes";

  private static final int NODES_OF_MORE = 3;

  @Option(names = "--keep", description = "Leave the lab up; sluice lab down removes it.")
  private boolean keep;

  @Option(
      names = "--nodes",
      paramLabel = "N",
      description = "How many nodes [${DEFAULT-VALUE}].",
      defaultValue = "3")
  private int nodes;

  @Option(
      names = "--source",
      paramLabel = "WHERE",
      description = "Where agents have their resources from: file, cluster [cluster].",
      converter = Words.Source.class)
  private Topology.Source source = Topology.Source.CLUSTER;

  @Override
  int run() {
    Path examples =
        Launcher.examples()
            .orElseThrow(
                () -> new LabException("examples/ is not found beside bin/sluice; set SLUICE_BIN"));
    Topology topology = Topology.standard(nodes).with(source);
    if (nodes > 1) {
      topology = topology.with(Topology.Overlay.VXLAN);
    }
    Lab lab = lab();
    if (lab.topology().isPresent()) {
      throw new LabException("a lab is up already; sluice lab down first");
    }
    Cleaner cleaner = new Cleaner(lab);
    Runtime.getRuntime().addShutdownHook(cleaner);
    boolean good = false;
    try {
      lab.up(topology);
      List<String> applied = new ArrayList<>(lab.apply(examples));
      if (nodes >= NODES_OF_MORE && Files.isDirectory(examples.resolve(MORE))) {
        applied.addAll(lab.apply(examples.resolve(MORE)));
      }
      say("applied " + String.join(", ", applied));
      lab.start();
      good = show(lab, topology);
    } finally {
      if (keep) {
        cleaner.disarm();
        say("the lab is still up: sluice lab exec node1 -- sluice status; sluice lab down");
      } else {
        cleaner.clean();
      }
    }
    return good ? 0 : 1;
  }

  private boolean show(Lab lab, Topology topology) {
    DemoTraffic traffic = new DemoTraffic(lab);
    DemoCommands commands = new DemoCommands(lab, out());
    List<LabServices.Frontend> frontends =
        LabServices.of(lab, topology).stream().filter(f -> !f.unknown()).toList();
    for (Topology.Node node : topology.nodes()) {
      Topology.Pod client =
          topology.podsOf(node).stream()
              .filter(p -> p.name().startsWith("client"))
              .findFirst()
              .orElseThrow();
      say("sending to the services from " + client.id());
      frontends.forEach(f -> traffic.send(client.namespace(), client.name(), f));
      say("sending from a backend to its own service");
      for (LabServices.Frontend frontend : frontends) {
        topology.podsOf(node).stream()
            .filter(p -> frontend.pods().contains(p.id()))
            .findFirst()
            .ifPresent(p -> traffic.send(p.namespace(), p.name(), frontend));
      }
    }
    out().println();
    out().print(traffic);
    boolean shown = true;
    for (Topology.Node node : topology.nodes()) {
      shown &= commands.show(node, DUMP_LINES, "dump", "conntrack");
      shown &= commands.show(node, DUMP_LINES, "dump", "counters");
    }
    shown &= new DemoPolicy(lab, topology, out()).show();
    boolean survived =
        topology.nodes().size() == 1
            || new DemoCluster(lab, topology, commands, out()).show(frontends, this::say);
    out().println();
    out()
        .println(
            traffic.failed() || !survived || !shown
                ? "Some traffic went wrong: see the rows marked FAILED."
                : "All traffic arrived where it should.");
    out().flush();
    return shown && survived && !traffic.failed();
  }

  /**
   * Removes the lab once: at the end of the demo, or when the JVM is told to end before that; then
   * it stops the demo first, so that nothing is built behind its back.
   */
  private final class Cleaner extends Thread {
    private static final long PATIENCE_MILLIS = 30_000;

    private final Lab lab;
    private final Thread demo = Thread.currentThread();
    private boolean finished;

    Cleaner(Lab lab) {
      super("lab-demo-cleaner");
      this.lab = lab;
    }

    synchronized void disarm() {
      finished = true;
      lab.close();
      notifyAll();
    }

    synchronized void clean() {
      // Having been interrupted must not cut the removal short as well.
      Thread.interrupted();
      if (!finished) {
        lab.down();
        lab.close();
        finished = true;
        notifyAll();
      }
    }

    @Override
    public void run() {
      try {
        if (!awaitDemo()) {
          clean();
        }
      } catch (LabException e) {
        err().println("sluice lab: " + e.getMessage() + "; sluice lab down tries again");
        err().flush();
      }
    }

    private synchronized boolean awaitDemo() {
      if (!finished) {
        demo.interrupt();
        try {
          wait(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return finished;
    }
  }
}
