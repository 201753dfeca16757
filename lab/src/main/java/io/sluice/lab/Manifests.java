// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The folder that the agents read: what the lab says about itself (Node, Namespace, Pod,
 * WorkloadEndpoint, IPPool), and what the user adds.
 */
final class Manifests {
  /** Holds everything that follows from the topology. */
  static final String OWN_FILE = "lab.yaml";

  private static final ObjectMapper YAML =
      YAMLMapper.builder()
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
          .build();

  private final LabNames names;
  private final Topology topology;

  Manifests(LabNames names, Topology topology) {
    this.names = names;
    this.topology = topology;
  }

  /** Writes the lab's own file anew, without the namespaces that the user's files define. */
  void writeOwn() {
    Set<String> given = new TreeSet<>();
    for (JsonNode document : read(names.manifests())) {
      if (document.path("kind").asText().equals("Namespace")) {
        given.add(document.path("metadata").path("name").asText());
      }
    }
    StringBuilder text = new StringBuilder();
    try {
      for (Map<String, Object> document : own(given)) {
        text.append(YAML.writeValueAsString(document));
      }
      Files.createDirectories(names.manifests());
      put(text.toString(), names.manifests().resolve(OWN_FILE));
    } catch (IOException e) {
      throw new LabException("cannot write manifests: " + e.getMessage(), e);
    }
  }

  /**
   * Copies a manifest, or all manifests directly in a folder, to the agents' folder.
   *
   * @return the names of the files
   */
  List<String> apply(Path source) {
    List<Path> files = files(source);
    if (files.isEmpty()) {
      throw new LabException(source + ": no manifests (*.yaml) there");
    }
    try {
      Files.createDirectories(names.manifests());
      for (Path file : files) {
        if (file.getFileName().toString().equals(OWN_FILE)) {
          throw new LabException(file + ": the lab's own manifests have this name; choose another");
        }
        put(Files.readString(file), names.manifests().resolve(file.getFileName()));
      }
    } catch (IOException e) {
      throw new LabException("cannot copy manifests: " + e.getMessage(), e);
    }
    writeOwn();
    return files.stream().map(f -> f.getFileName().toString()).toList();
  }

  /** The lab's own manifests, and then all others: text by the name of the file, in this order. */
  Map<String, String> texts() {
    List<String> all = new ArrayList<>();
    for (Path file : files(names.manifests())) {
      String name = file.getFileName().toString();
      all.add(name.equals(OWN_FILE) ? 0 : all.size(), name);
    }
    return texts(all);
  }

  /** The text of these files. */
  Map<String, String> texts(List<String> files) {
    Map<String, String> texts = new LinkedHashMap<>();
    try {
      for (String file : files) {
        texts.put(file, Files.readString(names.manifests().resolve(file)));
      }
    } catch (IOException e) {
      throw new LabException("cannot read manifests: " + e.getMessage(), e);
    }
    return texts;
  }

  /** Every document of the user's manifests in a folder. Files that do not parse are skipped. */
  static List<JsonNode> read(Path folder) {
    List<JsonNode> documents = new ArrayList<>();
    for (Path file : files(folder)) {
      if (file.getFileName().toString().equals(OWN_FILE)) {
        continue;
      }
      try (MappingIterator<JsonNode> all =
          YAML.readerFor(JsonNode.class).readValues(file.toFile())) {
        while (all.hasNextValue()) {
          documents.add(all.nextValue());
        }
      } catch (IOException e) {
        // The agent says what is wrong with it, with line and field.
        continue;
      }
    }
    return documents;
  }

