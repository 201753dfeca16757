// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Where a lab's parts are found. Two labs of different names share nothing; the commands use {@link
 * #standard()}, other names are for tests that run beside it.
 *
 * @param name goes before the name of every namespace, without the hyphen
 * @param folder holds everything the lab keeps in files; removed as a whole with the lab
 */
public record LabNames(String name, Path folder) {
  private static final Pattern NAME = Pattern.compile("[a-z][-a-z0-9]{0,19}");

  public LabNames {
    if (!NAME.matcher(name).matches()) {
      throw new LabException("not a name for a lab: " + name);
    }
    if (!folder.isAbsolute() || folder.normalize().getNameCount() < 2) {
      // It is removed with all that is in it.
      throw new LabException("not a folder for a lab alone: " + folder);
    }
    folder = folder.normalize();
  }

  /** The lab of the commands: {@code sluice-…}, in SLUICE_LAB_DIR or /run/sluice-lab. */
  public static LabNames standard() {
    String name = System.getenv().getOrDefault("SLUICE_LAB_NAME", "sluice");
    String folder = System.getenv("SLUICE_LAB_DIR");
    return folder == null || folder.isEmpty()
        ? named(name)
        : new LabNames(name, Path.of(folder).toAbsolutePath());
  }

  /** A lab beside the standard one: {@code NAME-…}, in /run/NAME-lab. */
  public static LabNames named(String name) {
    return new LabNames(name, Path.of("/run", name + "-lab"));
  }

  /** The namespace of a host by its short name: node1, client, router, pod-NAMESPACE-NAME. */
  public String host(String shortName) {
    return name + "-" + shortName;
  }

  /** The namespace of a node; also the name of its Node resource, its folder and its cgroup. */
  public String host(Topology.Node node) {
    return host(node.name());
  }

  /** The namespace of a pod. */
  public String host(Topology.Pod pod) {
    return host("pod-" + pod.namespace() + "-" + pod.name());
  }

  /** What a HOST argument means: the name of a namespace with or without the lab's name. */
  public String expand(String host) {
    return owns(host) ? host : host(host);
  }

  /** Whether a network namespace of this name is a part of this lab. */
  public boolean owns(String namespace) {
    return namespace.startsWith(name + "-")
        && namespace
            .substring(name.length() + 1)
            .matches("node[1-9][0-9]*|client[2-9]?|router|pod-.+");
  }

  /** What the agents read: a folder of YAML. */
  public Path manifests() {
    return folder.resolve("manifests");
  }

  /** Where a node's agent keeps what it must remember. */
  public Path data(Topology.Node node) {
    return nodeFolder(node).resolve("data");
  }

  /** The log, the configuration, the data and the bpffs of a node. */
  public Path nodeFolder(Topology.Node node) {
    return folder.resolve(host(node));
  }

  public Path bpffs(Topology.Node node) {
    return nodeFolder(node).resolve("bpf");
  }

  public Path agentConfig(Topology.Node node) {
    return nodeFolder(node).resolve("agent.conf");
  }

  public Path agentLog(Topology.Node node) {
    return nodeFolder(node).resolve("agent.log");
  }

  Path agentPid(Topology.Node node) {
    return nodeFolder(node).resolve("agent.pid");
  }

  Path serverPid(Topology.Pod pod) {
    return folder.resolve("pods").resolve(host(pod) + ".pid");
  }

  Path serverLog(Topology.Pod pod) {
    return folder.resolve("pods").resolve(host(pod) + ".log");
  }

  /** Where the lab's own programs are unpacked: a mount of its own, since /run may be noexec. */
  Path programs() {
    return folder.resolve("bin");
  }

  Path topologyFile() {
    return folder.resolve("topology.json");
  }

  /** Written when everything that outlives processes is there. */
  Path builtMark() {
    return folder.resolve("built");
  }

  Path lockFile() {
    return Path.of("/run", name + "-lab.lock");
  }

  /** The name of the lab's cgroup below the root of cgroup v2. */
  String cgroup() {
    return name + "-lab";
  }
}
