// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.NetworkSet;
import io.sluice.config.model.PolicyRule;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Profile;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.Tier;
import io.sluice.config.model.WorkloadEndpoint.EndpointPort;
import io.sluice.config.selector.Selector;
import io.sluice.config.text.Text;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Reads the kinds of projectcalico.org/v3 that say what is allowed. A field that Sluice does not
 * know is an error here: without it more could be allowed than was meant.
 */
final class PolicyBinders {
  /** How an endpoint is called that stands for all interfaces of its node. */
  private static final String ALL_INTERFACES = "*";

  private enum EndOfTier {
    Deny,
    Pass
  }

  private PolicyBinders() {}

  static Optional<NetworkPolicy> globalNetworkPolicy(Fields root, MetaBinder.Bound meta) {
    Fields spec = spec(root);
    boolean doNotTrack = spec.flag("doNotTrack", false);
    boolean preDnat = spec.flag("preDNAT", false);
    boolean applyOnForward = spec.flag("applyOnForward", false);
    if (doNotTrack && preDnat) {
      spec.error("preDNAT", "cannot be beside doNotTrack: a policy is asked at one place");
    }
    if ((doNotTrack || preDnat) && !applyOnForward) {
      spec.error("applyOnForward", "must be true with " + (doNotTrack ? "doNotTrack" : "preDNAT"));
    }
    Optional<Selector> namespaces = spec.parsed("namespaceSelector", EntityBinder::selector);
    NetworkPolicy policy =
        policy(
            spec,
            meta,
            Kind.GLOBAL_NETWORK_POLICY,
            new Stages(namespaces, doNotTrack, preDnat, applyOnForward));
    if (preDnat && policy.types().contains(Direction.EGRESS)) {
      spec.error(
          spec.has("types") ? "types" : "egress",
          "preDNAT is asked on the way in alone, no Egress");
    } else if (preDnat && !spec.items("egress").isEmpty()) {
      spec.error("egress", "preDNAT is asked on the way in alone, no egress rules");
    }
    if (doNotTrack && policy.types().contains(Direction.EGRESS)) {
      judgeUntrackedEgress(spec, policy);
    }
    return Optional.of(policy);
  }

  /** Programs ask untracked policies before conntrack on the way in alone: XDP sees no other. */
  private static void judgeUntrackedEgress(Fields spec, NetworkPolicy policy) {
    if (policy.egress().stream().anyMatch(rule -> rule.action() == PolicyRule.Action.DENY)) {
      spec.error(
          "egress",
          "a Deny beside doNotTrack would not be enforced, put it into a policy of its own without doNotTrack");
    } else if (!policy.egress().isEmpty()) {
      spec.ignored("egress", "has no effect beside doNotTrack: answers of untracked flows pass");
    }
  }

  static Optional<NetworkPolicy> networkPolicy(Fields root, MetaBinder.Bound meta) {
    Fields spec = spec(root);
    for (String flag : List.of("doNotTrack", "preDNAT", "applyOnForward")) {
      if (spec.flag(flag, false)) {
        spec.error(flag, "is for a GlobalNetworkPolicy alone: host endpoints have no namespace");
      }
    }
    if (spec.has("namespaceSelector")) {
      spec.error("namespaceSelector", "is for a GlobalNetworkPolicy alone");
    }
    Stages stages = new Stages(Optional.empty(), false, false, false);
    return Optional.of(policy(spec, meta, Kind.CALICO_NETWORK_POLICY, stages));
  }

  /** What a global policy can say besides. */
  private record Stages(
      Optional<Selector> namespaces, boolean doNotTrack, boolean preDnat, boolean applyOnForward) {}

  /** A policy without a spec would deny everything to everybody: hardly what its author means. */
  private static Fields spec(Fields root) {
    if (!root.has("spec")) {
      root.error("spec", "is missing");
    }
    return root.mapOrEmpty("spec");
  }

  private static NetworkPolicy policy(
      Fields spec, MetaBinder.Bound meta, Kind kind, Stages stages) {
    String tier = spec.text("tier");
    boolean countable = RuleBinder.countable(spec);
    String namespace = meta.meta().namespace();
    Set<Direction> types = types(spec, "types");
    if (types.isEmpty()) {
      boolean out = !spec.items("egress").isEmpty();
      if (!out || !spec.items("ingress").isEmpty()) {
        types.add(Direction.INGRESS);
      }
      if (out) {
        types.add(Direction.EGRESS);
      }
    }
    NetworkPolicy policy =
        new NetworkPolicy(
            meta.meta(),
            kind,
            tier.isEmpty() ? NetworkPolicy.DEFAULT_TIER : tier,
            spec.decimal("order"),
            spec.parsed("selector", EntityBinder::selector).orElse(Selector.ALL),
            stages.namespaces(),
            spec.parsed("serviceAccountSelector", EntityBinder::selector),
            types,
            countable ? rules(spec, Direction.INGRESS, types, stages, namespace) : List.of(),
            countable ? rules(spec, Direction.EGRESS, types, stages, namespace) : List.of(),
            stages.doNotTrack(),
            stages.preDnat(),
            stages.applyOnForward());
    spec.skip("performanceHints");
    spec.finishStrictly();
    return policy;
  }

