// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static io.sluice.multinode.policy.World.map;

import io.sluice.multinode.harness.Reach;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * networking.k8s.io/v1 NetworkPolicy.
 *
 * @param types null: the manifest does not say
 */
record KubernetesPolicy(
    String namespace,
    String name,
    Labels pods,
    Set<Direction> types,
    List<Rule> ingress,
    List<Rule> egress)
    implements Policy {
  /**
   * A LabelSelector.
   *
   * @param expressions each of key, operator, and values
   */
  record Labels(Map<String, String> match, List<List<String>> expressions) {
    static final Labels ALL = new Labels(Map.of(), List.of());

    static Labels of(String... keysAndValues) {
      return new Labels(World.labels(keysAndValues), List.of());
    }

    static Labels expression(String... words) {
      return new Labels(Map.of(), List.of(List.of(words)));
    }

    Labels and(String... words) {
      List<List<String>> more = new ArrayList<>(expressions);
      more.add(List.of(words));
      return new Labels(match, more);
    }

    boolean matches(Map<String, String> labels) {
      return match.entrySet().stream().allMatch(e -> e.getValue().equals(labels.get(e.getKey())))
          && expressions.stream().allMatch(e -> holds(e, labels));
    }

    private static boolean holds(List<String> e, Map<String, String> labels) {
      String value = labels.get(e.get(0));
      List<String> values = e.subList(2, e.size());
      return switch (e.get(1)) {
        case "In" -> value != null && values.contains(value);
        case "NotIn" -> value == null || !values.contains(value);
        case "Exists" -> value != null;
        case "DoesNotExist" -> value == null;
        default -> throw new IllegalArgumentException(e.get(1));
      };
    }

    Map<String, Object> yaml() {
      List<Map<String, Object>> list = new ArrayList<>();
      for (List<String> e : expressions) {
        List<String> values = e.size() == 2 ? null : e.subList(2, e.size());
        list.add(map("key", e.get(0), "operator", e.get(1), "values", values));
      }
      return map(
          "matchLabels",
          match.isEmpty() ? null : match,
          "matchExpressions",
          list.isEmpty() ? null : list);
    }
  }

  /**
   * One of {@code from} or {@code to}. Null: absent.
   *
   * @param cidr an ipBlock's, which has neither selector
   */
  record Peer(Labels pods, Labels namespaces, String cidr, List<String> except) {
    static Peer ofPods(String... keysAndValues) {
      return new Peer(Labels.of(keysAndValues), null, null, null);
    }

    static Peer ofNamespaces(String... keysAndValues) {
      return new Peer(null, Labels.of(keysAndValues), null, null);
    }

    static Peer both(Labels namespaces, Labels pods) {
      return new Peer(pods, namespaces, null, null);
    }

    static Peer block(String cidr, String... except) {
      return new Peer(null, null, cidr, List.of(except));
    }

    boolean matches(World world, String ownNamespace, World.Host host, String address) {
      if (cidr != null) {
        return World.inNet(address, cidr)
            && except.stream().noneMatch(e -> World.inNet(address, e));
      }
      if (!host.isPod()) {
        return false;
      }
      String namespace = host.pod().namespace();
      boolean there =
          namespaces == null
              ? namespace.equals(ownNamespace)
              : namespaces.matches(world.namespaceLabels(namespace));
      return there && (pods == null || pods.matches(host.pod().labels()));
    }

    Map<String, Object> yaml() {
      if (cidr != null) {
        return map("ipBlock", map("cidr", cidr, "except", except.isEmpty() ? null : except));
      }
      return map(
          "podSelector",
          pods == null ? null : pods.yaml(),
          "namespaceSelector",
          namespaces == null ? null : namespaces.yaml());
    }
  }

  /**
   * One of {@code ports}. Null: absent.
   *
   * @param port a number, or a name
   */
  record Port(Reach.Way protocol, Object port, Integer endPort) {
    boolean matches(Flow flow) {
      // TCP, where nothing is said.
      if (flow.way() != (protocol == null ? Reach.Way.TCP : protocol)) {
        return false;
      }
      if (port == null) {
        return true;
      }
      if (port instanceof String named) {
        return flow.to().isPod()
            && (flow.port() + "/" + flow.way().name().toLowerCase(Locale.ROOT))
                .equals(flow.to().pod().namedPorts().get(named));
      }
      int first = (Integer) port;
      return flow.port() >= first && flow.port() <= (endPort == null ? first : endPort);
    }

    Map<String, Object> yaml() {
      return map(
          "protocol", protocol == null ? null : protocol.name(), "port", port, "endPort", endPort);
    }
  }

  /** Empty peers, or ports: any. */
  record Rule(List<Peer> peers, List<Port> ports) {
    static final Rule ANY = new Rule(List.of(), List.of());

    static Rule of(Peer... peers) {
      return new Rule(List.of(peers), List.of());
    }

    static Rule ports(Port... ports) {
      return new Rule(List.of(), List.of(ports));
    }

    Rule on(Port... ports) {
      return new Rule(peers, List.of(ports));
    }

    Map<String, Object> yaml(String peersField) {
      return map(
          peersField,
          peers.isEmpty() ? null : peers.stream().map(Peer::yaml).toList(),
          "ports",
          ports.isEmpty() ? null : ports.stream().map(Port::yaml).toList());
    }
  }

  /** Everything into these pods is denied but what rules allow. */
  static KubernetesPolicy ingress(String namespace, String name, Labels pods, Rule... rules) {
    return new KubernetesPolicy(
        namespace, name, pods, EnumSet.of(Direction.INGRESS), List.of(rules), List.of());
  }

  /** Everything out of these pods is denied but what rules allow. */
  static KubernetesPolicy egress(String namespace, String name, Labels pods, Rule... rules) {
    return new KubernetesPolicy(
        namespace, name, pods, EnumSet.of(Direction.EGRESS), List.of(), List.of(rules));
  }

  @Override
  public String tier() {
    return World.DEFAULT.name();
  }

  @Override
  public double order() {
    return 1000;
  }

  @Override
  public String key() {
    return "knp/" + namespace + "/" + name;
  }

  @Override
  public boolean selects(World world, World.Host pod) {
    return pod.pod().namespace().equals(namespace) && pods.matches(pod.pod().labels());
  }

  @Override
  public boolean decides(Direction direction) {
    if (types != null) {
      return types.contains(direction);
    }
    return direction == Direction.INGRESS || !egress.isEmpty();
  }

  @Override
  public Verdict judge(World world, Direction direction, Flow flow) {
    World.Host peer = flow.peer(direction);
    String address = peer.address(flow.version());
    for (Rule rule : direction == Direction.INGRESS ? ingress : egress) {
      boolean who =
          rule.peers().isEmpty()
              || rule.peers().stream().anyMatch(p -> p.matches(world, namespace, peer, address));
      boolean what = rule.ports().isEmpty() || rule.ports().stream().anyMatch(p -> p.matches(flow));
      if (who && what) {
        return Verdict.ALLOW;
      }
    }
    return Verdict.NOTHING;
  }

  @Override
  public Map<String, Object> document() {
    List<String> said =
        types == null
            ? null
            : types.stream().map(t -> t == Direction.INGRESS ? "Ingress" : "Egress").toList();
    return World.document(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        map("name", name, "namespace", namespace),
        map(
            "podSelector",
            pods.yaml(),
            "policyTypes",
            said,
            "ingress",
            ingress.isEmpty() ? null : ingress.stream().map(r -> r.yaml("from")).toList(),
            "egress",
            egress.isEmpty() ? null : egress.stream().map(r -> r.yaml("to")).toList()));
  }
}
