// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.policy.EndpointPolicy;
import io.sluice.actors.policy.NodePolicy;
import io.sluice.actors.policy.RuleName;
import io.sluice.agent.explain.Explanation.Candidate;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy.Direction;
import io.sluice.config.model.ResourceKey;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Rule;
import io.sluice.kernel.policy.Tier;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What the policies of both ends say of a packet. */
class PolicyVoicesTest {
  private static final long RULE = 11;
  private static final long END = 12;

  private final Node node = new Node(Family.IPV4);
  private final TreeMap<String, EndpointPolicy> byNic = new TreeMap<>();

  private static Plan plan(Action action) {
    Policy policy = new Policy("NetworkPolicy x/p", List.of(new Rule(action, Match.ALL, RULE)));
    Tier tier = new Tier("default", List.of(policy), Action.DENY, END);
    return Plan.of(new Chain(List.of(tier), List.of(), Action.DENY, 0));
  }

  private static Plan end() {
    Tier tier =
        new Tier("default", List.of(new Policy("NetworkPolicy x/q", List.of())), Action.DENY, END);
    return Plan.of(new Chain(List.of(tier), List.of(), Action.DENY, 0));
  }

  private void endpoint(String nic, Kind kind, Plan in, Plan out) {
    byNic.put(
        nic,
        new EndpointPolicy(
            new ResourceKey(kind, "", nic), Optional.of(in), Optional.of(out), Optional.empty()));
  }

  private Explanation explain(Ip from, Ip to) {
    TreeMap<Long, RuleName> names = new TreeMap<>();
    names.put(
        RULE,
        new RuleName("NetworkPolicy x/p", "default", Direction.EGRESS, 0, Action.ALLOW, "tcp"));
    names.put(
        END,
        new RuleName(
            "end of tier default", "default", Direction.INGRESS, RuleName.END, Action.DENY, ""));
    node.policy = Optional.of(new NodePolicy(byNic, new TreeMap<>(), names, List.of()));
    return node.explain(from, to, 80);
  }

  @Test
  void bothEndsAreAskedAndNamed() {
    endpoint("cali1", Kind.POD, plan(Action.ALLOW), end());
    endpoint("cali2", Kind.POD, plan(Action.ALLOW), end());
    Explanation told = explain(node.pod(2), node.pod(1));
    assertThat(told.verdict()).isEqualTo(Explanation.Verdict.DROPPED);
    assertThat(told.reason()).isEqualTo("policy");
    assertThat(Node.said(told, "policy"))
        .containsExactly(
            "egress of Pod cali2 (cali2): allowed by NetworkPolicy x/p, rule 0 (tcp) in tier default",
            "ingress of Pod cali1 (cali1): denied by the end of tier default");
  }

  @Test
  void whatTheSourceDeniesGoesNowhere() {
    endpoint("cali2", Kind.POD, plan(Action.DENY), end());
    Explanation told = explain(node.pod(2), node.service());
    assertThat(told.candidates()).extracting(Candidate::reason).containsOnly("policy");
    assertThat(told.verdict()).isEqualTo(Explanation.Verdict.DROPPED);
  }

  @Test
  void anotherNodesPodIsAskedThere() {
    endpoint("cali2", Kind.POD, plan(Action.ALLOW), end());
    Explanation told = explain(node.pod(2), node.pod(101));
    assertThat(told.verdict()).isEqualTo(Explanation.Verdict.ALLOWED);
    assertThat(Node.said(told, "policy")).last().asString().contains("for its own node to judge");
  }

  @Test
  void aHostInterfaceIsAskedTwice() {
    Chain closed = Chain.DENY_ALL;
    Plan in =
        new Plan(
            List.of(
                new Plan.Case(PktFlags.PKT_PRE_DNAT, PktFlags.PKT_PRE_DNAT, Chain.PASS_ALL),
                new Plan.Case(PktFlags.PKT_DST_HOST, PktFlags.PKT_DST_HOST, closed),
                new Plan.Case(0, 0, Chain.ALLOW_ALL)));
    endpoint("eth0", Kind.HOST_ENDPOINT, in, plan(Action.ALLOW));
    Explanation told = explain(node.client(), node.host(1));
    assertThat(told.verdict()).isEqualTo(Explanation.Verdict.DROPPED);
    assertThat(Node.said(told, "policy"))
        .containsExactly(
            "ingress of HostEndpoint eth0 (eth0), before services are looked up: no rule decides, others are asked",
            "ingress of HostEndpoint eth0 (eth0): denied by no rule: the end");
  }

  @Test
  void whatAPodSendsToItsNodeMayBeAskedOfTheHostToo() {
    Plan toHost =
        new Plan(
            List.of(
                new Plan.Case(
                    PktFlags.PKT_DST_HOST,
                    PktFlags.PKT_DST_HOST,
                    plan(Action.DENY).cases().get(0).chain()),
                new Plan.Case(0, 0, Chain.ALLOW_ALL)));
    Plan egress = new Plan(Plan.of(Chain.ALLOW_ALL).cases(), Optional.of(toHost));
    endpoint("cali2", Kind.POD, egress, plan(Action.ALLOW));
    Explanation told = explain(node.pod(2), node.host(1));
    assertThat(told.reason()).isEqualTo("to_host");
    assertThat(Node.said(told, "policy"))
        .containsExactly(
            "egress of Pod cali2 (cali2), then ingress of its node: denied by NetworkPolicy x/p, rule 0 (tcp) in tier default");
    Explanation other = explain(node.pod(2), node.pod(101));
    assertThat(other.verdict()).isEqualTo(Explanation.Verdict.ALLOWED);
  }

  @Test
  void withoutAgentNobodyKnows() {
    Explanation told = node.explain(node.pod(2), node.pod(1), 80);
    assertThat(told.verdict()).isEqualTo(Explanation.Verdict.ALLOWED);
    assertThat(Node.said(told, "policy"))
        .containsExactly("not looked at: only a running agent knows policy");
  }
}
