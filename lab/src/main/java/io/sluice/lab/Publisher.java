// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/** Applies manifests to the nodes' shared store, by any agent: each takes what is for all. */
final class Publisher {
  private static final Duration STEP = Duration.ofMillis(200);

  /** Of a cluster that is forming: it cannot decide yet, or nobody knows whether it did. */
  private static final Set<Integer> LATER = Set.of(503, 504);

  private final HostProcesses processes;
  private final Topology topology;
  private final Duration patience;
  private final Function<Topology.Node, String> death;

  /**
   * @param death says how the agent of a node has ended
   */
  Publisher(
      HostProcesses processes,
      Topology topology,
      Duration patience,
      Function<Topology.Node, String> death) {
    this.processes = processes;
    this.topology = topology;
    this.patience = patience;
    this.death = death;
  }

  /**
   * Returns when all are stored.
   *
   * @param manifests text by the name of its file, in this order
   * @throws LabException with what an agent says to one that it refuses
   */
  void publish(Map<String, String> manifests) {
    manifests.forEach(
        (file, text) -> {
          AtomicReference<String> last = new AtomicReference<>("no agent answers");
          Waiting.until(
              patience,
              STEP,
              () -> taken(file, text, last),
              () -> file + " is not applied: " + last);
        });
  }

  private boolean taken(String file, String text, AtomicReference<String> last) {
    if (topology.nodes().stream().allMatch(node -> processes.agent(node).isEmpty())) {
      throw new LabException(death.apply(topology.nodes().get(0)));
    }
    for (Topology.Node node : topology.nodes()) {
      Optional<Lab.Answer> answer = processes.request(node, "POST", "/api/v1/apply", text);
      if (answer.isEmpty()) {
        continue;
      }
      if (answer.get().ok()) {
        return true;
      }
      // Others would say the same of what is wrong with it.
      if (!LATER.contains(answer.get().status())) {
        throw new LabException(file + " is refused: " + answer.get().body());
      }
      last.set(answer.get().body());
    }
    return false;
  }
}
