// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.policy.Blueprint.TierOf;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FailsafePort;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Net;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Makes plans of blueprints: one for all that are equal, as long as somebody uses it. */
final class PlanMaker {
  /** The name of the tier in which failsafe ports come before all others. */
  static final String FAILSAFE = "failsafe";

  private final PolicySettings settings;
  private final Map<Blueprint, Made> made = new HashMap<>();

  /** A plan with the names of what in it is no policy's: ends and failsafes. */
  private record Made(Plan plan, Map<Long, RuleName> names) {}

  PlanMaker(PolicySettings settings) {
    this.settings = settings;
  }

  /**
   * @param former what is in force; stays if the blueprint means the same
   */
  Plan plan(Blueprint blueprint, Optional<Plan> former) {
    Plan plan = made.computeIfAbsent(blueprint, b -> new Work(b).make()).plan;
    return former.filter(plan::equals).orElse(plan);
  }

  Map<Long, RuleName> names(Blueprint blueprint) {
    return made.get(blueprint).names;
  }

  /** Forgets all others. */
  void retain(Set<Blueprint> used) {
    made.keySet().retainAll(used);
  }

  private final class Work {
    private final Blueprint blueprint;
    private final Direction direction;
    private final Map<Long, RuleName> names = new HashMap<>();

    Work(Blueprint blueprint) {
      this.blueprint = blueprint;
      this.direction =
          switch (blueprint.shape()) {
            case WORKLOAD_OUT, HOST_IN, UNTRACKED -> Direction.INGRESS;
            case WORKLOAD_IN, HOST_OUT -> Direction.EGRESS;
          };
    }

    Made make() {
      Plan plan =
          switch (blueprint.shape()) {
            case WORKLOAD_IN -> fromWorkload();
            // A node reaches its own pods always: its packets to them are not asked about.
            case WORKLOAD_OUT -> Plan.of(normal("workload", List.of()));
            case HOST_IN ->
                new Plan(
                    List.of(
                        on(PktFlags.PKT_PRE_DNAT, lenient(blueprint.preDnat())),
                        on(PktFlags.PKT_DST_HOST, host()),
                        otherwise(forward())));
            case HOST_OUT ->
                new Plan(List.of(on(PktFlags.PKT_SRC_HOST, host()), otherwise(forward())));
            case UNTRACKED -> Plan.untracked(lenient(blueprint.normal()));
          };
      return new Made(plan, names);
    }

    private Plan fromWorkload() {
      List<Plan.Case> cases = new ArrayList<>();
      if (settings.toHost() == Choices.HostAction.DROP) {
        long id = end("defaultEndpointToHostAction", "", Action.DENY);
        cases.add(on(PktFlags.PKT_DST_HOST, new Chain(List.of(), List.of(), Action.DENY, id)));
      }
      cases.add(otherwise(normal("workload", List.of())));
      return new Plan(cases, blueprint.ofHost().map(this::toHost));
    }

    /** What a host endpoint says of what a workload, which has been asked, sends to the host. */
    private Plan toHost(Blueprint host) {
      Work its = new Work(host);
      Chain chain = its.host();
      names.putAll(its.names);
      return new Plan(List.of(on(PktFlags.PKT_DST_HOST, chain), otherwise(Chain.ALLOW_ALL)));
    }

    private Plan.Case on(int flag, Chain chain) {
      return new Plan.Case(flag, flag, chain);
    }

    private Plan.Case otherwise(Chain chain) {
      return new Plan.Case(0, 0, chain);
    }

    private Chain normal(String kind, List<Tier> first) {
      List<Tier> tiers = new ArrayList<>(first);
      blueprint.normal().forEach(tier -> tiers.add(tier(tier)));
      List<Policy> profiles =
          blueprint.profiles().stream()
              .map(profile -> profile.policy(direction))
              .flatMap(Optional::stream)
              .filter(profile -> !profile.rules().isEmpty())
              .toList();
      return new Chain(
          tiers, profiles, Action.DENY, end("end of the profiles of a " + kind, "", Action.DENY));
    }

    private Chain host() {
      return normal("host", failsafeTier());
    }

    private Chain forward() {
      return new Chain(
          blueprint.forward().stream().map(this::tier).toList(), List.of(), Action.ALLOW, 0);
    }

    /** Tiers that decide where a rule does, and leave all else, and failsafes, to what follows. */
    private Chain lenient(List<TierOf> tiers) {
      if (tiers.isEmpty()) {
        return Chain.PASS_ALL;
      }
      List<Tier> asked = new ArrayList<>();
      for (TierOf tier : tiers) {
        List<Policy> policies = new ArrayList<>(failsafes(Action.PASS));
        policies.addAll(policies(tier));
        asked.add(new Tier(tier.name(), policies, Action.PASS, 0));
      }
      return new Chain(asked, List.of(), Action.PASS, 0);
    }

    private Tier tier(TierOf tier) {
      long id = end("end of tier " + tier.name(), tier.name(), tier.end());
      return new Tier(tier.name(), policies(tier), tier.end(), id);
    }

    private List<Policy> policies(TierOf tier) {
      return tier.policies().stream()
          .map(policy -> policy.policy(direction))
          .flatMap(Optional::stream)
          .toList();
    }

    private List<Tier> failsafeTier() {
      List<Policy> failsafes = failsafes(Action.ALLOW);
      return failsafes.isEmpty()
          ? List.of()
          : List.of(new Tier(FAILSAFE, failsafes, Action.PASS, 0));
    }

    private List<Policy> failsafes(Action action) {
      boolean in = direction == Direction.INGRESS;
      String setting = in ? "failsafeInboundHostPorts" : "failsafeOutboundHostPorts";
      List<FailsafePort> ports = in ? settings.failsafeIn() : settings.failsafeOut();
      List<Rule> rules = new ArrayList<>();
      for (FailsafePort port : ports) {
        long id =
            name(
                "failsafe " + port,
                new RuleName(setting, FAILSAFE, direction, rules.size(), action, port.toString()));
        rules.add(new Rule(action, match(port, in), id));
      }
      return rules.isEmpty() ? List.of() : List.of(new Policy(setting, rules));
    }

    private Match match(FailsafePort port, boolean in) {
      List<Net> peers = port.net().map(ItemReader::net).map(List::of).orElse(List.of());
      List<Ports> ports = List.of(new Ports(port.port(), port.port()));
      Place source = in ? Place.of(peers, List.of(), List.of()) : Place.ANY;
      return Match.of(
          OptionalInt.of(port.protocol().number()),
          source,
          Place.of(in ? List.of() : peers, List.of(), ports));
    }

    private long end(String what, String tier, Action action) {
      return name(what, new RuleName(what, tier, direction, RuleName.END, action, ""));
    }

    private long name(String what, RuleName name) {
      if (!settings.counting()) {
        return 0;
      }
      long id = Ids.of(what + " " + name.direction().name() + " " + name.action());
      names.put(id, name);
      return id;
    }
  }
}
