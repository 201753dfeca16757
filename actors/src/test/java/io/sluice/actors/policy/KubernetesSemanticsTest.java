// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static io.sluice.actors.policy.World.kubernetes;
import static io.sluice.actors.policy.World.namespace;
import static io.sluice.actors.policy.World.pod;
import static io.sluice.actors.policy.World.tcp;
import static io.sluice.actors.policy.World.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What networking.k8s.io/v1 NetworkPolicies mean, from the manifest to the verdict. */
class KubernetesSemanticsTest {
  /** x/a 10.0.0.1, x/b 10.0.0.2, y/a 10.0.1.1, z/a 10.0.2.1; policies are about x/a. */
  private static World world(String... policies) {
    World world = new World();
    world.put(namespace("x", "team: red") + namespace("y", "team: blue") + namespace("z", ""));
    String ports = "containers: [{name: c, ports: [{name: web, containerPort: 80}]}]";
    world.put(pod("x", "a", World.NODE, "10.0.0.1", "pod: a", ports));
    world.put(pod("x", "b", World.NODE, "10.0.0.2", "pod: b"));
    world.put(pod("y", "a", "node2", "10.0.1.1", "pod: a"));
    world.put(pod("z", "a", "node2", "10.0.2.1", "pod: a"));
    for (String policy : policies) {
      world.put(policy);
    }
    return world.update();
  }

  private static String ingress(String from) {
    return kubernetes(
        "x",
        "p",
        "podSelector: {matchLabels: {pod: a}}\npolicyTypes: [Ingress]\ningress:\n" + from);
  }

  @Test
  void withoutPolicyEverythingPasses() {
    World world = world();
    Verdict verdict = world.entering("x", "a", tcp("10.0.1.1", "10.0.0.1", 80));
    assertThat(verdict.allowed()).isTrue();
    assertThat(verdict.policy()).isEqualTo("Profile kns.x");
    assertThat(world.leaving("x", "a", tcp("10.0.0.1", "192.0.2.1", 80)).allowed()).isTrue();
    assertThat(world.policy.problems()).isEmpty();
  }

  @Test
  void aPolicyWithoutRulesDeniesItsDirectionAlone() {
    World world = world(kubernetes("x", "deny", "podSelector: {}\npolicyTypes: [Ingress]"));
    Verdict verdict = world.entering("x", "a", tcp("10.0.0.2", "10.0.0.1", 80));
    assertThat(verdict.allowed()).isFalse();
    assertThat(world.policy.rules().get(verdict.id()).policy()).isEqualTo("end of tier default");
    assertThat(world.leaving("x", "a", tcp("10.0.0.1", "10.0.1.1", 80)).allowed()).isTrue();
  }

