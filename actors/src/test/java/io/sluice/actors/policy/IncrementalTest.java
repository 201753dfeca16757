// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static io.sluice.actors.policy.World.calico;
import static io.sluice.actors.policy.World.document;
import static io.sluice.actors.policy.World.kubernetes;
import static io.sluice.actors.policy.World.namespace;
import static io.sluice.actors.policy.World.pod;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.ResourceKey;
import io.sluice.config.settings.Choices;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.Plan;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What changes and what stays: the same result as from nothing, for the price of the change. */
class IncrementalTest {
  private static final String[] NAMESPACES = {"x", "y", "z"};
  private static final String[] LABELS = {"a: '1'", "a: '2'", "b: '1'", "a: '1', b: '2'", ""};
  private static final String[] SELECTORS = {
    "all()",
    "a == '1'",
    "has(b)",
    "!has(a)",
    "a != '2'",
    "a in {'1', '2'} && b == '2'",
    "b == '1' || a == '2'"
  };
  private static final String[] ACTIONS = {"Allow", "Deny", "Pass", "Log"};

  private final Random random = new Random();

  private String any(String... of) {
    return of[random.nextInt(of.length)];
  }

  private String selector() {
    return any(SELECTORS).replace("'", "\"");
  }

  /** One edit of a small world, so that edits meet. */
  private void edit(World world) {
    int i = random.nextInt(4);
    switch (random.nextInt(11)) {
      case 0 -> world.put(namespace(any(NAMESPACES), any(LABELS)));
      case 1, 2 ->
          world.put(
              pod(
                  any(NAMESPACES),
                  "p" + i,
                  any(World.NODE, "node2"),
                  "10.0.0." + random.nextInt(12),
                  any(LABELS),
                  any("serviceAccountName: s", ""),
                  "containers: [{name: c, ports: [{name: web, containerPort: "
                      + (80 + random.nextInt(2))
                      + "}]}]"));
      case 3, 4 ->
          world.put(calico(any("", NAMESPACES[0], "y"), "t" + i + ".p" + i, calicoSpec(i)));
      case 5 ->
          world.put(
              kubernetes(
                  any(NAMESPACES),
                  "k" + i,
                  "podSelector: {matchLabels: {"
                      + any("a: '1'", "")
                      + "}}\ningress: "
                      + any(
                          "[]",
                          "[{from: [{namespaceSelector: {matchLabels: {a: '1'}}}]}]",
                          "[{ports: [{port: web}]}]")));
      case 6 ->
          world.put(
              document(
                  "projectcalico.org/v3",
                  "Tier",
                  "",
                  "t" + i,
                  "order: " + any("1", "2", "3") + "\ndefaultAction: " + any("Pass", "Deny")));
      case 7 -> world.put(set(i));
      case 8 -> {
        List<ResourceKey> keys = new ArrayList<>(world.resources().keySet());
        if (!keys.isEmpty()) {
          world.remove(keys.get(random.nextInt(keys.size())));
        }
      }
      case 9 ->
          world.put(
              document(
                  "projectcalico.org/v3",
                  "HostEndpoint",
                  "",
                  "h" + i,
                  "node: node1\ninterfaceName: "
                      + any("eth0", "eth1", "'*'")
                      + "\nprofiles: "
                      + any("[]", "[q]")));
      default ->
          world.put(
              document(
                  "projectcalico.org/v3",
                  "Profile",
                  "",
                  "q",
                  "labelsToApply: {"
                      + any(LABELS)
                      + "}\ningress: [{action: "
                      + any("Allow", "Deny")
                      + "}]"));
    }
  }

  private String calicoSpec(int i) {
    String rule =
        "{action: %s, protocol: TCP, source: {selector: '%s'}, destination: {ports: [%s]}}"
            .formatted(any(ACTIONS), selector(), any("80", "web", "1:100"));
    return "tier: t"
        + i
        + "\nselector: '"
        + selector()
        + "'\ntypes: "
        + any("[Ingress]", "[Egress]", "[Ingress, Egress]")
        + "\norder: "
        + random.nextInt(3)
        + "\ningress: ["
        + rule
        + "]";
  }

  private String set(int i) {
    if (random.nextBoolean()) {
      return """
          apiVersion: projectcalico.org/v3
          kind: NetworkSet
          metadata: {name: n%d, namespace: %s, labels: {%s}}
          spec: {nets: [10.0.0.%d/32, 192.0.%d.0/24]}
          """
          .formatted(i, any(NAMESPACES), any(LABELS), random.nextInt(12), i);
    }
    return """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: s, namespace: %s, labels: {%s}}
        """
        .formatted(any(NAMESPACES), any(LABELS));
  }

  @Tag("INV-POL-1")
  @Tag("INV-POL-2")
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whateverChangesTheResultIsThatOfTheWhole(long seed) {
    random.setSeed(seed);
    boolean asked = seed % 2 == 0; // host endpoints about what workloads send to their node
    World world = new World(asked ? Choices.HostAction.RETURN : Choices.HostAction.DROP);
    world.host("eth0", "192.0.2.1").host("eth1", "192.0.2.2");
    for (int step = 0; step < 150; step++) {
      for (int edits = random.nextInt(3); edits >= 0; edits--) {
        edit(world);
      }
      NodePolicy before = world.policy;
      world.update();
      assertThat(world.policy).as("seed %d, step %d", seed, step).isEqualTo(world.fromScratch());
      whatIsEqualIsTheSame(before, world.policy);
      everyIdIsKnown(world.policy);
    }
  }

