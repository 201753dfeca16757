// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.PolicyRule;
import io.sluice.config.model.PolicyRule.Action;
import io.sluice.config.model.PolicyRule.Entity;
import io.sluice.config.model.PolicyRule.Icmp;
import io.sluice.config.model.PolicyRule.Named;
import io.sluice.config.model.PolicyRule.Numbers;
import io.sluice.config.model.PolicyRule.RulePort;
import io.sluice.config.text.Text;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Reads a rule of projectcalico.org/v3, and finds what contradicts itself in it. */
final class RuleBinder {
  /** More rules than that in one policy are a mistake, or an attack. */
  static final int MOST_RULES = 1 << 16;

  static final int ICMP = 1;
  static final int ICMP6 = 58;

  /** Protocols with ports that rules can match. */
  private static final Set<Integer> WITH_PORTS = Set.of(6, 17, 132);

  private static final Map<String, Integer> PROTOCOLS = new LinkedHashMap<>();

  static {
    PROTOCOLS.put("TCP", 6);
    PROTOCOLS.put("UDP", 17);
    PROTOCOLS.put("ICMP", ICMP);
    PROTOCOLS.put("ICMPv6", ICMP6);
    PROTOCOLS.put("SCTP", 132);
    PROTOCOLS.put("UDPLite", 136);
  }

  /**
   * Where a rule is.
   *
   * @param profile whether in a profile, after which nothing is asked
   * @param untracked whether it is asked before conntrack
   * @param namespace of its policy; empty: none
   */
  record Place(Direction direction, boolean profile, boolean untracked, String namespace) {}

  private RuleBinder() {}

  /** The rules of both lists; false, and said, if there are too many to read. */
  static boolean countable(Fields spec) {
    long rules = spec.items("ingress").size() + (long) spec.items("egress").size();
    if (rules > MOST_RULES) {
      String longer =
          spec.items("ingress").size() >= spec.items("egress").size() ? "ingress" : "egress";
      spec.error(longer, tooMany(rules));
    }
    return rules <= MOST_RULES;
  }

  static String tooMany(long rules) {
    return rules + " rules are more than the " + MOST_RULES + " that one policy can have";
  }

  static List<PolicyRule> rules(Fields spec, String name, Place place) {
    return spec.maps(name, fields -> Optional.of(rule(fields, place)));
  }

  private static PolicyRule rule(Fields fields, Place place) {
    fields.required("action");
    Action action = fields.choice("action", Action.class, Action.DENY);
    if (action == Action.PASS && place.profile()) {
      fields.error("action", "Pass leads nowhere: profiles are what is asked last");
    }
    if (fields.has("http")) {
      fields.error("http", "is not supported: nothing would enforce it");
    }
    OptionalInt protocol = protocol(fields, "protocol");
    Entity source =
        fields.map("source").map(f -> EntityBinder.entity(f, true, place)).orElse(Entity.ANY);
    Entity destination =
        fields.map("destination").map(f -> EntityBinder.entity(f, false, place)).orElse(Entity.ANY);
    checkPorts(fields, "source", source, protocol, place);
    checkPorts(fields, "destination", destination, protocol, place);
    PolicyRule rule =
        new PolicyRule(
            action,
            family(fields, protocol, source, destination),
            protocol,
            protocol(fields, "notProtocol"),
            icmp(fields, "icmp", protocol),
            icmp(fields, "notICMP", protocol),
            source,
            destination,
            annotations(fields));
    fields.finishStrictly();
    return rule;
  }

  private static Map<String, String> annotations(Fields fields) {
    Fields metadata = fields.mapOrEmpty("metadata");
    Map<String, String> annotations = metadata.texts("annotations");
    metadata.finish();
    return annotations;
  }

  /** By name, in any case, or by number. */
  private static OptionalInt protocol(Fields fields, String name) {
    Optional<Tree> raw = fields.raw(name);
    if (raw.isEmpty()) {
      return OptionalInt.empty();
    }
    String text = raw.get() instanceof Tree.Scalar s ? s.text() : "";
    for (Map.Entry<String, Integer> protocol : PROTOCOLS.entrySet()) {
      if (protocol.getKey().equalsIgnoreCase(text)) {
        return OptionalInt.of(protocol.getValue());
      }
    }
    if (text.matches("[1-9][0-9]{0,2}") && Integer.parseInt(text) <= 255) {
      return OptionalInt.of(Integer.parseInt(text));
    }
    fields.error(
        name,
        (raw.get() instanceof Tree.Scalar ? Text.quote(text) : raw.get().what())
            + " is none of "
            + String.join(", ", PROTOCOLS.keySet())
            + ", and not a number in 1..255");
    return OptionalInt.empty();
  }

