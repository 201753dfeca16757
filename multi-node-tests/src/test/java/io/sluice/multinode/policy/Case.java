// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import io.sluice.lab.Topology;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What is asked for, step by step; each step's matrix must come to be in force.
 *
 * @param name for people
 */
record Case(String name, List<World> steps) {
  /** Nine pods in three namespaces over two nodes, each with a server on both ports. */
  static final String TOPOLOGY =
      """
      nodes: [{name: node1}, {name: node2}]
      namespaces:
      - {name: x, labels: {ns: x, team: red}}
      - {name: y, labels: {ns: y, team: red}}
      - {name: z, labels: {ns: z, team: blue}}
      pods:
      - {namespace: x, name: a, node: node1, labels: {pod: a, role: front}, ports: [80, 81],
         namedPorts: {http: 80/tcp, dns: 80/udp, assoc: 81/sctp}, serviceAccount: robot}
      - {namespace: x, name: b, node: node2, labels: {pod: b, role: middle}, ports: [80, 81],
         namedPorts: {http: 80/tcp, dns: 80/udp, assoc: 81/sctp}}
      - {namespace: x, name: c, node: node1, labels: {pod: c, role: back}, ports: [80, 81],
         namedPorts: {http: 81/tcp, dns: 81/udp, assoc: 80/sctp}, serviceAccount: clerk}
      - {namespace: y, name: a, node: node2, labels: {pod: a, role: front}, ports: [80, 81],
         namedPorts: {http: 80/tcp}, serviceAccount: robot}
      - {namespace: y, name: b, node: node1, labels: {pod: b, role: middle}, ports: [80, 81],
         namedPorts: {http: 80/udp}}
      - {namespace: y, name: c, node: node2, labels: {pod: c, role: back}, ports: [80, 81],
         namedPorts: {http: 81/tcp}, serviceAccount: clerk}
      - {namespace: z, name: a, node: node1, labels: {pod: a, role: front}, ports: [80, 81]}
      - {namespace: z, name: b, node: node2, labels: {pod: b, role: middle}, ports: [80, 81],
         namedPorts: {http: 80/tcp}}
      - {namespace: z, name: c, node: node1, labels: {pod: c}, ports: [80, 81],
         namedPorts: {http: 81/tcp}, serviceAccount: clerk}
      """;

  /** Everybody reaches everybody. */
  static final World OPEN = World.of(topology());

  static Case of(String name, World... steps) {
    return new Case(name, List.of(steps));
  }

  /** One step: these policies. */
  static Case of(String name, Policy... policies) {
    return of(name, OPEN.with(policies));
  }

  @Override
  public String toString() {
    return name;
  }

  private static Topology topology() {
    try {
      Path file = Files.createTempFile("topology", ".yaml");
      try {
        Files.writeString(file, TOPOLOGY);
        return Topology.read(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