  @ParameterizedTest(name = "from {0}: x/b {1}, y/a {2}, z/a {3}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {podSelector: {}}                                        | true  | false | false
          {podSelector: {matchLabels: {pod: b}}}                   | true  | false | false
          {podSelector: {matchLabels: {pod: a}}}                   | false | false | false
          {namespaceSelector: {}}                                  | true  | true  | true
          {namespaceSelector: {matchLabels: {team: blue}}}         | false | true  | false
          {namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}} | false | false | true
          {namespaceSelector: {}, podSelector: {matchLabels: {pod: a}}} | false | true | true
          {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: z}}} | false | false | true
          {ipBlock: {cidr: 10.0.0.0/16}}                           | true  | true  | true
          {ipBlock: {cidr: 10.0.0.0/16, except: [10.0.1.0/24]}}    | true  | false | true
          """)
  void peers(String peer, boolean b, boolean y, boolean z) {
    World world = world(ingress("- from: [" + peer + "]"));
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 80))).isEqualTo(b);
    assertThat(world.enters("x", "a", tcp("10.0.1.1", "10.0.0.1", 80))).isEqualTo(y);
    assertThat(world.enters("x", "a", tcp("10.0.2.1", "10.0.0.1", 80))).isEqualTo(z);
    assertThat(world.enters("x", "b", tcp("10.0.2.1", "10.0.0.2", 80))).as("another").isTrue();
  }

  @ParameterizedTest(name = "{0}: 80 {1}, 81 {2}, 90 {3}, UDP 80 {4}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {port: 80}                               | true  | false | false | false
          {port: 81, endPort: 90}                  | false | true  | true  | false
          {protocol: UDP}                          | false | false | false | true
          {protocol: TCP}                          | true  | true  | true  | false
          {port: web}                              | true  | false | false | false
          {port: nobody}                           | false | false | false | false
          """)
  void ports(String port, boolean p80, boolean p81, boolean p90, boolean udp80) {
    World world = world(ingress("- ports: [" + port + "]"));
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 80))).isEqualTo(p80);
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 81))).isEqualTo(p81);
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 90))).isEqualTo(p90);
    assertThat(world.enters("x", "a", udp("10.0.0.2", "10.0.0.1", 80))).isEqualTo(udp80);
  }

  @Test
  void aNameIsEachPodsOwnPort() {
    World world =
        world(
            kubernetes(
                "x",
                "p",
                """
                podSelector: {matchLabels: {pod: b}}
                policyTypes: [Egress]
                egress:
                - to: [{podSelector: {}, namespaceSelector: {}}]
                  ports: [{port: web}]
                """));
    world.put(
        pod(
            "y",
            "other",
            "node2",
            "10.0.1.9",
            "",
            "containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]"));
    world.update();
    assertThat(leaves(world, tcp("10.0.0.2", "10.0.0.1", 80))).isTrue();
    assertThat(leaves(world, tcp("10.0.0.2", "10.0.0.1", 8080))).isFalse();
    assertThat(leaves(world, tcp("10.0.0.2", "10.0.1.9", 8080))).isTrue();
    assertThat(leaves(world, tcp("10.0.0.2", "10.0.1.9", 80))).isFalse();
    assertThat(leaves(world, udp("10.0.0.2", "10.0.0.1", 80))).isFalse();
  }

  private static boolean leaves(World world, PacketView packet) {
    return world.leaving("x", "b", packet).allowed();
  }

  @Test
  void aNamespacesLabelsAreItsPods() {
    World world = world(ingress("- from: [{namespaceSelector: {matchLabels: {team: blue}}}]"));
    world.put(namespace("y", "") + namespace("z", "team: blue")).update();
    assertThat(world.enters("x", "a", tcp("10.0.1.1", "10.0.0.1", 80))).isFalse();
    assertThat(world.enters("x", "a", tcp("10.0.2.1", "10.0.0.1", 80))).isTrue();
    world.remove("namespace", "", "z").update();
    assertThat(world.enters("x", "a", tcp("10.0.2.1", "10.0.0.1", 80))).isFalse();
  }

  @Test
  void aPodDoesNotSpeakForItsNamespace() {
    World world = world(ingress("- from: [{namespaceSelector: {matchLabels: {team: blue}}}]"));
    world.put(pod("z", "a", "node2", "10.0.2.1", "pcns.team: blue")).update();
    assertThat(world.enters("x", "a", tcp("10.0.2.1", "10.0.0.1", 80))).isFalse();
  }

  @Test
  void anAddressIsItsNewPodsAlone() {
    World world = world(ingress("- from: [{podSelector: {matchLabels: {pod: b}}}]"));
    world.remove("pod", "x", "b").put(pod("x", "c", World.NODE, "10.0.0.2", "pod: c")).update();
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 80)))
        .as("of another pod in one view")
        .isFalse();
    world.put(pod("x", "b", World.NODE, "10.0.0.3", "pod: b")).update();
    assertThat(world.enters("x", "a", tcp("10.0.0.3", "10.0.0.1", 80))).isTrue();
  }

  @Test
  void anAddressThatAPodLeavesBehindIsTheNewerOnes() {
    World world = world(ingress("- from: [{podSelector: {matchLabels: {pod: b}}}]"));
    String old = pod("x", "old", "node2", "10.0.0.9", "pod: b");
    String fresh = pod("x", "fresh", "node2", "10.0.0.9", "pod: c");
    world.put(old.replace("  labels:", "  creationTimestamp: 2024-01-01T00:00:00Z\n  labels:"));
    world.update();
    assertThat(world.enters("x", "a", tcp("10.0.0.9", "10.0.0.1", 80))).isTrue();
    world.put(fresh.replace("  labels:", "  creationTimestamp: 2024-01-02T00:00:00Z\n  labels:"));
    world.update();
    assertThat(world.enters("x", "a", tcp("10.0.0.9", "10.0.0.1", 80))).isFalse();
    world.remove("pod", "x", "fresh").update();
    assertThat(world.enters("x", "a", tcp("10.0.0.9", "10.0.0.1", 80))).isTrue();
  }

  @Test
  void whatHasNoNetworkIsNoEndpoint() {
    World world = world(ingress("- from: [{podSelector: {}}]"));
    String done = pod("x", "done", "node2", "10.0.0.8", "pod: b");
    world.put(done.replace("status:", "status:\n  phase: Succeeded"));
    world.put(pod("x", "host", "node2", "192.0.2.2", "pod: b", "hostNetwork: true"));
    world.update();
    assertThat(world.enters("x", "a", tcp("10.0.0.8", "10.0.0.1", 80))).isFalse();
    assertThat(world.enters("x", "a", tcp("192.0.2.2", "10.0.0.1", 80))).isFalse();
  }

  @Test
  void policiesAddUp() {
    World world =
        world(
            kubernetes("x", "deny", "podSelector: {}\npolicyTypes: [Ingress]"),
            ingress("- from: [{podSelector: {matchLabels: {pod: b}}}]"),
            kubernetes(
                "x",
                "q",
                "podSelector: {}\ningress:\n- from: [{namespaceSelector: {matchLabels: {team: blue}}}]"));
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 80))).isTrue();
    assertThat(world.enters("x", "a", tcp("10.0.1.1", "10.0.0.1", 80))).isTrue();
    assertThat(world.enters("x", "a", tcp("10.0.2.1", "10.0.0.1", 80))).isFalse();
    Verdict verdict = world.entering("x", "a", tcp("10.0.0.2", "10.0.0.1", 80));
    assertThat(verdict.policy()).isEqualTo("NetworkPolicy x/p");
    assertThat(world.policy.rules().get(verdict.id()).index()).isZero();
  }
}
