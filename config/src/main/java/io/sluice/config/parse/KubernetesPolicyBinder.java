// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.PolicyRule;
import io.sluice.config.model.PolicyRule.Action;
import io.sluice.config.model.PolicyRule.Entity;
import io.sluice.config.model.PolicyRule.Named;
import io.sluice.config.model.PolicyRule.Numbers;
import io.sluice.config.model.PolicyRule.RulePort;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Protocol;
import io.sluice.config.selector.Selector;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads networking.k8s.io/v1 NetworkPolicies as policies of projectcalico.org/v3 that mean the
 * same: each of their rules becomes one for each peer and protocol.
 */
final class KubernetesPolicyBinder {
  private static final double ORDER = 1000;
  private static final Selector PODS = Selector.equal(Selector.ORCHESTRATOR_LABEL, "k8s");

  private KubernetesPolicyBinder() {}

  static Optional<NetworkPolicy> bind(Fields root, MetaBinder.Bound meta) {
    if (!root.has("spec")) {
      root.error("spec", "is missing");
    }
    Fields spec = root.mapOrEmpty("spec");
    Set<Direction> types = PolicyBinders.types(spec, "policyTypes");
    if (types.isEmpty()) {
      types.add(Direction.INGRESS);
      if (!spec.items("egress").isEmpty()) {
        types.add(Direction.EGRESS);
      }
    }
    int[] budget = {RuleBinder.MOST_RULES};
    NetworkPolicy policy =
        new NetworkPolicy(
            meta.meta(),
            Kind.NETWORK_POLICY,
            NetworkPolicy.DEFAULT_TIER,
            OptionalDouble.of(ORDER),
            Selector.and(PODS, LabelSelectors.read(spec.mapOrEmpty("podSelector"))),
            Optional.empty(),
            Optional.empty(),
            types,
            rules(spec, Direction.INGRESS, types, budget),
            rules(spec, Direction.EGRESS, types, budget),
            false,
            false,
            false);
    spec.finishStrictly();
    root.skip("status");
    return Optional.of(policy);
  }

  private static List<PolicyRule> rules(
      Fields spec, Direction direction, Set<Direction> types, int[] budget) {
    boolean in = direction == Direction.INGRESS;
    String name = in ? "ingress" : "egress";
    List<PolicyRule> rules = new ArrayList<>();
    boolean within = budget[0] >= 0;
    spec.maps(
        name,
        fields -> {
          List<Peer> peers = peers(fields, in ? "from" : "to");
          List<Ports> ports = ports(fields);
          fields.finishStrictly();
          budget[0] -= Math.min(budget[0] + 1, peers.size() * ports.size());
          if (budget[0] >= 0) {
            peers.forEach(peer -> ports.forEach(port -> rules.add(rule(peer, port, in))));
          }
          return Optional.empty();
        });
    if (within && budget[0] < 0) {
      spec.error(
          name, "stands for more than the " + RuleBinder.MOST_RULES + " rules of one policy");
    }
    PolicyBinders.warnOfIdleRules(spec, direction, types, "policyTypes");
    return types.contains(direction) ? rules : List.of();
  }

  private static PolicyRule rule(Peer peer, Ports ports, boolean in) {
    return new PolicyRule(
        Action.ALLOW,
        peer.nets().stream().map(Cidr::family).findFirst(),
        ports.protocol(),
        OptionalInt.empty(),
        Optional.empty(),
        Optional.empty(),
        in ? peer.entity(List.of()) : Entity.ANY,
        in ? Peer.ANY.entity(ports.ports()) : peer.entity(ports.ports()),
        Map.of());
  }

  /** Whom a rule allows. */
  private record Peer(
      List<Cidr> nets,
      List<Cidr> notNets,
      Optional<Selector> selector,
      Optional<Selector> namespaceSelector) {
    static final Peer ANY = new Peer(List.of(), List.of(), Optional.empty(), Optional.empty());

    Entity entity(List<RulePort> ports) {
      return new Entity(
          nets,
          notNets,
          selector,
          Optional.empty(),
          namespaceSelector,
          ports,
          List.of(),
          Optional.empty(),
          Optional.empty());
    }
  }

  /** One for each item, but blocks without exceptions together; of none, everybody. */
  private static List<Peer> peers(Fields rule, String name) {
    if (rule.items(name).isEmpty()) {
      return List.of(Peer.ANY);
    }
    Map<IpFamily, List<Cidr>> whole = new EnumMap<>(IpFamily.class);
    List<Peer> peers = new ArrayList<>();
    for (Peer peer : rule.maps(name, KubernetesPolicyBinder::peer)) {
      if (peer.nets().isEmpty() || !peer.notNets().isEmpty()) {
        peers.add(peer);
      } else {
        Cidr net = peer.nets().get(0);
        whole.computeIfAbsent(net.family(), f -> new ArrayList<>()).add(net);
      }
    }
    whole
        .values()
        .forEach(nets -> peers.add(new Peer(nets, List.of(), Optional.empty(), Optional.empty())));
    return peers;
  }

