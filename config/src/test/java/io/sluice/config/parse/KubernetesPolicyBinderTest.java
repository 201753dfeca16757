// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.sluice.config.model.PortRange;
import io.sluice.config.selector.Selector;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What Kubernetes' policies are read as. */
class KubernetesPolicyBinderTest {
  private static final String PODS = "projectcalico.org/orchestrator == 'k8s'";

  private static NetworkPolicy policy(String text) {
    return (NetworkPolicy) PolicyManifests.read(text);
  }

  private static NetworkPolicy withSpec(String spec) {
    return policy(
        """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: p, namespace: shop}
        spec: %s
        """
            .formatted(spec));
  }

  private static Optional<Selector> selector(String text) {
    return Optional.of(Selector.parse(text));
  }

  @Test
  void aPolicyOfTierDefaultForPods() {
    NetworkPolicy policy = policy(PolicyManifests.KUBERNETES);
    assertThat(policy.kind()).isEqualTo(Kind.NETWORK_POLICY);
    assertThat(policy.key()).hasToString("NetworkPolicy shop/db");
    assertThat(policy.tier()).isEqualTo("default");
    assertThat(policy.order()).hasValue(1000);
    assertThat(policy.selector())
        .isEqualTo(
            Selector.parse(
                PODS + " && app == 'db' && tier == 'back' && env not in {'dev', 'test'}"));
    assertThat(policy.namespaceSelector()).isEmpty();
    assertThat(policy.types()).containsOnly(Direction.INGRESS, Direction.EGRESS);
  }

  @Test
  void aRuleForEachPeerAndProtocol() {
    List<PolicyRule> rules = policy(PolicyManifests.KUBERNETES).ingress();
    assertThat(rules).hasSize(8).extracting(PolicyRule::action).containsOnly(Action.ALLOW);
    assertThat(rules)
        .extracting(rule -> rule.protocol().orElseThrow())
        .containsExactly(6, 17, 6, 17, 6, 17, 6, 17);
    assertThat(rules.get(0).destination().ports())
        .containsExactly(
            new Numbers(new PortRange(5432, 5432)), new Numbers(new PortRange(6000, 6010)));
    assertThat(rules.get(1).destination().ports()).containsExactly(new Named("dns"));
    Entity ofOwnNamespace = rules.get(0).source();
    assertThat(ofOwnNamespace.selector()).isEqualTo(selector(PODS + " && app == 'web'"));
    assertThat(ofOwnNamespace.namespaceSelector()).isEmpty();
    Entity ofNamespaces = rules.get(2).source();
    assertThat(ofNamespaces.selector()).isEqualTo(selector(PODS));
    assertThat(ofNamespaces.namespaceSelector()).isEqualTo(selector("team == 'ops'"));
    Entity ofBoth = rules.get(4).source();
    assertThat(ofBoth.selector()).isEqualTo(selector(PODS + " && has(role)"));
    assertThat(ofBoth.namespaceSelector()).isEqualTo(selector("all()"));
    Entity block = rules.get(6).source();
    assertThat(block.nets()).containsExactly(Cidr.parse("10.0.0.0/8"));
    assertThat(block.notNets()).containsExactly(Cidr.parse("10.1.0.0/16"));
    assertThat(rules.get(6).ipVersion()).contains(IpFamily.IPV4);
    assertThat(rules.get(0).ipVersion()).isEmpty();
  }

  @Test
  void blocksWithoutExceptionsAreOneRuleOfEachFamily() {
    List<PolicyRule> rules = policy(PolicyManifests.KUBERNETES).egress();
    assertThat(rules)
        .extracting(rule -> rule.destination().nets().toString())
        .containsExactly("[192.0.2.0/24, 198.51.100.0/24]", "[2001:db8::/32]");
    assertThat(rules).allSatisfy(rule -> assertThat(rule.source()).isEqualTo(Entity.ANY));
  }

  @Test
  void whatIsAbsentAndWhatIsEmpty() {
    NetworkPolicy deny = withSpec("{podSelector: {}}");
    assertThat(deny.selector()).isEqualTo(Selector.parse(PODS));
    assertThat(deny.types()).containsOnly(Direction.INGRESS);
    assertThat(deny.ingress()).isEmpty();
    assertThat(withSpec("{podSelector: {}, ingress: []}").ingress()).as("no rule").isEmpty();
    for (String all : List.of("{}", "{from: []}", "{from: null, ports: []}")) {
      List<PolicyRule> rules = withSpec("{podSelector: {}, ingress: [" + all + "]}").ingress();
      assertThat(rules).as(all).hasSize(1);
      assertThat(rules.get(0).source()).isEqualTo(Entity.ANY);
      assertThat(rules.get(0).destination()).isEqualTo(Entity.ANY);
      assertThat(rules.get(0).protocol()).isEmpty();
    }
    NetworkPolicy out = withSpec("{podSelector: {}, egress: [{}]}");
    assertThat(out.types()).as("ingress is always meant").hasSize(2);
    assertThat(withSpec("{podSelector: {}, egress: []}").types()).hasSize(1);
    NetworkPolicy closed = withSpec("{podSelector: {}, policyTypes: [Egress]}");
    assertThat(closed.types()).containsOnly(Direction.EGRESS);
    PolicyRule emptyPeer =
        withSpec("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}").ingress().get(0);
    assertThat(emptyPeer.source().selector()).isEqualTo(selector(PODS));
    assertThat(emptyPeer.source().namespaceSelector()).isEmpty();
  }

  @Test
  void aProtocolWithoutAPortIsAllOfItsPorts() {
    List<PolicyRule> rules =
        withSpec(
                "{podSelector: {}, egress: [{ports: [{protocol: SCTP}, {protocol: SCTP, port: 7},"
                    + " {port: 80}]}], policyTypes: [Egress]}")
            .egress();
    assertThat(rules).extracting(rule -> rule.protocol().orElseThrow()).containsExactly(6, 132);
    assertThat(rules.get(0).destination().ports()).hasSize(1);
    assertThat(rules.get(1).destination().ports()).isEmpty();
  }

  @Test
  void whatStandsForTooManyRulesIsRefused() {
    String peers =
        String.join(
            ", ",
            Stream.generate(() -> "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}")
                .limit(40_000)
                .toList());
    assertThat(
            Manifests.problems(
                """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: p}
                spec:
                  podSelector: {}
                  ingress: [{from: [%s], ports: [{port: 1}, {protocol: UDP}]}]
                """
                    .formatted(peers)))
        .containsExactly(
            "m.yaml:6: NetworkPolicy default/p: spec.ingress: stands for more than the 65536 rules"
                + " of one policy");
  }
}
