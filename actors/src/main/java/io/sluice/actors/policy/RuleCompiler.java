// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.PolicyRule;
import io.sluice.config.model.PolicyRule.Entity;
import io.sluice.config.model.Profile;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.selector.Selector;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Icmp;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Net;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;

/** Makes of a resource's rules what programs need: selectors and names become sets. Pure. */
final class RuleCompiler {
  /** More networks than these in one list are a set: a look-up then costs less than to compare. */
  static final int IMMEDIATE_NETS = 16;

  private static final Comparator<Net> NET_ORDER =
      Comparator.comparing(Net::address).thenComparing(Net::prefix);

  private final ResourceKey key;
  private final String tier;
  private final boolean counting;
  private final ToLongFunction<SetDefinition> setIds;
  private final Map<Direction, Policy> policies = new EnumMap<>(Direction.class);
  private final Set<SetDefinition> sets = new LinkedHashSet<>();
  private final Map<Long, RuleName> names = new HashMap<>();

  private RuleCompiler(
      ResourceKey key, String tier, boolean counting, ToLongFunction<SetDefinition> setIds) {
    this.key = key;
    this.tier = tier;
    this.counting = counting;
    this.setIds = setIds;
  }

  static Compiled compile(
      NetworkPolicy policy, boolean counting, ToLongFunction<SetDefinition> setIds) {
    RuleCompiler compiler = new RuleCompiler(policy.key(), policy.tier(), counting, setIds);
    if (policy.types().contains(Direction.INGRESS)) {
      compiler.add(Direction.INGRESS, policy.ingress());
    }
    if (policy.types().contains(Direction.EGRESS)) {
      compiler.add(Direction.EGRESS, policy.egress());
    }
    return new Compiled(
        policy.key().toString(), compiler.policies, List.copyOf(compiler.sets), compiler.names);
  }

  static Compiled compile(Profile profile, boolean counting, ToLongFunction<SetDefinition> setIds) {
    RuleCompiler compiler = new RuleCompiler(profile.key(), "", counting, setIds);
    compiler.add(Direction.INGRESS, profile.ingress());
    compiler.add(Direction.EGRESS, profile.egress());
    return new Compiled(
        profile.key().toString(), compiler.policies, List.copyOf(compiler.sets), compiler.names);
  }

  /**
   * A profile that allows or says nothing, and has no resource.
   *
   * @param action of its one rule; empty: no rule
   */
  static Compiled builtIn(ResourceKey profile, Optional<Action> action, boolean counting) {
    RuleCompiler compiler = new RuleCompiler(profile, "", counting, set -> 0);
    for (Direction direction : Direction.values()) {
      List<Rule> rules = new ArrayList<>();
      action.ifPresent(a -> rules.add(compiler.rule(direction, 0, a, Match.ALL, "all")));
      compiler.policies.put(direction, new Policy(profile.toString(), rules));
    }
    return new Compiled(profile.toString(), compiler.policies, List.of(), compiler.names);
  }

  /** The selector of endpoints that a policy is for, whatever their kind. */
  static Selector subject(NetworkPolicy policy) {
    List<Selector> parts = new ArrayList<>();
    parts.add(policy.selector());
    if (!policy.meta().namespace().isEmpty()) {
      parts.add(Selector.equal(Selector.NAMESPACE_LABEL, policy.meta().namespace()));
    }
    policy.namespaceSelector().ifPresent(s -> parts.add(s.ofNamespaces()));
    policy.serviceAccountSelector().ifPresent(s -> parts.add(s.ofServiceAccounts()));
    return Selector.and(parts.toArray(new Selector[0]));
  }

  private void add(Direction direction, List<PolicyRule> rules) {
    List<Rule> compiled = new ArrayList<>();
    for (int i = 0; i < rules.size(); i++) {
      PolicyRule rule = rules.get(i);
      Action action = Action.valueOf(rule.action().name());
      compiled.add(rule(direction, i, action, match(rule, direction), RuleText.of(rule)));
    }
    policies.put(direction, new Policy(key.toString(), compiled));
  }

  private Rule rule(Direction direction, int index, Action action, Match match, String text) {
    if (!counting) {
      return new Rule(action, match, 0);
    }
    long id =
        Ids.of(
            "rule %s %s %s %d".formatted(key.kind().name(), key.path(), direction.name(), index));
    names.put(id, new RuleName(key.toString(), tier, direction, index, action, text));
    return new Rule(action, match, id);
  }