  private static Optional<Peer> peer(Fields fields) {
    Optional<Fields> block = fields.map("ipBlock");
    Optional<Fields> pods = fields.map("podSelector");
    Optional<Fields> namespaces = fields.map("namespaceSelector");
    Optional<Peer> peer;
    if (block.isPresent()) {
      if (pods.isPresent() || namespaces.isPresent()) {
        fields.error("ipBlock", "cannot stand beside podSelector or namespaceSelector");
      }
      peer = block(block.get());
    } else if (pods.isEmpty() && namespaces.isEmpty()) {
      if (!fields.has("podSelector") && !fields.has("namespaceSelector")) {
        fields.error("podSelector", "is missing: a peer has that, namespaceSelector or ipBlock");
      }
      peer = Optional.empty();
    } else {
      // Without a selector of pods, these are all pods of those namespaces.
      Selector selector =
          pods.map(LabelSelectors::read).map(s -> Selector.and(PODS, s)).orElse(PODS);
      peer =
          Optional.of(
              new Peer(
                  List.of(),
                  List.of(),
                  Optional.of(selector),
                  namespaces.map(LabelSelectors::read)));
    }
    fields.finishStrictly();
    return peer;
  }

  private static Optional<Peer> block(Fields fields) {
    Optional<Cidr> cidr =
        fields.required("cidr").isEmpty() ? Optional.empty() : fields.parsed("cidr", Cidr::parse);
    List<Cidr> except =
        fields.list(
            "except",
            text -> {
              Cidr hole = Cidr.parse(text);
              if (cidr.isPresent()
                  && (hole.prefix() <= cidr.get().prefix()
                      || !cidr.get().contains(hole.address()))) {
                throw new IllegalArgumentException(hole + " is not a part of " + cidr.get());
              }
              return hole;
            });
    fields.finishStrictly();
    return cidr.map(net -> new Peer(List.of(net), except, Optional.empty(), Optional.empty()));
  }

  /**
   * Ports of one protocol.
   *
   * @param protocol its number; empty: any
   * @param ports none: all of them
   */
  private record Ports(OptionalInt protocol, List<RulePort> ports) {}

  private static List<Ports> ports(Fields rule) {
    if (rule.items("ports").isEmpty()) {
      return List.of(new Ports(OptionalInt.empty(), List.of()));
    }
    Map<Protocol, List<RulePort>> some = new EnumMap<>(Protocol.class);
    Set<Protocol> whole = java.util.EnumSet.noneOf(Protocol.class);
    rule.maps(
        "ports",
        fields -> {
          Protocol protocol = fields.choice("protocol", Protocol.class, Protocol.TCP);
          Optional<RulePort> port = port(fields);
          if (port.isEmpty()) {
            whole.add(protocol);
          }
          port.ifPresent(p -> some.computeIfAbsent(protocol, k -> new ArrayList<>()).add(p));
          fields.finishStrictly();
          return Optional.empty();
        });
    List<Ports> ports = new ArrayList<>();
    for (Protocol protocol : Protocol.values()) {
      List<RulePort> given = whole.contains(protocol) ? List.of() : some.get(protocol);
      if (given != null) {
        ports.add(new Ports(OptionalInt.of(protocol.number()), given));
      }
    }
    return ports;
  }

  /** Empty where there is none, or where it is wrong, and the document is refused. */
  private static Optional<RulePort> port(Fields fields) {
    Optional<Tree> raw = fields.raw("port");
    boolean named = raw.isPresent() && raw.get() instanceof Tree.Scalar s && isText(s);
    if (fields.has("endPort") && (raw.isEmpty() || named)) {
      fields.error("endPort", "needs a port with a number beside it");
      return Optional.empty();
    }
    if (raw.isEmpty()) {
      return Optional.empty();
    }
    if (named) {
      return fields.parsed("port", KubernetesPolicyBinder::portName).map(Named::new);
    }
    int first = fields.number("port", 1, PortRange.MAX, 0);
    int last = fields.number("endPort", 1, PortRange.MAX, first);
    if (first == 0 || last < first) {
      if (first != 0) {
        fields.error("endPort", last + " is less than port, " + first);
      }
      return Optional.empty();
    }
    return Optional.of(new Numbers(new PortRange(first, last)));
  }

  private static boolean isText(Tree.Scalar scalar) {
    return scalar.type() == Tree.Type.TEXT;
  }

  private static String portName(String text) {
    if (text.matches("[0-9]+")) {
      throw new IllegalArgumentException("\"" + text + "\" is a number, write it without quotes");
    }
    return Checks.portName(text);
  }
}
