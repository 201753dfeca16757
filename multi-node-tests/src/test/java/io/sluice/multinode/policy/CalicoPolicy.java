// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static io.sluice.multinode.policy.World.map;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** projectcalico.org/v3 GlobalNetworkPolicy, or NetworkPolicy, put together word by word. */
final class CalicoPolicy implements Policy {
  private final String namespace;
  private final String name;
  private String tier = World.DEFAULT.name();
  private Double order;
  private Sel selector;
  private Sel namespaceSelector;
  private Sel accountSelector;
  private Set<Direction> types;
  private final List<CalicoRule> ingress = new ArrayList<>();
  private final List<CalicoRule> egress = new ArrayList<>();

  private CalicoPolicy(String namespace, String name) {
    this.namespace = namespace;
    this.name = name;
  }

  static CalicoPolicy global(String name) {
    return new CalicoPolicy(null, name);
  }

  static CalicoPolicy in(String namespace, String name) {
    return new CalicoPolicy(namespace, name);
  }

  CalicoPolicy tier(String one) {
    tier = one;
    return this;
  }

  CalicoPolicy order(double number) {
    order = number;
    return this;
  }

  CalicoPolicy selector(Sel sel) {
    selector = sel;
    return this;
  }

  CalicoPolicy namespaces(Sel sel) {
    namespaceSelector = sel;
    return this;
  }

  CalicoPolicy accounts(Sel sel) {
    accountSelector = sel;
    return this;
  }

  CalicoPolicy types(Direction first, Direction... rest) {
    types = EnumSet.of(first, rest);
    return this;
  }

  CalicoPolicy ingress(CalicoRule... rules) {
    ingress.addAll(List.of(rules));
    return this;
  }

  CalicoPolicy egress(CalicoRule... rules) {
    egress.addAll(List.of(rules));
    return this;
  }

  @Override
  public String tier() {
    return tier;
  }

  @Override
  public double order() {
    return order == null ? Double.POSITIVE_INFINITY : order;
  }

  @Override
  public String key() {
    return (namespace == null ? "gnp/" : "np/" + namespace + "/") + name;
  }

  @Override
  public boolean selects(World world, World.Host pod) {
    String there = pod.pod().namespace();
    String account = pod.pod().serviceAccount();
    Map<String, String> accountLabels =
        account.equals("default") ? Map.of() : Map.of("account", account);
    return (namespace == null || namespace.equals(there))
        && (namespaceSelector == null || namespaceSelector.matches(world.namespaceLabels(there)))
        && (accountSelector == null || accountSelector.matches(accountLabels))
        && (selector == null || selector.matches(CalicoRule.podLabels(pod)));
  }

  @Override
  public boolean decides(Direction direction) {
    if (types != null) {
      return types.contains(direction);
    }
    // Ingress, too, where there are no rules at all.
    return direction == Direction.EGRESS
        ? !egress.isEmpty()
        : !ingress.isEmpty() || egress.isEmpty();
  }

  @Override
  public Verdict judge(World world, Direction direction, Flow flow) {
    for (CalicoRule rule : direction == Direction.INGRESS ? ingress : egress) {
      if (!rule.action().equals("Log") && rule.matches(world, namespace, flow)) {
        return Verdict.valueOf(rule.action().toUpperCase(Locale.ROOT));
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
    boolean named = tier.equals(World.DEFAULT.name());
    return World.document(
        "projectcalico.org/v3",
        namespace == null ? "GlobalNetworkPolicy" : "NetworkPolicy",
        map("name", named ? name : tier + "." + name, "namespace", namespace),
        map(
            "tier",
            named ? null : tier,
            "order",
            order,
            "selector",
            CalicoRule.text(selector),
            "namespaceSelector",
            CalicoRule.text(namespaceSelector),
            "serviceAccountSelector",
            CalicoRule.text(accountSelector),
            "types",
            said,
            "ingress",
            ingress.isEmpty() ? null : ingress.stream().map(CalicoRule::yaml).toList(),
            "egress",
            egress.isEmpty() ? null : egress.stream().map(CalicoRule::yaml).toList()));
  }
}
