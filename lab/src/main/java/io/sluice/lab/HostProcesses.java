// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Starts what runs on the lab's hosts: pod servers, agents, and any command. */
final class HostProcesses {
  static final String SERVER = "pod-server";
  static final String CLIENT = "pod-client";
  static final String METER = "pod-meter";
  static final String PROBER = "pod-prober";

  /** A majority may have to agree before there is an answer. */
  private static final String REQUEST_TIMEOUT_MILLIS = "30000";

  /** Joins a cgroup and becomes the command, so that it keeps this process number. */
  private static final String JOIN = "echo $$ >\"$1/cgroup.procs\" && shift && exec \"$@\"";

  /**
   * Puts a node's bpffs and the cgroups where they are on a real node, in the private mounts of
   * {@code ip netns exec}, which go with the command.
   */
  private static final String NODE_MOUNTS =
      "mount --bind \"$1\" /sys/fs/bpf && mount -t cgroup2 sluice-lab /sys/fs/cgroup"
          + " && shift && exec \"$@\"";

  private final LabNames names;
  private final Topology topology;
  private final Cgroups cgroups;

  HostProcesses(LabNames names, Topology topology, Cgroups cgroups) {
    this.names = names;
    this.topology = topology;
    this.cgroups = cgroups;
  }

  /** Unpacks the lab's own programs onto a file system of their own, for /run may be noexec. */
  void unpackPrograms() {
    try {
      Files.createDirectories(names.programs());
      Mounts.mount("tmpfs", "size=16m,mode=0755", names.programs());
      for (String program : List.of(SERVER, CLIENT, METER, PROBER)) {
        Path target = names.programs().resolve(program);
        Path fresh = names.programs().resolve(program + ".new");
        try (InputStream in = HostProcesses.class.getResourceAsStream(program)) {
          if (in == null) {
            throw new LabException(program + " is missing from the build; build the lab again");
          }
          Files.copy(in, fresh, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw new LabException("cannot unpack the lab's programs: " + e.getMessage(), e);
    }
  }

  /** The command line that runs a command on a host, in its namespace and its cgroup. */
  List<String> on(String host, List<String> command) {
    List<String> line = new ArrayList<>(List.of("sh", "-c", JOIN, "sh", cgroupOf(host).toString()));
    line.addAll(List.of("ip", "netns", "exec", host));
    topology.nodes().stream()
        .filter(n -> names.host(n).equals(host))
        .forEach(
            n -> line.addAll(List.of("sh", "-c", NODE_MOUNTS, "sh", names.bpffs(n).toString())));
    line.addAll(command);
    return line;
  }

  /**
   * Like {@link #on}, detached from the terminal and its signals, and without the mounts of {@code
   * ip netns exec}, which hide cgroups and bpffs below /sys.
   */
  private List<String> detachedOn(String host, List<String> command) {
    List<String> line = new ArrayList<>(List.of("sh", "-c", JOIN, "sh", cgroupOf(host).toString()));
    line.addAll(List.of("setsid", "nsenter", "--net=/run/netns/" + host));
    line.addAll(command);
    return line;
  }

  Path cgroupOf(String host) {
    for (Topology.Node node : topology.nodes()) {
      if (names.host(node).equals(host)) {
        return cgroups.node(node);
      }
    }
    for (Topology.Pod pod : topology.pods()) {
      if (names.host(pod).equals(host)) {
        return cgroups.pod(topology, pod);
      }
    }
    for (Topology.Client client : topology.clients()) {
      if (names.host(client.name()).equals(host)) {
        return cgroups.outside(client.name());
      }
    }
    if (names.host("router").equals(host)) {
      return cgroups.outside("router");
    }
    throw new LabException("no host " + host + " in the lab; sluice lab status lists them");
  }

  Optional<OwnedProcess> server(Topology.Pod pod) {
    return OwnedProcess.recorded(names.serverPid(pod));
  }

  Optional<OwnedProcess> agent(Topology.Node node) {
    return OwnedProcess.recorded(names.agentPid(node));
  }

  /** Starts a pod's server, and returns when it is listening. Nothing if it runs already. */
  void startServer(Topology.Pod pod) {
    if (!pod.server() || server(pod).isPresent()) {
      return;
    }
    String host = names.host(pod);
    List<String> command =
        new ArrayList<>(List.of(names.programs().resolve(SERVER).toString(), "--name", pod.id()));
    command.addAll(List.of("--netns", host));
    pod.ports().forEach(port -> command.addAll(List.of("--port", port.toString())));
    try {
      Files.createDirectories(names.serverLog(pod).getParent());
      Process process =
          new ProcessBuilder(detachedOn(host, command))
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectError(names.serverLog(pod).toFile())
              .start();
      OwnedProcess.of(process).record(names.serverPid(pod));
      try (BufferedReader said =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
        if (!"ready".equals(said.readLine())) {
          throw new LabException(
              "the server of pod "
                  + pod.id()
                  + " does not start: "
                  + lastLine(names.serverLog(pod)));
        }
      }
    } catch (IOException e) {
      throw new LabException(
          "cannot start the server of pod " + pod.id() + ": " + e.getMessage(), e);
    }
  }

  /** Starts a node's agent; nothing if it runs already. */
  void startAgent(Topology.Node node, Path sluice) {
    if (agent(node).isPresent()) {
      return;
    }
    List<String> command =
        List.of(sluice.toString(), "agent", "--config", names.agentConfig(node).toString());
    try {
      var log = names.agentLog(node).toFile();
      ProcessBuilder builder =
          new ProcessBuilder(detachedOn(names.host(node), command))
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
      // What started the lab is built; ten agents must not look for more to do, each for itself.
      builder.environment().put("SLUICE_NO_BUILD", "1");
      OwnedProcess.of(builder.start()).record(names.agentPid(node));
    } catch (IOException e) {
      throw new LabException(
          "cannot start the agent of " + names.host(node) + ": " + e.getMessage(), e);
    }
  }

  /** Asks a node's agent over HTTP, on the node's own loopback address. */
  Shell.Result ask(Topology.Node node, String path) {
    return Shell.attempt(
        "nsenter",
        "--net=/run/netns/" + names.host(node),
        names.programs().resolve(CLIENT).toString(),
        "get",
        "127.0.0.1",
        Integer.toString(Lab.MANAGEMENT_PORT),
        path);
  }

  /** Makes an HTTP request to a node's agent; empty if nobody answers. */
  Optional<Lab.Answer> request(Topology.Node node, String method, String path, String body) {
    Shell.Result result =
        Shell.attempt(
            List.of(
                "nsenter",
                "--net=/run/netns/" + names.host(node),
                names.programs().resolve(CLIENT).toString(),
                "request",
                method,
                "127.0.0.1",
                Integer.toString(Lab.MANAGEMENT_PORT),
                path,
                REQUEST_TIMEOUT_MILLIS),
            body);
    if (!result.ok()) {
      return Optional.empty();
    }
    int end = result.output().indexOf('\n');
    String status = end < 0 ? result.output() : result.output().substring(0, end);
    String text = end < 0 ? "" : result.output().substring(end + 1);
    return Optional.of(new Lab.Answer(Integer.parseInt(status), text.strip()));
  }

  /** The last line of a log that says something, for messages. */
  static String lastLine(Path log) {
    List<String> lines = Shell.lines(log).stream().filter(l -> !l.isBlank()).toList();
    return lines.isEmpty() ? "(it said nothing)" : lines.get(lines.size() - 1).strip();
  }
}
