// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The configuration of a node's agent. All agents of a lab are one cluster. */
final class AgentFile {
  private final LabNames names;
  private final Topology topology;

  AgentFile(LabNames names, Topology topology) {
    this.names = names;
    this.topology = topology;
  }

  String text(Topology.Node node) {
    List<String> lines = new ArrayList<>();
    lines.add("# Written by sluice lab up.");
    lines.add("sluice {");
    lines.add("  node-name = \"" + names.host(node) + "\"");
    lines.add(
        topology.source() == Topology.Source.CLUSTER
            ? "  source { type = cluster }"
            : "  source { type = file, path = \"" + names.manifests() + "\" }");
    lines.add("  bpffs = \"" + names.bpffs(node) + "\"");
    lines.add("  data-dir = \"" + names.data(node) + "\"");
    lines.add("  management { host = \"127.0.0.1\", port = " + Lab.MANAGEMENT_PORT + " }");
    // As Calico's manifests set it: pods reach what their node serves.
    TreeMap<String, String> settings =
        new TreeMap<>(Map.of("defaultEndpointToHostAction", "Accept"));
    settings.putAll(topology.settings());
    settings.forEach((key, value) -> lines.add("  " + key + " = " + TopologyReader.quoted(value)));
    lines.add("  cluster {");
    lines.add("    host = \"" + Addresses.node4(node) + "\"");
    lines.add("    port = " + Lab.CLUSTER_PORT);
    List<String> seeds =
        topology.nodes().stream()
            .map(seed -> '"' + Addresses.node4(seed) + ":" + Lab.CLUSTER_PORT + '"')
            .toList();
    lines.add("    seeds = [" + String.join(", ", seeds) + "]");
    lines.add("  }");
    lines.add("}");
    lines.add("");
    return String.join("\n", lines);
  }
}
