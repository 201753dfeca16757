// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.actors.policy.EndpointPolicy;
import io.sluice.actors.policy.NodePolicy;
import io.sluice.actors.policy.PolicyManager.Running;
import io.sluice.actors.policy.PolicyOrder;
import io.sluice.agent.dump.PolicyRows.CodeRow;
import io.sluice.agent.dump.PolicyRows.EndpointRow;
import io.sluice.agent.dump.PolicyRows.PolicyRow;
import io.sluice.agent.dump.PolicyRows.RuleRow;
import io.sluice.agent.dump.PolicyRows.SetRow;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Resource;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.asm.Disassembler;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.IpSet.Member;
import io.sluice.kernel.policy.IpSet.NetMember;
import io.sluice.kernel.policy.IpSet.PortMember;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Policy as it runs on this node, in rows. Blocks on the kernel where it reads counts or slots.
 *
 * @param running what is enforced
 * @param snapshot the resources
 */
public record PolicyDump(Dataplane dataplane, Running running, Snapshot snapshot) {
  /** The most members of a set that are shown. */
  static final int MEMBERS = 8;

  /** The most members of a set in its own table. */
  static final int ALL_MEMBERS = 1000;

  /** Rows of a table of policy; empty if there is no such table. */
  public Optional<List<?>> rows(String table) {
    return switch (table) {
      case PolicyRows.POLICY -> Optional.of(rules());
      case PolicyRows.SETS -> Optional.of(sets());
      case PolicyRows.POLICIES -> Optional.of(policies());
      case PolicyRows.ENDPOINTS -> Optional.of(endpoints());
      default ->
          table.startsWith(PolicyRows.CODE_PREFIX)
              ? Optional.of(code(table.substring(PolicyRows.CODE_PREFIX.length())))
              : Optional.empty();
    };
  }

  private NodePolicy policy() {
    return running.policy();
  }

  // What is enforced.

  List<RuleRow> rules() {
    Map<Long, Long> hits = dataplane.ruleHits().read();
    List<RuleRow> rows = new ArrayList<>();
    policy()
        .byNic()
        .forEach(
            (nic, endpoint) ->
                plans(endpoint)
                    .forEach(
                        (direction, plan) -> {
                          RowWriter writer = new RowWriter(nic, endpoint, direction, hits, rows);
                          writer.add(plan);
                        }));
    return rows;
  }

  /** Plans by the direction that they are about, seen from the endpoint. */
  private static Map<String, Plan> plans(EndpointPolicy endpoint) {
    boolean host = endpoint.owner().kind() == Kind.HOST_ENDPOINT;
    Map<String, Plan> plans = new java.util.TreeMap<>();
    endpoint.in().ifPresent(plan -> plans.put(host ? "ingress" : "egress", plan));
    endpoint.out().ifPresent(plan -> plans.put(host ? "egress" : "ingress", plan));
    endpoint.untracked().ifPresent(plan -> plans.put("untracked", plan));
    return plans;
  }

  private final class RowWriter {
    private final String nic;
    private final EndpointPolicy endpoint;
    private final String direction;
    private final Map<Long, Long> hits;
    private final List<RuleRow> rows;
    private final MatchText text = new MatchText(policy().sets());
    private String about = "";

    RowWriter(
        String nic,
        EndpointPolicy endpoint,
        String direction,
        Map<Long, Long> hits,
        List<RuleRow> rows) {
      this.nic = nic;
      this.endpoint = endpoint;
      this.direction = direction;
      this.hits = hits;
      this.rows = rows;
    }

    void add(Plan plan) {
      String then = "";
      for (Plan each : plan.inOrder()) {
        for (Plan.Case one : each.cases()) {
          about = then + about(one);
          add(one.chain());
        }
        then = PolicyRows.THEN;
      }
    }

    private void add(Chain chain) {
      for (Tier tier : chain.tiers()) {
        tier.policies().forEach(policy -> add(tier.name(), policy));
        end(tier.name(), tier.end(), tier.endId());
      }
      chain.profiles().forEach(profile -> add("", profile));
      end("", chain.end(), chain.endId());
    }

    private void add(String tier, Policy policy) {
      for (int i = 0; i < policy.rules().size(); i++) {
        Rule rule = policy.rules().get(i);
        List<String> sets =
            MatchText.sets(rule.match()).stream().map(PolicyDump.this::describe).toList();
        row(tier, policy.name(), i, rule.action(), text.of(rule.match()), sets, rule.id());
      }
    }

    private void end(String tier, Action action, long id) {
      row(tier, "", -1, action, "the rest", List.of(), id);
    }

    private void row(
        String tier,
        String policy,
        int rule,
        Action action,
        String match,
        List<String> sets,
        long id) {
      rows.add(
          new RuleRow(
              nic,
              endpoint.owner().toString(),
              direction,
              about,
              tier,
              policy,
              rule,
              action.name().toLowerCase(Locale.ROOT),
              id == 0 ? -1 : hits.getOrDefault(id, 0L),
              match,
              sets));
    }
  }

  private static String about(Plan.Case one) {
    return one.mask() == 0 ? "all" : PktFlags.describe(one.value());
  }

  private String describe(long id) {
    IpSet set = policy().sets().get(id);
    if (set == null) {
      return Long.toHexString(id) + ": not known";
    }
    List<String> first = members(set, MEMBERS);
    String more = set.members().size() > first.size() ? " ..." : "";
    return "%s: %d: %s%s"
        .formatted(set.definition(), set.members().size(), String.join(" ", first), more);
  }

