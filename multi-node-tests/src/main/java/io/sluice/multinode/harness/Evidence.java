// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Lab;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What explains a failure: logs, manifests, dumps, the kernel's view, packets. */
final class Evidence {
  private static final Path ROOT = Path.of("target", "lab-failures");

  private static final List<List<String>> COMMANDS =
      List.of(
          List.of("ip", "-s", "link"),
          List.of("ip", "addr"),
          List.of("ip", "route", "show", "table", "all"),
          List.of("ip", "-6", "route", "show", "table", "all"),
          List.of("ip", "neigh"),
          List.of("nft", "list", "ruleset"),
          List.of("bpftool", "net"));

  private static final List<String> ASKED =
      List.of(
          "/api/v1/status",
          "/api/v1/dump/nat",
          "/api/v1/dump/conntrack",
          "/api/v1/dump/routes",
          "/api/v1/dump/ifstate",
          "/api/v1/dump/counters",
          "/api/v1/dump/maglev",
          "/cluster/members",
          "/metrics");

  private Evidence() {}

  /** Keeps all of it below {@code target/lab-failures/NAME}; nothing here fails. */
  static void keep(Cluster cluster, List<Capture> captures, String name) {
    Path folder = ROOT.resolve(name);
    try {
      clear(folder);
      Files.createDirectories(folder);
      captures.forEach(capture -> capture.keep(folder));
      for (Topology.Node node : cluster.topology().nodes()) {
        Path log = cluster.lab().names().agentLog(node);
        if (Files.exists(log)) {
          Files.copy(log, folder.resolve(node.name() + "-agent.log"));
          Files.copy(
              cluster.lab().names().agentConfig(node), folder.resolve(node.name() + "-agent.conf"));
        }
        keepState(cluster.lab(), node.name(), folder);
      }
      keepManifests(cluster.lab().names().manifests(), folder.resolve("manifests"));
      System.err.println("what explains it is in " + folder.toAbsolutePath());
    } catch (IOException | UncheckedIOException e) {
      System.err.println("cannot keep what explains it in " + folder + ": " + e.getMessage());
    }
  }

  private static void keepState(Lab lab, String node, Path folder) throws IOException {
    for (String path : ASKED) {
      String file = node + path.replaceFirst(".*/", "-") + ".json";
      Files.writeString(folder.resolve(file), lab.get(node, path).orElse("no answer\n"));
    }
    StringBuilder text = new StringBuilder();
    for (List<String> command : COMMANDS) {
      Lab.Output output = lab.run(node, command.toArray(String[]::new));
      text.append("# ").append(String.join(" ", command)).append('\n');
      text.append(output.text()).append("\n\n");
    }
    Files.writeString(folder.resolve(node + "-kernel.txt"), text);
  }

  private static void keepManifests(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static void clear(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
