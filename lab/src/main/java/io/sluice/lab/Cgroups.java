// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The lab's subtree of cgroup v2: one group for each node, its pods' groups within it. */
final class Cgroups {
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(20);

  private final LabNames names;
  private final Path root;

  /**
   * @throws LabException if cgroup v2 is not mounted anywhere
   */
  Cgroups(LabNames names) {
    this.names = names;
    this.root =
        Mounts.list().stream()
            .filter(m -> m.type().equals("cgroup2"))
            .map(Mounts.Mount::target)
            .findFirst()
            .orElseThrow(
                () ->
                    new LabException(
                        "cgroup v2 is not mounted; mount -t cgroup2 none /sys/fs/cgroup/unified"));
  }

  Path lab() {
    return root.resolve(names.cgroup());
  }

  Path node(Topology.Node node) {
    return lab().resolve(names.host(node));
  }

  Path pod(Topology topology, Topology.Pod pod) {
    return node(topology.node(pod.node()))
        .resolve("pods")
        .resolve(pod.namespace() + "-" + pod.name());
  }

  Path outside(String shortName) {
    return lab().resolve(names.host(shortName));
  }

  void create(Topology topology) {
    try {
      for (Topology.Node node : topology.nodes()) {
        Files.createDirectories(node(node));
      }
      for (Topology.Pod pod : topology.pods()) {
        Files.createDirectories(pod(topology, pod));
      }
      for (Topology.Client client : topology.clients()) {
        Files.createDirectories(outside(client.name()));
      }
      Files.createDirectories(outside("router"));
    } catch (IOException e) {
      throw new LabException("cannot make a cgroup: " + e.getMessage(), e);
    }
  }

  /** Kills every process in the lab's subtree, and removes it. */
  void remove() {
    if (!Files.isDirectory(lab())) {
      return;
    }
    try {
      Files.writeString(lab().resolve("cgroup.kill"), "1");
      Waiting.until(
          KILL_PATIENCE,
          () -> Shell.lines(lab().resolve("cgroup.events")).contains("populated 0"),
          () -> "processes in " + lab() + " do not die");
      for (Path group : deepestFirst()) {
        Files.deleteIfExists(group);
      }
    } catch (IOException e) {
      throw new LabException("cannot remove a cgroup: " + e.getMessage(), e);
    }
  }

  private List<Path> deepestFirst() throws IOException {
    try (Stream<Path> tree = Files.walk(lab())) {
      return tree.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList();
    }
  }
}
