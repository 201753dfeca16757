// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.sluice.lab.Addresses;
import io.sluice.lab.Topology;
import io.sluice.multinode.harness.IpVersion;
import io.sluice.multinode.policy.Policy.Direction;
import io.sluice.multinode.policy.Policy.Flow;
import io.sluice.multinode.policy.Policy.Verdict;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * All that decides who may reach whom, and the answer to that, worked out the slow way: from the
 * words of the policies and nothing of the code under test.
 *
 * @param topology pods and namespaces, with the labels that they have now
 * @param hosts that ask, or are asked
 */
record World(
    Topology topology,
    List<Host> hosts,
    List<Tier> tiers,
    List<NetSet> sets,
    List<Policy> policies) {
  private static final ObjectMapper YAML =
      YAMLMapper.builder()
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
          .build();

  /** What the tier of most policies is called, and where among others it is. */
  static final Tier DEFAULT = new Tier("default", 1_000_000, false);

  /**
   * A host.
   *
   * @param name pods: NAMESPACE/POD, as their servers say
   * @param pod null for hosts outside, and for nodes
   * @param node where it is; empty outside
   */
  record Host(String name, Topology.Pod pod, String node, String v4, String v6) {
    boolean isPod() {
      return pod != null;
    }

    boolean isNode() {
      return pod == null && !node.isEmpty();
    }

    String address(IpVersion version) {
      return version.of(v4, v6);
    }
  }

  record Tier(String name, double order, boolean passes) {
    Map<String, Object> document() {
      return World.document(
          "projectcalico.org/v3",
          "Tier",
          Map.of("name", name),
          map("order", order, "defaultAction", passes ? "Pass" : "Deny"));
    }
  }

  /**
   * @param namespace null: of a GlobalNetworkSet
   */
  record NetSet(String namespace, String name, Map<String, String> labels, List<String> nets) {
    Map<String, Object> document() {
      Map<String, Object> meta = map("name", name, "labels", labels);
      if (namespace != null) {
        meta.put("namespace", namespace);
      }
      String kind = namespace == null ? "GlobalNetworkSet" : "NetworkSet";
      return World.document("projectcalico.org/v3", kind, meta, map("nets", nets));
    }
  }

  /** A world without policies: pods, the client outside, and the first node. */
  static World of(Topology topology) {
    return new World(topology, hosts(topology), List.of(), List.of(), List.of());
  }

  private static List<Host> hosts(Topology topology) {
    List<Host> hosts = new ArrayList<>();
    for (Topology.Pod pod : topology.pods()) {
      hosts.add(
          new Host(
              pod.id(),
              pod,
              pod.node(),
              Addresses.pod4(topology, pod),
              Addresses.pod6(topology, pod)));
    }
    hosts.add(new Host("host/client", null, "", Addresses.CLIENT4, Addresses.CLIENT6));
    Topology.Node node = topology.nodes().get(0);
    hosts.add(
        new Host(
            "host/" + node.name(),
            null,
            node.name(),
            Addresses.node4(node),
            Addresses.node6(node)));
    return hosts;
  }

  World with(Policy... more) {
    return new World(topology, hosts, tiers, sets, join(policies, more));
  }

  World with(Tier... more) {
    return new World(topology, hosts, join(tiers, more), sets, policies);
  }

  World with(NetSet... more) {
    return new World(topology, hosts, tiers, join(sets, more), policies);
  }

  World withoutPolicies() {
    return new World(topology, hosts, tiers, sets, List.of());
  }

  World withoutSets() {
    return new World(topology, hosts, tiers, List.of(), policies);
  }

  /** The pod has these labels, and no others. */
  World relabel(String pod, Map<String, String> labels) {
    return withPods(
        topology.pods().stream().map(p -> p.id().equals(pod) ? p.withLabels(labels) : p).toList());
  }

  World account(String pod, String account) {
    return withPods(
        topology.pods().stream()
            .map(p -> p.id().equals(pod) ? p.withServiceAccount(account) : p)
            .toList());
  }

  private World withPods(List<Topology.Pod> pods) {
    Topology changed = topology.withPods(pods);
    return new World(changed, hosts(changed), tiers, sets, policies);
  }

  World relabelNamespace(String name, Map<String, String> labels) {
    List<Topology.Namespace> namespaces =
        topology.namespaces().stream()
            .map(n -> n.name().equals(name) ? new Topology.Namespace(name, labels) : n)
            .toList();
    return new World(topology.withNamespaces(namespaces), hosts, tiers, sets, policies);
  }

  private static <T> List<T> join(List<T> first, T[] more) {
    return Stream.concat(first.stream(), Stream.of(more)).toList();
  }

  Host host(String name) {
    return hosts.stream().filter(h -> h.name().equals(name)).findFirst().orElseThrow();
  }

  Map<String, String> namespaceLabels(String name) {
    Map<String, String> labels = new HashMap<>(Map.of("kubernetes.io/metadata.name", name));
    topology.namespaces().stream()
        .filter(n -> n.name().equals(name))
        .forEach(n -> labels.putAll(n.labels()));
    return labels;
  }

  // What must be.

  /** Whether a new flow is let through by both ends. */
  boolean allows(Flow flow) {
    if (flow.from().name().equals(flow.to().name())) {
      return true; // within the pod
    }
    // A node reaches its own pods whatever they enforce: kubelet's probes.
    boolean ownNode = flow.from().isNode() && flow.from().node().equals(flow.to().node());
    return allows(Direction.EGRESS, flow) && (ownNode || allows(Direction.INGRESS, flow));
  }

  private boolean allows(Direction direction, Flow flow) {
    Host self = flow.self(direction);
    if (!self.isPod()) {
      return true;
    }
    List<Tier> sorted = new ArrayList<>(tiers);
    sorted.add(DEFAULT);
    sorted.sort(Comparator.comparingDouble(Tier::order).thenComparing(Tier::name));
    for (Tier tier : sorted) {
      List<Policy> applicable =
          policies.stream()
              .filter(p -> p.tier().equals(tier.name()))
              .filter(p -> p.decides(direction) && p.selects(this, self))
              .sorted(Comparator.comparingDouble(Policy::order).thenComparing(Policy::key))
              .toList();
      if (applicable.isEmpty()) {
        continue;
      }
      Verdict verdict = tier.passes() ? Verdict.PASS : Verdict.DENY;
      for (Policy policy : applicable) {
        Verdict said = policy.judge(this, direction, flow);
        if (said != Verdict.NOTHING) {
          verdict = said;
          break;
        }
      }
      if (verdict != Verdict.PASS) {
        return verdict == Verdict.ALLOW;
      }
    }
    // The profile of its namespace, which allows.
    return true;
  }

  /** Whether an address is one of a network's, of the same family. */
  static boolean inNet(String address, String cidr) {
    int slash = cidr.indexOf('/');
    byte[] a = bytes(address);
    byte[] n = bytes(cidr.substring(0, slash));
    if (a.length != n.length) {
      return false;
    }
    int rest = a.length * 8 - Integer.parseInt(cidr.substring(slash + 1));
    return new BigInteger(1, a).shiftRight(rest).equals(new BigInteger(1, n).shiftRight(rest));
  }

  private static byte[] bytes(String address) {
    try {
      return InetAddress.getByName(address).getAddress();
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(address, e);
    }
  }

  // How it is said.

  /** The manifests of all but pods and namespaces. */
  String yaml() {
    StringBuilder text = new StringBuilder();
    List<Map<String, Object>> documents = new ArrayList<>();
    tiers.forEach(t -> documents.add(t.document()));
    sets.forEach(s -> documents.add(s.document()));
    policies.forEach(p -> documents.add(p.document()));
    try {
      for (Map<String, Object> document : documents) {
        text.append(YAML.writeValueAsString(document));
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
    return text.toString();
  }

  static Map<String, Object> document(
      String apiVersion, String kind, Map<String, Object> meta, Map<String, Object> spec) {
    return map("apiVersion", apiVersion, "kind", kind, "metadata", meta, "spec", spec);
  }

  /** Keys and values in turn; without those that are null. */
  static Map<String, Object> map(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      if (keysAndValues[i + 1] != null) {
        map.put((String) keysAndValues[i], keysAndValues[i + 1]);
      }
    }
    return map;
  }

  static Map<String, String> labels(String... keysAndValues) {
    Map<String, String> labels = new TreeMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      labels.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return labels;
  }
}
