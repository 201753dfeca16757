// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.config.cli.Table;
import io.sluice.lab.Lab;
import io.sluice.lab.LabServices;
import io.sluice.lab.OwnedProcess;
import io.sluice.lab.Topology;
import io.sluice.lab.Traffic;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What several nodes are for: they agree, and one of them may die. */
final class DemoCluster {
  private static final int PER_SECOND = 20;
  private static final int ALL_LINES = 200;

  private final Lab lab;
  private final Topology topology;
  private final DemoCommands commands;
  private final PrintWriter out;

  DemoCluster(Lab lab, Topology topology, DemoCommands commands, PrintWriter out) {
    this.lab = lab;
    this.topology = topology;
    this.commands = commands;
    this.out = out;
  }

  private record Sent(String from, String to, Traffic traffic) {}

  /**
   * Shows that all nodes have the same tables; kills an agent under traffic to what pods serve, and
   * starts it again.
   *
   * @return whether all was as it should be
   */
  boolean show(List<LabServices.Frontend> frontends, Consumer<String> say) {
    Topology.Node first = topology.nodes().get(0);
    Topology.Node victim = topology.nodes().get(1);
    int all = topology.nodes().size();
    boolean good = commands.show(first, ALL_LINES, "dump", "maglev", "--diff");
    List<Sent> load = new ArrayList<>();
    try {
      for (Topology.Pod client : topology.pods()) {
        if (client.name().startsWith("client")) {
          frontends.stream()
              .filter(LabServices.Frontend::served)
              .forEach(f -> load.add(start(client, f)));
        }
      }
      say.accept("killing the agent of " + victim.name() + " while all clients send");
      lab.agent(victim.name()).ifPresent(OwnedProcess::kill);
      lab.awaitReachable(first.name(), all - 1);
      good &= commands.show(first, ALL_LINES, "status");
      say.accept("starting the agent of " + victim.name() + " again");
      lab.startAgent(victim.name());
      lab.awaitReachable(first.name(), all);
      lab.awaitReady();
      good &= commands.show(first, ALL_LINES, "status");
      good &= commands.show(victim, ALL_LINES, "dump", "maglev", "--diff");
      return good & unharmed(load);
    } finally {
      load.forEach(sent -> sent.traffic().close());
    }
  }

  private Sent start(Topology.Pod client, LabServices.Frontend to) {
    Traffic traffic =
        lab.traffic(
            "pod-" + client.namespace() + "-" + client.name(),
            Traffic.Spec.newFlows(to.protocol(), to.address(), to.port(), PER_SECOND));
    return new Sent(client.id(), to.protocol() + " " + to.text(), traffic);
  }

  private boolean unharmed(List<Sent> load) {
    Table table = new Table("FROM", "TO", "REQUESTS", "ANSWERED", "VERDICT");
    boolean good = true;
    for (Sent sent : load) {
      Traffic.Report report = sent.traffic().stop();
      boolean well = report.failed() == 0 && report.answers() > 0;
      good &= well;
      table.add(
          sent.from(), sent.to(), report.attempts(), report.answers(), well ? "ok" : "FAILED");
    }
    out.printf("%nSent while an agent was dead and came back:%n");
    out.print(table);
    out.flush();
    return good;
  }
}