  private Match match(PolicyRule rule, Direction direction) {
    return new Match(
        rule.ipVersion().map(v -> v == IpFamily.IPV4 ? Family.IPV4 : Family.IPV6),
        rule.protocol(),
        rule.notProtocol(),
        rule.icmp().map(RuleCompiler::icmp),
        rule.notIcmp().map(RuleCompiler::icmp),
        place(rule.source(), direction == Direction.EGRESS, false),
        place(rule.destination(), direction == Direction.INGRESS, true));
  }

  private static Icmp icmp(PolicyRule.Icmp icmp) {
    return new Icmp(icmp.type(), icmp.code());
  }

  /**
   * @param own whether this end of the packet is the endpoint that the policy is for
   * @param destination whether it is the packet's destination
   */
  private Place place(Entity entity, boolean own, boolean destination) {
    if (entity.equals(Entity.ANY)) {
      return Place.ANY;
    }
    List<Net> nets = new ArrayList<>();
    List<Net> notNets = new ArrayList<>();
    List<Long> with = new ArrayList<>();
    List<Long> without = new ArrayList<>();
    nets(entity.nets(), nets, with);
    nets(entity.notNets(), notNets, without);
    Optional<Selector> who = who(entity);
    who.ifPresent(selector -> with.add(use(new SetDefinition.OfSelector(selector))));
    entity
        .notSelector()
        .ifPresent(selector -> without.add(use(new SetDefinition.OfSelector(selector))));
    List<Long> services = new ArrayList<>();
    entity
        .service()
        .ifPresent(
            service ->
                (destination ? services : with)
                    .add(use(new SetDefinition.OfService(serviceKey(service), destination))));
    Selector named = who.orElseGet(() -> own ? ownNamespace() : Selector.ALL);
    return new Place(
        nets,
        notNets,
        with,
        without,
        numbers(entity.ports()),
        names(entity.ports(), named),
        numbers(entity.notPorts()),
        names(entity.notPorts(), named),
        services);
  }

  private ResourceKey serviceKey(PolicyRule.ServiceRef service) {
    String namespace = service.namespace().isEmpty() ? key.namespace() : service.namespace();
    return new ResourceKey(Kind.SERVICE, namespace, service.name());
  }

  private void nets(List<Cidr> from, List<Net> immediates, List<Long> inSets) {
    List<Net> nets = from.stream().distinct().map(ItemReader::net).sorted(NET_ORDER).toList();
    if (nets.size() <= IMMEDIATE_NETS) {
      immediates.addAll(nets);
    } else {
      inSets.add(use(new SetDefinition.OfNets(nets)));
    }
  }

  /**
   * Whom the end must be one of; empty if the rule does not say. What a policy of a namespace says
   * of labels is about that namespace, unless it names others.
   */
  private Optional<Selector> who(Entity entity) {
    List<Selector> parts = new ArrayList<>();
    entity.selector().ifPresent(parts::add);
    entity
        .serviceAccounts()
        .ifPresent(
            accounts -> {
              if (!accounts.names().isEmpty()) {
                parts.add(Selector.in(Selector.SERVICE_ACCOUNT_LABEL, accounts.names()));
              } else if (accounts.selector().isEmpty()) {
                parts.add(Selector.has(Selector.SERVICE_ACCOUNT_LABEL));
              }
              accounts.selector().ifPresent(s -> parts.add(s.ofServiceAccounts()));
            });
    boolean asksLabels = !parts.isEmpty() || entity.notSelector().isPresent();
    if (entity.namespaceSelector().isPresent()) {
      parts.add(entity.namespaceSelector().get().ofNamespaces());
    } else if (asksLabels && !key.namespace().isEmpty()) {
      parts.add(ownNamespace());
    }
    return parts.isEmpty()
        ? Optional.empty()
        : Optional.of(Selector.and(parts.toArray(new Selector[0])));
  }

  private Selector ownNamespace() {
    return key.namespace().isEmpty()
        ? Selector.ALL
        : Selector.equal(Selector.NAMESPACE_LABEL, key.namespace());
  }

  private static List<Ports> numbers(List<PolicyRule.RulePort> ports) {
    return ports.stream()
        .filter(PolicyRule.Numbers.class::isInstance)
        .map(port -> ((PolicyRule.Numbers) port).range())
        .map(range -> new Ports(range.first(), range.last()))
        .distinct()
        .toList();
  }

  private List<Long> names(List<PolicyRule.RulePort> ports, Selector selector) {
    return ports.stream()
        .filter(PolicyRule.Named.class::isInstance)
        .map(port -> ((PolicyRule.Named) port).name())
        .distinct()
        .map(name -> use(new SetDefinition.OfNamedPort(name, selector)))
        .toList();
  }

  private long use(SetDefinition set) {
    sets.add(set);
    return setIds.applyAsLong(set);
  }
}