  /** The directions of a list; none if it is absent. */
  static Set<Direction> types(Fields spec, String name) {
    Set<Direction> types = EnumSet.noneOf(Direction.class);
    types.addAll(
        spec.list(
            name,
            text -> {
              for (Direction direction : Direction.values()) {
                if (direction.toString().equals(text)) {
                  return direction;
                }
              }
              throw new IllegalArgumentException(Text.quote(text) + " is none of Ingress, Egress");
            }));
    return types;
  }

  /** Says so if there are rules for a direction that a policy does not decide on. */
  static void warnOfIdleRules(Fields spec, Direction direction, Set<Direction> types, String of) {
    String name = direction == Direction.INGRESS ? "ingress" : "egress";
    if (!types.contains(direction) && !spec.items(name).isEmpty()) {
      spec.warning(name, "has no effect: " + of + " is without " + direction);
    }
  }

  private static List<PolicyRule> rules(
      Fields spec, Direction direction, Set<Direction> types, Stages stages, String namespace) {
    String name = direction == Direction.INGRESS ? "ingress" : "egress";
    List<PolicyRule> rules =
        RuleBinder.rules(
            spec, name, new RuleBinder.Place(direction, false, stages.doNotTrack(), namespace));
    warnOfIdleRules(spec, direction, types, "types");
    return types.contains(direction) ? rules : List.of();
  }

  static Optional<Tier> tier(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    OptionalDouble order = spec.decimal("order");
    if (!spec.has("order") && meta.meta().name().equals(NetworkPolicy.DEFAULT_TIER)) {
      order = OptionalDouble.of(Tier.DEFAULT_ORDER);
    }
    Tier tier =
        new Tier(
            meta.meta(),
            order,
            spec.choice("defaultAction", EndOfTier.class, EndOfTier.Deny) == EndOfTier.Pass);
    spec.finishStrictly();
    return Optional.of(tier);
  }

  static Optional<NetworkSet> networkSet(Fields root, MetaBinder.Bound meta) {
    return set(root, meta, Kind.NETWORK_SET);
  }

  static Optional<NetworkSet> globalNetworkSet(Fields root, MetaBinder.Bound meta) {
    return set(root, meta, Kind.GLOBAL_NETWORK_SET);
  }

  private static Optional<NetworkSet> set(Fields root, MetaBinder.Bound meta, Kind kind) {
    Fields spec = root.mapOrEmpty("spec");
    NetworkSet set = new NetworkSet(meta.meta(), kind, spec.list("nets", Cidr::parseNetwork));
    spec.finishStrictly();
    return Optional.of(set);
  }

  static Optional<HostEndpoint> hostEndpoint(Fields root, MetaBinder.Bound meta) {
    Fields spec = spec(root);
    HostEndpoint endpoint =
        new HostEndpoint(
            meta.meta(),
            spec.required("node"),
            spec.parsed(
                    "interfaceName",
                    text -> text.equals(ALL_INTERFACES) ? text : Checks.interfaceName(text))
                .orElse(""),
            spec.list("expectedIPs", Checks::unicast),
            spec.list("profiles", name -> name),
            spec.maps("ports", PolicyBinders::port));
    if (spec.text("interfaceName").isEmpty() && spec.items("expectedIPs").isEmpty()) {
      spec.error("interfaceName", "is missing, and expectedIPs is, too: which interface is it?");
    }
    spec.finishStrictly();
    return Optional.of(endpoint);
  }

  private static Optional<EndpointPort> port(Fields fields) {
    fields.required("name");
    if (!fields.has("port")) {
      fields.error("port", "is missing");
    }
    EndpointPort port =
        new EndpointPort(
            fields.parsed("name", Checks::portName).orElse(""),
            Protocol.valueOf(CalicoBinders.protocolName(fields)),
            fields.number("port", 1, PortRange.MAX, 0),
            0,
            "");
    fields.finishStrictly();
    return Optional.of(port);
  }

  static Optional<Profile> profile(Fields root, MetaBinder.Bound meta) {
    Fields spec = root.mapOrEmpty("spec");
    boolean countable = RuleBinder.countable(spec);
    Profile profile =
        new Profile(
            meta.meta(),
            spec.texts("labelsToApply"),
            countable ? profileRules(spec, "ingress", Direction.INGRESS) : List.of(),
            countable ? profileRules(spec, "egress", Direction.EGRESS) : List.of());
    spec.finishStrictly();
    return Optional.of(profile);
  }

  private static List<PolicyRule> profileRules(Fields spec, String name, Direction direction) {
    return RuleBinder.rules(spec, name, new RuleBinder.Place(direction, true, false, ""));
  }
}