  private static List<String> members(IpSet set, int most) {
    return set.members().stream()
        .sorted(Comparator.comparing(PolicyDump::address).thenComparing(PolicyDump::text))
        .limit(most)
        .map(PolicyDump::text)
        .toList();
  }

  private static io.sluice.kernel.layout.Ip address(Member member) {
    return member instanceof NetMember net ? net.net().address() : ((PortMember) member).address();
  }

  private static String text(Member member) {
    if (member instanceof PortMember port) {
      return FlowRow.protocol(port.protocol())
          + ":"
          + FlowRow.endpoint(port.address(), port.port());
    }
    return ((NetMember) member).net().toString();
  }

  List<SetRow> sets() {
    return policy().sets().values().stream()
        .sorted(Comparator.comparing(IpSet::definition))
        .map(
            set ->
                new SetRow(
                    "%016x".formatted(set.id()),
                    set.definition(),
                    set.members().size(),
                    members(set, ALL_MEMBERS)))
        .toList();
  }

  // Policies and endpoints.

  List<PolicyRow> policies() {
    Map<String, Set<String>> nics = new HashMap<>();
    policy()
        .byNic()
        .forEach(
            (nic, endpoint) ->
                plans(endpoint)
                    .values()
                    .forEach(
                        plan ->
                            names(plan)
                                .forEach(
                                    name ->
                                        nics.computeIfAbsent(name, n -> new LinkedHashSet<>())
                                            .add(nic))));
    return PolicyOrder.of(snapshot.resources()::get)
        .sorted(snapshot.all(NetworkPolicy.class))
        .stream()
        .map(
            policy ->
                new PolicyRow(
                    policy.key().toString(),
                    policy.tier(),
                    policy.order().isPresent() ? number(policy.order().getAsDouble()) : "",
                    policy.types().stream().map(Object::toString).sorted().toList(),
                    PolicyOrder.subject(policy).text(),
                    List.copyOf(nics.getOrDefault(policy.key().toString(), Set.of()))))
        .toList();
  }

  private static String number(double order) {
    return order == Math.rint(order) ? Long.toString((long) order) : Double.toString(order);
  }

  /** The policies of a plan's tiers, in order. */
  private static Set<String> names(Plan plan) {
    Set<String> names = new LinkedHashSet<>();
    plan.chains()
        .forEach(
            chain ->
                chain.tiers().forEach(tier -> tier.policies().forEach(p -> names.add(p.name()))));
    return names;
  }

  List<EndpointRow> endpoints() {
    Map<String, Integer> flags = new HashMap<>();
    dataplane.ifaces().forEach((ifindex, iface) -> flags.put(iface.name(), iface.flags()));
    List<EndpointRow> rows = new ArrayList<>();
    policy()
        .byNic()
        .forEach(
            (nic, endpoint) -> {
              Map<String, Plan> plans = plans(endpoint);
              rows.add(
                  new EndpointRow(
                      nic,
                      endpoint.owner().toString(),
                      addresses(snapshot.resources().get(endpoint.owner())),
                      ready(flags.getOrDefault(nic, 0)),
                      namesOf(plans.get("ingress")),
                      namesOf(plans.get("egress"))));
            });
    return rows;
  }

  private static List<String> namesOf(Plan plan) {
    return plan == null ? List.of() : List.copyOf(names(plan));
  }

  private static List<String> ready(int flags) {
    List<String> ready = new ArrayList<>();
    if ((flags & IfaceFlags.IFACE_READY4) != 0) {
      ready.add("v4");
    }
    if ((flags & IfaceFlags.IFACE_READY6) != 0) {
      ready.add("v6");
    }
    return ready;
  }

  private static List<String> addresses(Resource owner) {
    if (owner instanceof Pod pod) {
      return pod.podIps().stream().map(Object::toString).toList();
    }
    return owner instanceof WorkloadEndpoint endpoint
        ? endpoint.ipNetworks().stream().map(net -> net.address().toString()).toList()
        : List.of();
  }

  // Programs.

  /**
   * An interface's programs, made again from what they were made of: the name, which is a hash of
   * the instructions, says whether the kernel has the same.
   */
  List<CodeRow> code(String nic) {
    EndpointPolicy endpoint = policy().byNic().get(nic);
    if (endpoint == null) {
      return List.of();
    }
    boolean host = endpoint.owner().kind() == Kind.HOST_ENDPOINT;
    List<CodeRow> rows = new ArrayList<>();
    endpoint
        .in()
        .ifPresent(p -> code(rows, nic, host ? "ingress" : "egress", SluiceHook.HOOK_IN, p));
    endpoint
        .out()
        .ifPresent(p -> code(rows, nic, host ? "egress" : "ingress", SluiceHook.HOOK_OUT, p));
    return rows;
  }

  private void code(List<CodeRow> rows, String nic, String direction, int hook, Plan plan) {
    PolicyProgram program = PolicyGenerator.generate(plan);
    var slots = running.slots().get(nic);
    int slot = slots == null ? 0 : hook == SluiceHook.HOOK_IN ? slots.in() : slots.out();
    boolean inForce = slot != 0 && program.name().equals(dataplane.policies(hook).get(slot));
    for (int piece = 0; piece < program.pieces().size(); piece++) {
      rows.add(
          new CodeRow(
              nic,
              direction,
              program.name(),
              piece,
              inForce,
              Disassembler.print(program.pieces().get(piece))));
    }
  }
}
