// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.NetworkSet;
import io.sluice.config.model.PolicyRule;
import io.sluice.config.model.PolicyRule.Action;
import io.sluice.config.model.PolicyRule.Icmp;
import io.sluice.config.model.PolicyRule.Named;
import io.sluice.config.model.PolicyRule.Numbers;
import io.sluice.config.model.PolicyRule.ServiceAccounts;
import io.sluice.config.model.PolicyRule.ServiceRef;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Profile;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.ServiceAccount;
import io.sluice.config.model.Tier;
import io.sluice.config.model.WorkloadEndpoint.EndpointPort;
import io.sluice.config.selector.Selector;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What policies of projectcalico.org/v3 are read as. */
class PolicyBindersTest {
  private static NetworkPolicy policy(String text) {
    return (NetworkPolicy) PolicyManifests.read(text);
  }

  private static Optional<Selector> selector(String text) {
    return Optional.of(Selector.parse(text));
  }

  @Test
  void aGlobalPolicyWithAllItsFields() {
    NetworkPolicy policy = policy(PolicyManifests.GLOBAL);
    assertThat(policy.kind()).isEqualTo(Kind.GLOBAL_NETWORK_POLICY);
    assertThat(policy.key()).hasToString("GlobalNetworkPolicy guard");
    assertThat(policy.tier()).isEqualTo("security");
    assertThat(policy.order()).hasValue(12.5);
    assertThat(policy.selector().text()).isEqualTo("role == \"node\" && has(kernel)");
    assertThat(policy.namespaceSelector()).isEqualTo(selector("env == 'prod'"));
    assertThat(policy.serviceAccountSelector()).isEqualTo(selector("trusted != 'no'"));
    assertThat(policy.types()).containsOnly(Direction.INGRESS, Direction.EGRESS);
    assertThat(policy.applyOnForward()).isTrue();
    assertThat(policy.doNotTrack() || policy.preDnat()).isFalse();
    assertThat(policy.ingress())
        .extracting(PolicyRule::action)
        .containsExactly(Action.ALLOW, Action.DENY, Action.LOG);
  }

  @Test
  void aRuleWithAllItsFields() {
    NetworkPolicy policy = policy(PolicyManifests.GLOBAL);
    PolicyRule first = policy.ingress().get(0);
    assertThat(first.protocol()).hasValue(6);
    assertThat(first.annotations()).isEqualTo(Map.of("why", "known clients"));
    assertThat(first.source().nets())
        .containsExactly(Cidr.parse("10.0.0.0/8"), Cidr.parse("192.0.2.7/32"));
    assertThat(first.source().notNets()).containsExactly(Cidr.parse("10.9.0.0/16"));
    assertThat(first.source().selector()).isEqualTo(selector("app == 'web'"));
    assertThat(first.source().notSelector()).isEqualTo(selector("bad == 'yes'"));
    assertThat(first.source().namespaceSelector()).isEqualTo(selector("global()"));
    assertThat(first.source().notPorts()).containsExactly(new Numbers(new PortRange(7, 7)));
    assertThat(first.destination().ports())
        .containsExactly(
            new Numbers(new PortRange(80, 80)),
            new Numbers(new PortRange(8000, 8010)),
            new Named("metrics"));
    assertThat(first.destination().serviceAccounts())
        .contains(new ServiceAccounts(List.of("web"), selector("has(ok)")));
    assertThat(first.ipVersion()).as("by its nets").contains(IpFamily.IPV4);
    PolicyRule second = policy.ingress().get(1);
    assertThat(second.icmp()).contains(new Icmp(8, OptionalInt.of(0)));
    assertThat(second.ipVersion()).as("by its protocol").contains(IpFamily.IPV4);
    assertThat(policy.ingress().get(2).notProtocol()).hasValue(17);
    PolicyRule out = policy.egress().get(0);
    assertThat(out.protocol()).hasValue(58);
    assertThat(out.ipVersion()).contains(IpFamily.IPV6);
    assertThat(out.notIcmp()).contains(new Icmp(135, OptionalInt.empty()));
    assertThat(policy.egress().get(1).destination().service())
        .contains(new ServiceRef("kube-system", "kube-dns"));
  }

