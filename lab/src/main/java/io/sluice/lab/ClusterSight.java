// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/**
 * How much of the cluster an agent sees.
 *
 * @param members whom it knows
 * @param reachable those of them that it hears of, itself included
 * @param decides whether it says that its side may decide
 */
record ClusterSight(int members, int reachable, boolean decides) {
  /** Empty if the agent does not answer. */
  static Optional<ClusterSight> of(HostProcesses processes, Topology.Node node) {
    Shell.Result asked = processes.ask(node, "/api/v1/status");
    if (!asked.ok()) {
      return Optional.empty();
    }
    JsonNode status;
    try {
      status = TopologyReader.JSON.readTree(asked.output());
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
    JsonNode members = status.path("members");
    int reachable = 0;
    for (JsonNode member : members) {
      reachable += member.path("reachable").asBoolean() ? 1 : 0;
    }
    boolean decides = status.path("cluster").path("decides").asBoolean();
    return Optional.of(new ClusterSight(members.size(), reachable, decides));
  }

  @Override
  public String toString() {
    return reachable
        + (" of " + members + " members reachable, ")
        + (decides ? "decides" : "does not decide");
  }
}
