// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static io.sluice.actors.policy.World.calico;
import static io.sluice.actors.policy.World.document;
import static io.sluice.actors.policy.World.kubernetes;
import static io.sluice.actors.policy.World.namespace;
import static io.sluice.actors.policy.World.pod;
import static io.sluice.actors.policy.World.tcp;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.settings.Choices;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Verdict;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What projectcalico.org/v3 policies mean for workloads, from the manifest to the verdict. */
class CalicoSemanticsTest {
  private static final PacketView FROM_B = tcp("10.0.0.2", "10.0.0.1", 80);
  private static final PacketView FROM_Y = tcp("10.0.1.1", "10.0.0.1", 80);
  private static final PacketView FROM_AFAR = tcp("192.0.2.1", "10.0.0.1", 80);

  private static World world(String... manifests) {
    World world = new World();
    world.put(namespace("x", "team: red") + namespace("y", "team: blue"));
    world.put(pod("x", "a", World.NODE, "10.0.0.1", "pod: a"));
    world.put(pod("x", "b", World.NODE, "10.0.0.2", "pod: b", "serviceAccountName: robot"));
    world.put(pod("y", "a", "node2", "10.0.1.1", "pod: a"));
    for (String manifest : manifests) {
      world.put(manifest);
    }
    return world.update();
  }

  private static String tier(String name, String spec) {
    return document("projectcalico.org/v3", "Tier", "", name, spec);
  }

  private static String allows(String source) {
    return calico(
        "x",
        "default.p",
        "tier: default\nselector: pod == 'a'\ntypes: [Ingress]\ningress: [{action: Allow, source: "
            + source
            + "}]");
  }

