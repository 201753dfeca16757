// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.interfaces.InterfaceSettings;
import io.sluice.actors.interfaces.Workloads;
import io.sluice.config.model.KindNames;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import io.sluice.config.settings.Choices;
import io.sluice.config.settings.Settings;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.Judge;
import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Sets;
import io.sluice.kernel.policy.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/** A node's view of manifests as they are written, calculated and asked. */
final class World {
  static final String NODE = "node1";
  static final PolicySettings SETTINGS = PolicySettings.of(Settings.DEFAULTS);
  static final int TCP = 6;
  static final int UDP = 17;

  private static final InterfaceSettings INTERFACES = InterfaceSettings.of(Settings.DEFAULTS);
  private static final ManifestParser PARSER = new ManifestParser(Limits.DEFAULT);

  private final TreeMap<ResourceKey, Resource> resources = new TreeMap<>();
  private final SortedMap<String, Set<Ip>> hosts = new TreeMap<>();
  private final PolicySettings settings;
  private final PolicyCalculator calculator;
  private Workloads workloads = Workloads.NONE;
  private long version;
  NodePolicy policy = NodePolicy.NONE;

  World() {
    this(SETTINGS, definition -> Ids.of(definition.text()));
  }

  World(Choices.HostAction toHost) {
    this(
        new PolicySettings(
            SETTINGS.counting(), toHost, SETTINGS.failsafeIn(), SETTINGS.failsafeOut()),
        definition -> Ids.of(definition.text()));
  }

  World(PolicySettings settings, ToLongFunction<SetDefinition> ids) {
    this.settings = settings;
    this.calculator = new PolicyCalculator(NODE, settings, ids);
  }

  /** Reads manifests, of which none may be refused; the view changes with {@link #update}. */
  World put(String yaml) {
    byte[] bytes = yaml.getBytes(StandardCharsets.UTF_8);
    for (ParsedDocument document : PARSER.parse("test.yaml", bytes)) {
      if (document.refused()) {
        throw new IllegalArgumentException(document.problems().toString());
      }
      document.resource().ifPresent(resource -> resources.put(resource.key(), resource));
    }
    return this;
  }

  World put(Resource resource) {
    resources.put(resource.key(), resource);
    return this;
  }

  World remove(String kind, String namespace, String name) {
    return remove(new ResourceKey(KindNames.find(kind).orElseThrow(), namespace, name));
  }

  World remove(ResourceKey key) {
    resources.remove(key);
    return this;
  }

  World host(String nic, String... addresses) {
    hosts.put(nic, Set.copyOf(List.of(addresses).stream().map(Ip::parse).toList()));
    return this;
  }

  Map<ResourceKey, Resource> resources() {
    return resources;
  }

  private Snapshot snapshot() {
    return new Snapshot(
        ++version, true, resources, Map.of(), Map.of(), List.of(), List.of(), List.of());
  }

  World update() {
    Snapshot snapshot = snapshot();
    workloads = Workloads.of(snapshot, NODE, INTERFACES, workloads);
    policy = calculator.update(snapshot, workloads, hosts);
    return this;
  }

  /** What a calculator without a past makes of the same view. */
  NodePolicy fromScratch() {
    return new PolicyCalculator(NODE, settings).update(snapshot(), workloads, hosts);
  }

  long evaluations() {
    return calculator.evaluations();
  }

  /** What the interface of a local pod enforces. */
  EndpointPolicy of(String namespace, String pod) {
    return policy.byNic().get(Workloads.conventionalNic("cali", namespace, pod));
  }

  Verdict judge(Plan plan, PacketView packet) {
    return Judge.judge(plan, packet, Sets.of(policy.sets()));
  }

  /** What a pod's egress says. */
  Verdict leaving(String namespace, String pod, PacketView packet) {
    return judge(of(namespace, pod).in().orElseThrow(), packet);
  }

  /** What a pod's ingress says. */
  Verdict entering(String namespace, String pod, PacketView packet) {
    return judge(of(namespace, pod).out().orElseThrow(), packet);
  }

  boolean enters(String namespace, String pod, PacketView packet) {
    return entering(namespace, pod, packet).allowed();
  }

  static PacketView tcp(String from, String to, int port) {
    return PacketView.of(TCP, Ip.parse(from), 40000, Ip.parse(to), port);
  }

  static PacketView udp(String from, String to, int port) {
    return PacketView.of(UDP, Ip.parse(from), 40000, Ip.parse(to), port);
  }

  /** A pod's manifest; {@code more} are further lines, of its spec and status. */
  static String pod(
      String namespace, String name, String node, String address, String labels, String... spec) {
    return """
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: %s
          namespace: %s
          labels: {%s}
        spec:
          nodeName: %s
        %s
        status:
          podIPs: [{ip: "%s"}]
        """
        .formatted(name, namespace, labels, node, String.join("\n", spec).indent(2), address);
  }

  static String namespace(String name, String labels) {
    return """
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: %s, labels: {%s}}
        """
        .formatted(name, labels);
  }

  /** A Kubernetes NetworkPolicy. */
  static String kubernetes(String namespace, String name, String spec) {
    return document("networking.k8s.io/v1", "NetworkPolicy", namespace, name, spec);
  }

  /** A NetworkPolicy of Calico's, or with an empty namespace a GlobalNetworkPolicy. */
  static String calico(String namespace, String name, String spec) {
    return document(
        "projectcalico.org/v3",
        namespace.isEmpty() ? "GlobalNetworkPolicy" : "NetworkPolicy",
        namespace,
        name,
        spec);
  }

  static String document(String version, String kind, String namespace, String name, String spec) {
    return """
        ---
        apiVersion: %s
        kind: %s
        metadata: {name: %s%s}
        spec:
        %s
        """
        .formatted(
            version,
            kind,
            name,
            namespace.isEmpty() ? "" : ", namespace: " + namespace,
            spec.indent(2));
  }
}