  private static List<Path> files(Path source) {
    if (Files.isRegularFile(source)) {
      return List.of(source);
    }
    try (Stream<Path> list = Files.list(source)) {
      return list.filter(Files::isRegularFile)
          .filter(f -> f.getFileName().toString().matches("[^.].*\\.(yaml|yml|json)"))
          .sorted()
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new LabException(source + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** No reader ever sees half a file. */
  private static void put(String text, Path target) throws IOException {
    Path fresh = target.resolveSibling("." + target.getFileName() + ".new");
    Files.writeString(fresh, text);
    Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private List<Map<String, Object>> own(Set<String> givenNamespaces) {
    List<Map<String, Object>> documents = new ArrayList<>();
    Map<String, Map<String, String>> namespaces = new TreeMap<>();
    topology.namespaces().forEach(n -> namespaces.put(n.name(), n.labels()));
    topology.pods().forEach(p -> namespaces.putIfAbsent(p.namespace(), Map.of()));
    namespaces.keySet().removeAll(givenNamespaces);
    namespaces.forEach((name, labels) -> documents.add(namespace(name, labels)));
    documents.addAll(serviceAccounts());
    documents.add(pool("lab-ipv4", Addresses.POD_POOL4));
    documents.add(pool("lab-ipv6", Addresses.POD_POOL6));
    topology.nodes().forEach(n -> documents.add(node(n)));
    for (Topology.Pod pod : topology.pods()) {
      documents.add(pod(pod));
      documents.add(endpoint(pod));
    }
    return documents;
  }

  private static Map<String, Object> namespace(String name, Map<String, String> own) {
    Map<String, String> labels = new TreeMap<>(own);
    // As an API server has it.
    labels.put("kubernetes.io/metadata.name", name);
    return document("v1", "Namespace", ordered("name", name, "labels", labels), null, null);
  }

  /** Of those that pods name; each bears its own name as a label. */
  private List<Map<String, Object>> serviceAccounts() {
    List<Map<String, Object>> documents = new ArrayList<>();
    Set<String> seen = new TreeSet<>();
    for (Topology.Pod pod : topology.pods()) {
      String name = pod.serviceAccount();
      if (!name.equals("default") && seen.add(pod.namespace() + "/" + name)) {
        documents.add(
            document(
                "v1",
                "ServiceAccount",
                ordered(
                    "name", name, "namespace", pod.namespace(), "labels", Map.of("account", name)),
                null,
                null));
      }
    }
    return documents;
  }

  private Map<String, Object> pool(String name, String cidr) {
    return document(
        "projectcalico.org/v3",
        "IPPool",
        Map.of("name", name),
        ordered("cidr", cidr, "vxlanMode", topology.overlay().vxlanMode(), "natOutgoing", false),
        null);
  }

  private Map<String, Object> node(Topology.Node node) {
    return document(
        "v1",
        "Node",
        ordered("name", names.host(node), "labels", node.labels()),
        ordered(
            "podCIDR", Addresses.podCidr4(node),
            "podCIDRs", List.of(Addresses.podCidr4(node), Addresses.podCidr6(node))),
        Map.of(
            "addresses",
            List.of(
                ordered("type", "InternalIP", "address", Addresses.node4(node)),
                ordered("type", "InternalIP", "address", Addresses.node6(node)),
                ordered("type", "Hostname", "address", names.host(node)))));
  }

  private Map<String, Object> pod(Topology.Pod pod) {
    String v4 = Addresses.pod4(topology, pod);
    String v6 = Addresses.pod6(topology, pod);
    return document(
        "v1",
        "Pod",
        ordered("name", pod.name(), "namespace", pod.namespace(), "labels", pod.labels()),
        podSpec(pod),
        ordered(
            "phase",
            "Running",
            "podIP",
            v4,
            "podIPs",
            List.of(Map.of("ip", v4), Map.of("ip", v6))));
  }

  private Map<String, Object> podSpec(Topology.Pod pod) {
    Map<String, Object> spec = ordered("nodeName", names.host(topology.node(pod.node())));
    spec.put("serviceAccountName", pod.serviceAccount());
    if (!pod.namedPorts().isEmpty()) {
      spec.put(
          "containers",
          List.of(ordered("name", "server", "ports", namedPorts(pod, "containerPort"))));
    }
    return spec;
  }

  private static List<Map<String, Object>> namedPorts(Topology.Pod pod, String numberField) {
    List<Map<String, Object>> ports = new ArrayList<>();
    new TreeMap<>(pod.namedPorts())
        .forEach(
            (name, text) -> {
              String[] parts = text.split("/");
              ports.add(
                  ordered(
                      "name",
                      name,
                      "protocol",
                      parts[1].toUpperCase(Locale.ROOT),
                      numberField,
                      Integer.parseInt(parts[0])));
            });
    return ports;
  }

  private Map<String, Object> endpoint(Topology.Pod pod) {
    String node = names.host(topology.node(pod.node()));
    // As Calico names it: hyphens within the parts are doubled.
    String name =
        Stream.of(node, "k8s", pod.name(), Addresses.INTERFACE)
            .map(part -> part.replace("-", "--"))
            .reduce((a, b) -> a + "-" + b)
            .orElseThrow();
    Map<String, Object> spec =
        ordered(
            "node", node,
            "orchestrator", "k8s",
            "pod", pod.name(),
            "endpoint", Addresses.INTERFACE,
            "interfaceName", Addresses.hostInterface(pod),
            "mac", Addresses.podMac(topology, pod),
            "ipNetworks",
                List.of(
                    Addresses.pod4(topology, pod) + "/32", Addresses.pod6(topology, pod) + "/128"),
            "serviceAccountName", pod.serviceAccount());
    if (!pod.namedPorts().isEmpty()) {
      spec.put("ports", namedPorts(pod, "port"));
    }
    return document(
        "projectcalico.org/v3",
        "WorkloadEndpoint",
        ordered("name", name, "namespace", pod.namespace(), "labels", pod.labels()),
        spec,
        null);
  }

  private static Map<String, Object> document(
      String apiVersion, String kind, Map<String, ?> metadata, Object spec, Object status) {
    Map<String, Object> document =
        ordered("apiVersion", apiVersion, "kind", kind, "metadata", metadata);
    if (spec != null) {
      document.put("spec", spec);
    }
    if (status != null) {
      document.put("status", status);
    }
    return document;
  }

  /** A map of keys and values in turn, in this order. */
  private static Map<String, Object> ordered(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
