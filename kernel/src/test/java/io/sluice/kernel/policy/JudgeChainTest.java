// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import static io.sluice.kernel.policy.Action.ALLOW;
import static io.sluice.kernel.policy.Action.DENY;
import static io.sluice.kernel.policy.Action.LOG;
import static io.sluice.kernel.policy.Action.PASS;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Ip;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** The way through tiers, policies, profiles and ends. */
class JudgeChainTest {
  private static final PacketView PACKET =
      PacketView.of(6, Ip.parse("10.0.0.1"), 40000, Ip.parse("10.0.0.2"), 80);
  private static final Match UDP = Match.of(OptionalInt.of(17), Place.ANY, Place.ANY);

  private static Rule rule(Action action, long id) {
    return new Rule(action, Match.ALL, id);
  }

  private static Rule miss(Action action, long id) {
    return new Rule(action, UDP, id);
  }

  private static Policy policy(String name, Rule... rules) {
    return new Policy(name, List.of(rules));
  }

  private static Tier tier(String name, Action end, long endId, Policy... policies) {
    return new Tier(name, List.of(policies), end, endId);
  }

  private static Chain chain(List<Tier> tiers, Policy... profiles) {
    return new Chain(tiers, List.of(profiles), DENY, 90);
  }

  private static Verdict judge(Chain chain) {
    return Judge.judge(Plan.of(chain), PACKET, Sets.NONE);
  }

  private static Verdict judge(Chain chain, Chain then) {
    Plan plan = new Plan(Plan.of(chain).cases(), Optional.of(Plan.of(then)));
    return Judge.judge(plan, PACKET, Sets.NONE);
  }

  @Test
  void theFirstRuleThatMatchesDecides() {
    Verdict verdict =
        judge(
            chain(
                List.of(
                    tier(
                        "t",
                        DENY,
                        80,
                        policy("p", miss(DENY, 1), rule(ALLOW, 2), rule(DENY, 3))))));
    assertThat(verdict).isEqualTo(new Verdict(true, 0, "t", "p", 1, 2, List.of(2L), false, true));
  }

  @Test
  void aPolicyWithoutMatchGoesOnToTheNext() {
    Verdict verdict =
        judge(
            chain(
                List.of(
                    tier("t", DENY, 80, policy("p", miss(ALLOW, 1)), policy("q", rule(DENY, 2))))));
    assertThat(verdict).isEqualTo(new Verdict(false, 0, "t", "q", 0, 2, List.of(2L), false, true));
  }

  @Test
  void theEndOfATierDenies() {
    Verdict verdict = judge(chain(List.of(tier("t", DENY, 80, policy("p", miss(ALLOW, 1))))));
    assertThat(verdict)
        .isEqualTo(new Verdict(false, 0, "t", "", -1, 80, List.of(80L), false, true));
  }

  @Test
  void theEndOfATierMayPass() {
    Verdict verdict =
        judge(
            chain(
                List.of(
                    tier("t", PASS, 80, policy("p", miss(ALLOW, 1))),
                    tier("u", DENY, 81, policy("q", rule(ALLOW, 2))))));
    assertThat(verdict)
        .isEqualTo(new Verdict(true, 0, "u", "q", 0, 2, List.of(80L, 2L), false, true));
  }

  @Test
  void passSkipsTheRestOfItsTier() {
    Verdict verdict =
        judge(
            chain(
                List.of(
                    tier("t", DENY, 80, policy("p", rule(PASS, 1)), policy("q", rule(DENY, 2))),
                    tier("u", DENY, 81, policy("r", rule(ALLOW, 3))))));
    assertThat(verdict)
        .isEqualTo(new Verdict(true, 0, "u", "r", 0, 3, List.of(1L, 3L), false, true));
  }

  @Test
  void passInTheLastTierAsksTheProfiles() {
    Verdict verdict =
        judge(
            chain(
                List.of(tier("t", DENY, 80, policy("p", rule(PASS, 1)))),
                policy("kns.a", miss(DENY, 2)),
                policy("kns.b", rule(ALLOW, 3))));
    assertThat(verdict)
        .isEqualTo(new Verdict(true, 0, "", "kns.b", 0, 3, List.of(1L, 3L), false, true));
  }

  @Test
  void passInAProfileIsNoMatch() {
    Verdict verdict = judge(chain(List.of(), policy("kns.a", rule(PASS, 2), rule(ALLOW, 3))));
    assertThat(verdict)
        .isEqualTo(new Verdict(true, 0, "", "kns.a", 1, 3, List.of(3L), false, true));
  }

  @Test
  void whereNobodyDecidesTheEndOfTheChainDoes() {
    assertThat(judge(chain(List.of(), policy("kns.a", miss(ALLOW, 1)))))
        .isEqualTo(new Verdict(false, 0, "", "", -1, 90, List.of(90L), false, true));
    assertThat(judge(Chain.ALLOW_ALL))
        .isEqualTo(new Verdict(true, 0, "", "", -1, 0, List.of(), false, true));
    assertThat(judge(Chain.DENY_ALL).allowed()).isFalse();
  }

  @Test
  void logDecidesNothing() {
    Verdict verdict =
        judge(
            chain(
                List.of(
                    tier("t", DENY, 80, policy("p", rule(LOG, 1), rule(LOG, 0), rule(ALLOW, 2))))));
    assertThat(verdict)
        .isEqualTo(new Verdict(true, 0, "t", "p", 2, 2, List.of(1L, 2L), true, true));
  }

  @Test
  void theFirstCaseThatAPacketMeetsIsAsked() {
    Plan plan =
        new Plan(
            List.of(
                new Plan.Case(0b11, 0b01, Chain.DENY_ALL),
                new Plan.Case(0b01, 0b01, Chain.ALLOW_ALL)));
    assertThat(Judge.judge(plan, PACKET.withFlags(0b101), Sets.NONE).allowed()).isFalse();
    assertThat(Judge.judge(plan, PACKET.withFlags(0b111), Sets.NONE).allowed()).isTrue();
    assertThat(Judge.judge(plan, PACKET.withFlags(0b110), Sets.NONE).allowed())
        .as("no case: denied")
        .isFalse();
  }

  @Test
  void whatAPlanAllowsTheNextIsAskedAbout() {
    Chain first = chain(List.of(tier("t", DENY, 80, policy("p", rule(ALLOW, 1)))));
    Chain denies = chain(List.of(tier("u", DENY, 81, policy("q", miss(ALLOW, 2)))));
    Chain allows = chain(List.of(), policy("r", rule(ALLOW, 3)));
    assertThat(judge(first, denies))
        .isEqualTo(new Verdict(false, 1, "u", "", -1, 81, List.of(1L, 81L), false, true));
    assertThat(judge(first, allows))
        .isEqualTo(new Verdict(true, 1, "", "r", 0, 3, List.of(1L, 3L), false, true));
    assertThat(judge(denies, allows))
        .as("who denies is the last to be asked")
        .isEqualTo(new Verdict(false, 0, "u", "", -1, 81, List.of(81L), false, true));
  }

  @Test
  void whatAPlanPassesTheNextIsAskedAboutAndOthersToo() {
    Chain allows = chain(List.of(), policy("r", rule(ALLOW, 3)));
    assertThat(judge(Chain.PASS_ALL, allows))
        .isEqualTo(new Verdict(true, 1, "", "r", 0, 3, List.of(3L), false, false));
    assertThat(judge(Chain.PASS_ALL, Chain.DENY_ALL).allowed()).isFalse();
  }
}