  private static void whatIsEqualIsTheSame(NodePolicy before, NodePolicy after) {
    for (Map.Entry<String, EndpointPolicy> entry : after.byNic().entrySet()) {
      EndpointPolicy old = before.byNic().get(entry.getKey());
      if (entry.getValue().equals(old)) {
        assertThat(entry.getValue() == old).as(entry.getKey() + " is the same").isTrue();
      }
    }
    for (Map.Entry<Long, IpSet> entry : after.sets().entrySet()) {
      IpSet old = before.sets().get(entry.getKey());
      if (entry.getValue().equals(old)) {
        assertThat(entry.getValue() == old).as(entry.getKey() + " is the same").isTrue();
      }
    }
  }

  /** Sets that a plan looks up are there (POL-2 has something to write), and all IDs have names. */
  private static void everyIdIsKnown(NodePolicy policy) {
    Set<Long> sets = new HashSet<>();
    Set<Long> rules = new HashSet<>();
    for (EndpointPolicy endpoint : policy.byNic().values()) {
      endpoint.in().ifPresent(plan -> collect(plan, sets, rules));
      endpoint.out().ifPresent(plan -> collect(plan, sets, rules));
      endpoint.untracked().ifPresent(plan -> collect(plan, sets, rules));
    }
    rules.remove(0L);
    assertThat(policy.sets().keySet()).containsExactlyInAnyOrderElementsOf(sets);
    assertThat(policy.rules().keySet()).containsAll(rules);
  }

  private static void collect(Plan plan, Set<Long> sets, Set<Long> rules) {
    PlanIds ids = PlanIds.of(plan);
    sets.addAll(ids.sets());
    rules.addAll(ids.rules());
  }

  @Test
  void endpointsAlikeShareTheirPlans() {
    World world = new World();
    for (int i = 1; i < 5; i++) {
      world.put(pod("x", "p" + i, World.NODE, "10.0.0." + i, "a: '1'"));
    }
    world.put(calico("x", "default.p", "selector: a == '1'\ningress: [{action: Allow}]")).update();
    List<Plan> plans =
        world.policy.byNic().values().stream().map(e -> e.out().orElseThrow()).toList();
    assertThat(plans).hasSize(4).allSatisfy(plan -> assertThat(plan).isSameAs(plans.get(0)));
  }

  @Test
  void whatDoesNotConcernThePlanKeepsIt() {
    World world = new World();
    String policy =
        calico(
            "x",
            "default.p",
            "selector: a == '1'\ningress: [{action: Allow, source: {selector: b == '2'}}]");
    world.put(pod("x", "p", World.NODE, "10.0.0.1", "a: '1'")).put(policy).update();
    NodePolicy before = world.policy;
    world.put(pod("x", "q", "node2", "10.0.0.2", "b: '2'"));
    world.put(policy.replace("default.p,", "default.p, labels: {about: nothing},")).update();
    assertThat(world.policy.byNic()).isSameAs(before.byNic());
    assertThat(world.policy.rules()).isSameAs(before.rules());
    assertThat(world.policy.sets().values())
        .singleElement()
        .satisfies(set -> assertThat(set.members()).hasSize(1));
    world.put(calico("x", "default.q", "selector: a == '2'\ningress: [{action: Deny}]"));
    NodePolicy again = world.policy;
    world.update();
    assertThat(world.policy.byNic()).as("a policy that is for nobody here").isSameAs(again.byNic());
    assertThat(world.policy.sets()).isSameAs(again.sets());
  }

  /** 1,000 policies, 1,000 pods: what a change asks is what it touches. */
  @Test
  void aLabelCostsWhatItTouches() {
    int many = 1000;
    World world = new World();
    world.put(namespace("x", ""));
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < many; i++) {
      String node = i < 100 ? World.NODE : "node2";
      String address = "10.0." + i / 250 + "." + (i % 250 + 1);
      all.append(pod("x", "p" + i, node, address, "app: a" + i));
      all.append(
          calico(
              "x",
              "default.p" + i,
              "selector: app == 'a%d'\ningress: [{action: Allow, source: {selector: app == 'a%d'}}]"
                  .formatted(i, (i + 1) % many)));
    }
    world.put(all.toString()).update();
    assertThat(world.policy.sets()).hasSize(100);
    assertThat(world.evaluations()).as("from nothing").isLessThan(4L * many);
    long before = world.evaluations();
    world.put(pod("x", "p7", World.NODE, "10.0.0.8", "app: a9")).update();
    assertThat(world.evaluations() - before).as("one label").isLessThan(10);
    before = world.evaluations();
    world.put(pod("x", "new", World.NODE, "10.0.9.9", "app: a1")).update();
    assertThat(world.evaluations() - before).as("one pod").isLessThan(10);
    before = world.evaluations();
    world.update();
    assertThat(world.evaluations() - before).as("nothing").isZero();
    before = world.evaluations();
    world.put(namespace("x", "team: red")).update();
    assertThat(world.evaluations() - before).as("a namespace").isLessThan(3L * many);
  }
}