  @ParameterizedTest(name = "{0}: x/b {1}, y/a {2}, from afar {3}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {selector: all()}                                   | true  | false | false
          {selector: pod == 'b'}                              | true  | false | false
          {selector: pod == 'a'}                              | false | false | false
          {notSelector: pod == 'b'}                           | false | false | false
          {notSelector: pod == 'c'}                           | true  | false | false
          {namespaceSelector: all()}                          | true  | true  | false
          {namespaceSelector: team == 'blue'}                 | false | true  | false
          {namespaceSelector: team == 'blue', selector: has(pod)} | false | true | false
          {namespaceSelector: projectcalico.org/name == 'y'}  | false | true  | false
          {namespaceSelector: global()}                       | false | false | true
          {serviceAccounts: {names: [robot]}}                 | true  | false | false
          {serviceAccounts: {selector: job == 'weld'}}        | true  | false | false
          {serviceAccounts: {names: [default]}}               | false | false | false
          {nets: [10.0.1.0/24, 192.0.2.0/24]}                 | false | true  | true
          {notNets: [10.0.1.0/24]}                            | true  | false | true
          {nets: [10.0.0.0/8], notNets: [10.0.1.0/24]}        | true  | false | false
          {ports: [40000]}                                    | true  | true  | true
          {notPorts: ['39999:40001']}                         | false | false | false
          """)
  void entities(String source, boolean b, boolean y, boolean afar) {
    String protocol = source.contains("orts") ? ", protocol: TCP" : "";
    World world =
        world(
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: robot, namespace: x, labels: {job: weld}}
            ---
            apiVersion: projectcalico.org/v3
            kind: GlobalNetworkSet
            metadata: {name: s, labels: {set: far}}
            spec: {nets: [192.0.2.0/24]}
            """,
            allows(source).replace("action: Allow", "action: Allow" + protocol));
    assertThat(world.enters("x", "a", FROM_B)).isEqualTo(b);
    assertThat(world.enters("x", "a", FROM_Y)).isEqualTo(y);
    assertThat(world.enters("x", "a", FROM_AFAR)).isEqualTo(afar);
    assertThat(world.policy.problems()).isEmpty();
  }

  @Test
  void aServiceAccountsLabelsAreItsPods() {
    World world = world(allows("{serviceAccounts: {selector: job == 'weld'}}"));
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
    String account =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: x, labels: {job: weld}}";
    world.put(account).update();
    assertThat(world.enters("x", "a", FROM_B)).isTrue();
    world.put(account.replace("weld", "rest")).update();
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
  }

  @Test
  void subjects() {
    String global = "types: [Ingress]\nselector: pod == 'a'\n";
    World world = world(calico("", "g", global + "namespaceSelector: team == 'blue'"));
    assertThat(world.enters("x", "a", FROM_B)).isTrue();
    world.put(namespace("x", "team: blue")).update();
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
    world.put(calico("", "g", global + "serviceAccountSelector: job == 'weld'")).update();
    assertThat(world.enters("x", "a", FROM_B)).isTrue();
    world.put(calico("y", "n", "types: [Ingress]")).update();
    assertThat(world.enters("x", "a", FROM_B)).as("another namespace's").isTrue();
  }

  @Test
  void tiersAreAskedInTheirOrder() {
    String spec = "tier: %s\nselector: all()\ntypes: [Ingress]\ningress: [{action: %s}]";
    World world =
        world(
            tier("late", "order: 20"),
            tier("early", "order: 10"),
            tier("none", "{}"),
            calico("", "late.p", spec.formatted("late", "Allow")),
            calico("", "none.p", spec.formatted("none", "Allow")),
            kubernetes("x", "p", "podSelector: {}"),
            calico("", "early.p", spec.formatted("early", "Pass")));
    Verdict verdict = world.entering("x", "a", FROM_B);
    assertThat(verdict.tier()).isEqualTo("late");
    world.put(tier("late", "order: 5")).remove("gnp", "", "late.p").update();
    assertThat(world.entering("x", "a", FROM_B).tier()).isEqualTo("default");
    world.put(tier("none", "order: 1")).update();
    assertThat(world.entering("x", "a", FROM_B).tier()).isEqualTo("none");
  }

  @Test
  void onlyTiersWithAPolicyOfTheDirectionCount() {
    World world =
        world(
            tier("t", "order: 1"),
            calico("", "t.p", "tier: t\nselector: pod == 'b'\ntypes: [Ingress]"));
    assertThat(world.enters("x", "a", FROM_B)).isTrue();
    PacketView toB = tcp("10.0.0.1", "10.0.0.2", 80);
    assertThat(world.entering("x", "b", toB).tier()).isEqualTo("t");
    assertThat(world.leaving("x", "b", FROM_B).allowed()).isTrue();
  }

  @Test
  void theEndOfATierMayPass() {
    World world =
        world(
            tier("t", "order: 1"),
            calico(
                "",
                "t.p",
                "tier: t\nselector: all()\ntypes: [Ingress]\ningress: [{action: Allow, source: {nets: [192.0.2.0/24]}}]"));
    assertThat(world.enters("x", "a", FROM_AFAR)).isTrue();
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
    world.put(tier("t", "order: 1\ndefaultAction: Pass")).update();
    Verdict verdict = world.entering("x", "a", FROM_B);
    assertThat(verdict.allowed()).isTrue();
    assertThat(verdict.policy()).isEqualTo("Profile kns.x");
  }

  @Test
  void policiesAreAskedInTheirOrder() {
    String spec = "types: [Ingress]\n%singress: [{action: %s}]";
    World world =
        world(
            calico("x", "default.c", spec.formatted("", "Allow")),
            calico("x", "default.b", spec.formatted("order: 20\n", "Deny")),
            calico("x", "default.a", spec.formatted("order: 30\n", "Allow")));
    assertThat(world.entering("x", "a", FROM_B).policy())
        .isEqualTo("NetworkPolicy.projectcalico.org x/default.b");
    world.put(calico("x", "default.b", spec.formatted("order: 40\n", "Deny"))).update();
    assertThat(world.entering("x", "a", FROM_B).policy()).endsWith("default.a");
    world.remove("cnp", "x", "default.a").remove("cnp", "x", "default.b").update();
    assertThat(world.entering("x", "a", FROM_B).policy()).endsWith("default.c");
  }

  @Test
  void logIsNotedAndPassSkips() {
    World world =
        world(
            calico(
                "x",
                "default.p",
                "types: [Ingress]\ningress: [{action: Log}, {action: Pass}, {action: Deny}]"));
    Verdict verdict = world.entering("x", "a", FROM_B);
    assertThat(verdict.logged()).isTrue();
    assertThat(verdict.allowed()).isTrue();
    assertThat(verdict.policy()).isEqualTo("Profile kns.x");
    assertThat(verdict.hits()).hasSize(3).allMatch(world.policy.rules()::containsKey);
  }

  @Test
  void manyNetsAreASet() {
    List<String> nets = IntStream.range(0, 17).mapToObj(i -> "192.0." + i + ".0/24").toList();
    World world = world(allows("{nets: [" + String.join(", ", nets) + "]}"));
    assertThat(world.policy.sets()).hasSize(1);
    assertThat(world.enters("x", "a", FROM_AFAR)).isTrue();
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
    world.put(allows("{nets: [" + String.join(", ", nets.subList(1, 17)) + "]}")).update();
    assertThat(world.policy.sets()).isEmpty();
    assertThat(world.enters("x", "a", FROM_AFAR)).isTrue();
  }

  @Test
  void services() {
    String slice =
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: s-1, namespace: y, labels: {kubernetes.io/service-name: s}}
        addressType: IPv4
        endpoints: [{addresses: [10.0.1.1]}]
        ports: [{name: w, protocol: TCP, port: 8080}]
        """;
    World world =
        world(
            slice,
            calico(
                "x",
                "default.p",
                """
                selector: pod == 'a'
                types: [Ingress, Egress]
                ingress: [{action: Allow, source: {services: {name: s, namespace: y}}}]
                egress: [{action: Allow, destination: {services: {name: s, namespace: y}}}]
                """));
    assertThat(world.enters("x", "a", FROM_Y)).isTrue();
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
    assertThat(world.leaving("x", "a", tcp("10.0.0.1", "10.0.1.1", 8080)).allowed()).isTrue();
    assertThat(world.leaving("x", "a", tcp("10.0.0.1", "10.0.1.1", 80)).allowed()).isFalse();
    world.put(slice.replace("10.0.1.1", "10.0.0.2").replace("8080", "80")).update();
    assertThat(world.enters("x", "a", FROM_Y)).isFalse();
    assertThat(world.enters("x", "a", FROM_B)).isTrue();
    assertThat(world.leaving("x", "a", tcp("10.0.0.1", "10.0.0.2", 80)).allowed()).isTrue();
    world.remove("eps", "y", "s-1").update();
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
  }

  private static String endpoint(String profiles) {
    return document(
            "projectcalico.org/v3",
            "WorkloadEndpoint",
            "x",
            "node1-k8s-w-eth0",
            "node: node1\norchestrator: k8s\npod: w\nendpoint: eth0\ninterfaceName: cali1\nipNetworks: [10.0.0.7/32]\nprofiles: "
                + profiles)
        .replace("\n          spec:", "\nspec:");
  }

  @Test
  void profilesDecideWhereNoPolicyDoes() {
    World world =
        world(
            endpoint("[first, second]"),
            document(
                "projectcalico.org/v3",
                "Profile",
                "",
                "second",
                "labelsToApply: {role: special}\ningress: [{action: Allow, source: {nets: [192.0.2.0/24]}}]"));
    EndpointPolicy policy = world.policy.byNic().get("cali1");
    assertThat(world.judge(policy.out().orElseThrow(), FROM_AFAR).policy())
        .isEqualTo("Profile second");
    assertThat(world.judge(policy.out().orElseThrow(), FROM_B).allowed()).isFalse();
    assertThat(world.policy.problems())
        .containsExactly(
            "WorkloadEndpoint x/node1-k8s-w-eth0: there is no profile first: it is taken for one without rules");
    world.put(allows("{selector: role == 'special'}")).update();
    assertThat(world.enters("x", "a", tcp("10.0.0.7", "10.0.0.1", 80))).isTrue();
    world.remove("profile", "", "second").update();
    assertThat(world.enters("x", "a", tcp("10.0.0.7", "10.0.0.1", 80))).isFalse();
    assertThat(world.policy.problems()).hasSize(2);
    world.put(endpoint("[kns.x]")).update();
    assertThat(world.policy.problems()).isEmpty();
    policy = world.policy.byNic().get("cali1");
    assertThat(world.judge(policy.out().orElseThrow(), FROM_B).allowed()).isTrue();
  }

  @Test
  void aTierThatDoesNotExistIsAskedLastAndDenies() {
    World world = world(calico("", "lost.p", "tier: lost\nselector: pod == 'a'\ntypes: [Ingress]"));
    assertThat(world.enters("x", "a", FROM_B)).isFalse();
    assertThat(world.policy.problems())
        .containsExactly(
            "GlobalNetworkPolicy lost.p: there is no tier lost: it is asked last, and its end denies");
    world.put(tier("lost", "order: 1\ndefaultAction: Pass")).update();
    assertThat(world.policy.problems()).isEmpty();
    assertThat(world.enters("x", "a", FROM_B)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"DROP, false", "RETURN, true", "ACCEPT, true"})
  void whatAWorkloadMaySayToItsNode(Choices.HostAction action, boolean allowed) {
    World world = new World(action);
    world.put(pod("x", "a", World.NODE, "10.0.0.1", "")).update();
    PacketView packet = tcp("10.0.0.1", "192.0.2.1", 22);
    assertThat(world.leaving("x", "a", packet.withFlags(PktFlags.PKT_DST_HOST)).allowed())
        .isEqualTo(allowed);
    assertThat(world.leaving("x", "a", packet).allowed()).isTrue();
  }

  @Test
  void withoutCountingNothingHasAnId() {
    World world =
        new World(
            new PolicySettings(false, Choices.HostAction.DROP, List.of(), List.of()),
            definition -> Ids.of(definition.text()));
    world.put(pod("x", "a", World.NODE, "10.0.0.1", "pod: a"));
    world.put(allows("{selector: all()}")).update();
    assertThat(world.policy.rules()).isEmpty();
    assertThat(world.entering("x", "a", FROM_B).hits()).isEmpty();
    assertThat(
            world.of("x", "a").in().orElseThrow().chains().stream()
                .map(Chain::endId)
                .collect(Collectors.toSet()))
        .containsExactly(0L);
  }

  /** Whatever would have to be looked up under one number must not be guessed at (CL-3). */
  @Test
  void setsOfOneIdAreNotMixed() {
    World world =
        new World(
            World.SETTINGS,
            definition -> definition.text().contains("\"clash") ? 1 : Ids.of(definition.text()));
    world.put(pod("x", "a", World.NODE, "10.0.0.1", "pod: a"));
    world.put(allows("{selector: pod == 'clash1'}")).update();
    EndpointPolicy before = world.of("x", "a");
    String second = allows("{selector: pod == 'clash2'}").replace("default.p", "default.q");
    world.put(second).update();
    assertThat(world.policy.problems())
        .singleElement()
        .asString()
        .startsWith("Pod x/a: NetworkPolicy.projectcalico.org x/default.q: ")
        .endsWith("have the same ID: its former policy stays in force");
    assertThat(world.of("x", "a")).isSameAs(before);
    world.put(pod("x", "new", World.NODE, "10.0.0.5", "pod: a")).update();
    assertThat(world.of("x", "new").out().orElseThrow().cases())
        .singleElement()
        .satisfies(c -> assertThat(c.chain()).isEqualTo(Chain.DENY_ALL));
    world.remove("cnp", "x", "default.p").update();
    world.update();
    assertThat(world.policy.problems()).isEmpty();
    assertThat(world.of("x", "new").out()).isEqualTo(world.of("x", "a").out());
  }
}
