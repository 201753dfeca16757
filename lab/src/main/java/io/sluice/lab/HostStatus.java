// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a host of the lab is.
 *
 * @param host the name of its namespace
 * @param kind router, client, node or pod
 * @param exists whether the namespace is there
 * @param addresses IPv4, then IPv6; none for the router, which has one of each on each link
 * @param pid of its agent or pod server; null if there is none
 * @param state of a node's agent: ready, not ready, stopped; of a pod's server: serving, stopped,
 *     none; of others: up; of what does not exist: missing
 * @param cluster of a node's agent: how much of the cluster it sees, and whether it may decide;
 *     null of others, and where nobody answers
 */
public record HostStatus(
    String host,
    String kind,
    boolean exists,
    List<String> addresses,
    Long pid,
    String state,
    String cluster) {
  static List<HostStatus> of(LabNames names, Topology topology, HostProcesses processes) {
    List<String> existing = Network.existing(names);
    List<HostStatus> all = new ArrayList<>();
    String router = names.host("router");
    all.add(of(existing, router, "router", List.of(), null, "up", null));
    for (Topology.Client client : topology.clients()) {
      List<String> addresses = List.of(Addresses.client4(client), Addresses.client6(client));
      all.add(of(existing, names.host(client.name()), "client", addresses, null, "up", null));
    }
    for (Topology.Node node : topology.nodes()) {
      Long pid = processes.agent(node).map(OwnedProcess::pid).orElse(null);
      String state = pid == null ? "stopped" : ready(processes, node);
      String cluster = pid == null ? null : cluster(processes, node);
      List<String> addresses = List.of(Addresses.node4(node), Addresses.node6(node));
      all.add(of(existing, names.host(node), "node", addresses, pid, state, cluster));
    }
    for (Topology.Pod pod : topology.pods()) {
      Optional<OwnedProcess> server = processes.server(pod);
      String stopped = pod.server() ? "stopped" : "none";
      List<String> addresses =
          List.of(Addresses.pod4(topology, pod), Addresses.pod6(topology, pod));
      all.add(
          of(
              existing,
              names.host(pod),
              "pod",
              addresses,
              server.map(OwnedProcess::pid).orElse(null),
              server.isPresent() ? "serving" : stopped,
              null));
    }
    return all;
  }

  private static HostStatus of(
      List<String> existing,
      String host,
      String kind,
      List<String> addresses,
      Long pid,
      String state,
      String cluster) {
    boolean exists = existing.contains(host);
    return new HostStatus(host, kind, exists, addresses, pid, exists ? state : "missing", cluster);
  }

  /** Such as: 2 of 3 members reachable, decides. */
  private static String cluster(HostProcesses processes, Topology.Node node) {
    Shell.Result asked = processes.ask(node, "/api/v1/status");
    if (!asked.ok()) {
      return null;
    }
    JsonNode status;
    try {
      status = TopologyReader.JSON.readTree(asked.output());
    } catch (JsonProcessingException e) {
      return null;
    }
    JsonNode members = status.path("members");
    long reachable = 0;
    for (JsonNode member : members) {
      reachable += member.path("reachable").asBoolean() ? 1 : 0;
    }
    boolean decides = status.path("cluster").path("decides").asBoolean();
    return reachable
        + (" of " + members.size() + " members reachable, ")
        + (decides ? "decides" : "does not decide");
  }

  private static String ready(HostProcesses processes, Topology.Node node) {
    return processes.ask(node, "/health/ready").ok() ? "ready" : "not ready";
  }
}