  @Test
  void whatAPolicyDoesNotSay() {
    NetworkPolicy policy = policy(PolicyManifests.CALICO);
    assertThat(policy.key()).hasToString("NetworkPolicy.projectcalico.org shop/default.web");
    assertThat(policy.tier()).isEqualTo("default");
    assertThat(policy.order()).isEmpty();
    assertThat(policy.types()).as("has egress rules alone").containsOnly(Direction.EGRESS);
    NetworkPolicy empty = policy(PolicyManifests.CALICO.replaceAll("(?s)spec:.*", "spec: {}\n"));
    assertThat(empty.selector()).isEqualTo(Selector.ALL);
    assertThat(empty.types()).as("has no rules").containsOnly(Direction.INGRESS);
    NetworkPolicy both = policy(PolicyManifests.CALICO + "  ingress: [{action: Deny}]\n");
    assertThat(both.types()).containsOnly(Direction.EGRESS, Direction.INGRESS);
  }

  @Test
  void tiers() {
    Tier tier = (Tier) PolicyManifests.read(PolicyManifests.TIER);
    assertThat(tier.order()).hasValue(100);
    assertThat(tier.passes()).isTrue();
    Tier plain =
        (Tier)
            PolicyManifests.read(
                "{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: x}}");
    assertThat(plain.order()).isEqualTo(OptionalDouble.empty());
    assertThat(plain.passes()).isFalse();
    Tier standard =
        (Tier)
            PolicyManifests.read(
                "{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: default}}");
    assertThat(standard.order()).hasValue(Tier.DEFAULT_ORDER);
  }

  @Test
  void setsEndpointsProfilesAndAccounts() {
    NetworkSet set = (NetworkSet) PolicyManifests.read(PolicyManifests.SET);
    assertThat(set.key()).hasToString("NetworkSet shop/partners");
    assertThat(set.nets())
        .extracting(Cidr::toString)
        .containsExactly("198.51.100.0/24", "203.0.113.9/32", "2001:db8::/32");
    assertThat(((NetworkSet) PolicyManifests.read(PolicyManifests.GLOBAL_SET)).kind())
        .isEqualTo(Kind.GLOBAL_NETWORK_SET);
    HostEndpoint host = (HostEndpoint) PolicyManifests.read(PolicyManifests.HOST);
    assertThat(host.node()).isEqualTo("node1");
    assertThat(host.interfaceName()).isEqualTo("eth0");
    assertThat(host.expectedIps())
        .containsExactly(IpAddress.parse("192.168.101.2"), IpAddress.parse("fd00:101::2"));
    assertThat(host.profiles()).containsExactly("projectcalico-default-allow");
    assertThat(host.ports())
        .containsExactly(new EndpointPort("metrics", Protocol.TCP, 9100, 0, ""));
    HostEndpoint all =
        (HostEndpoint) PolicyManifests.read(PolicyManifests.HOST.replace("eth0\n", "'*'\n"));
    assertThat(all.interfaceName()).isEqualTo("*");
    Profile profile = (Profile) PolicyManifests.read(PolicyManifests.PROFILE);
    assertThat(profile.labelsToApply()).isEqualTo(Map.of("pcns.team", "shop"));
    assertThat(profile.egress()).hasSize(2);
    ServiceAccount account = (ServiceAccount) PolicyManifests.read(PolicyManifests.ACCOUNT);
    assertThat(account.meta().labels()).isEqualTo(Map.of("trusted", "yes"));
  }

  @Test
  void stagedPoliciesArePassedOverWithAWord() {
    for (String kind : List.of("StagedGlobalNetworkPolicy", "StagedNetworkPolicy")) {
      String text = PolicyManifests.CALICO.replace("kind: NetworkPolicy", "kind: " + kind);
      assertThat(Manifests.problems(text))
          .containsExactly(
              "m.yaml:2: kind: " + kind + " is not enforced, by its nature: it has no effect");
      assertThat(Manifests.parse(text).get(0).refused()).isFalse();
    }
  }

  @Test
  void tenThousandRulesAreReadAndMoreThan65536AreNot() {
    String rule = "  - {action: Allow, protocol: TCP, destination: {ports: [80]}}\n";
    String head = PolicyManifests.CALICO.replaceAll("(?s)  egress:.*", "  egress:\n");
    assertThat(policy(head + rule.repeat(10_000)).egress()).hasSize(10_000);
    assertThat(Manifests.problems(head + "  - {action: Deny}\n".repeat(65_537)))
        .containsExactly(
            "m.yaml:9: NetworkPolicy.projectcalico.org shop/default.web: spec.egress: 65537 rules"
                + " are more than the 65536 that one policy can have");
  }
}