  /** As people call it. */
  private static String protocolName(int number) {
    return PROTOCOLS.entrySet().stream()
        .filter(e -> e.getValue() == number)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse(Integer.toString(number));
  }

  private static Optional<Icmp> icmp(Fields rule, String name, OptionalInt protocol) {
    Optional<Fields> given = rule.map(name);
    if (given.isEmpty()) {
      return Optional.empty();
    }
    Fields fields = given.get();
    int type = fields.number("type", 0, 255, -1);
    int code = fields.number("code", 0, 255, -1);
    if (fields.has("code") && !fields.has("type")) {
      fields.error("code", "needs a type beside it");
    }
    int number = protocol.orElse(0);
    if (number != ICMP && number != ICMP6) {
      rule.error(name, "needs protocol ICMP or ICMPv6");
    }
    fields.finishStrictly();
    return type < 0
        ? Optional.empty()
        : Optional.of(new Icmp(type, code < 0 ? OptionalInt.empty() : OptionalInt.of(code)));
  }

  private static void checkPorts(
      Fields rule, String side, Entity entity, OptionalInt protocol, Place place) {
    Fields fields = rule.mapOrEmpty(side);
    for (String name : List.of("ports", "notPorts")) {
      List<RulePort> ports = name.equals("ports") ? entity.ports() : entity.notPorts();
      if (ports.isEmpty()) {
        continue;
      }
      if (protocol.isEmpty() && !rule.has("protocol")) {
        fields.error(name, "needs protocol TCP, UDP or SCTP in the rule");
      } else if (protocol.isPresent() && !WITH_PORTS.contains(protocol.getAsInt())) {
        fields.error(
            name,
            "protocol " + protocolName(protocol.getAsInt()) + " has none that can be matched");
      }
      if (place.untracked() && ports.stream().anyMatch(Named.class::isInstance)) {
        fields.error(name, "a policy with doNotTrack cannot have ports by name, write numbers");
      }
    }
    if (!entity.ports().isEmpty()
        && entity.ports().stream()
            .allMatch(port -> entity.notPorts().stream().anyMatch(not -> covers(not, port)))) {
      fields.error("ports", "are all among notPorts: the rule would never match");
    }
  }

  private static boolean covers(RulePort outer, RulePort inner) {
    return outer.equals(inner)
        || outer instanceof Numbers all
            && inner instanceof Numbers some
            && all.range().first() <= some.range().first()
            && some.range().last() <= all.range().last();
  }

  /** The one family that a rule can match, by its version, its protocol or its nets. */
  private static Optional<IpFamily> family(
      Fields rule, OptionalInt protocol, Entity source, Entity destination) {
    Families families = new Families();
    int version = rule.number("ipVersion", 4, 6, 0);
    if (version == 5) {
      rule.error("ipVersion", "5 is neither 4 nor 6");
    } else if (version != 0) {
      families.take(
          rule, "ipVersion", version == 4 ? IpFamily.IPV4 : IpFamily.IPV6, "ipVersion " + version);
    }
    int number = protocol.orElse(0);
    if (number == ICMP || number == ICMP6) {
      families.take(
          rule,
          "protocol",
          number == ICMP ? IpFamily.IPV4 : IpFamily.IPV6,
          "protocol " + protocolName(number));
    }
    families.take(rule.mapOrEmpty("source"), source);
    families.take(rule.mapOrEmpty("destination"), destination);
    return families.family();
  }

  /** Holds what a rule has said of its family, and reports what contradicts it. */
  private static final class Families {
    private Optional<IpFamily> family = Optional.empty();
    private String because = "";

    Optional<IpFamily> family() {
      return family;
    }

    void take(Fields fields, Entity entity) {
      take(fields, "nets", entity.nets());
      take(fields, "notNets", entity.notNets());
    }

    private void take(Fields fields, String name, List<Cidr> nets) {
      for (Cidr net : nets) {
        if (!take(fields, name, net.family(), net.toString())) {
          return;
        }
      }
    }

    boolean take(Fields fields, String name, IpFamily said, String what) {
      if (family.isEmpty()) {
        family = Optional.of(said);
        because = what;
      } else if (family.get() != said) {
        fields.error(
            name,
            what
                + " is "
                + said
                + ", "
                + because
                + " is "
                + family.get()
                + ": one rule cannot match both");
        return false;
      }
      return true;
    }
  }
}
