// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.asm.Disassembler;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What programs look like; what they say is in GeneratorPropertyTest. */
class PolicyGeneratorTest {
  private static Rule rule(Action action, int protocol, List<Net> nets, Ports... ports) {
    Place place = Place.of(nets, List.of(), List.of(ports));
    Match match = Match.of(OptionalInt.of(protocol), Place.ANY, place);
    return new Rule(action, match, 0);
  }

  private static Plan plan(List<Rule> rules) {
    Tier tier = new Tier("default", List.of(new Policy("p", rules)), Action.DENY, 0);
    return Plan.of(new Chain(List.of(tier), List.of(), Action.DENY, 0));
  }

  private static long count(Plan plan, String what) {
    return PolicyGenerator.generate(plan).pieces().stream()
        .flatMap(piece -> Disassembler.print(piece).lines())
        .filter(line -> line.contains(what))
        .count();
  }

  @Test
  void nameSaysWhatTheProgramIs() {
    Plan one = plan(List.of(rule(Action.ALLOW, 6, List.of(), new Ports(80, 80))));
    Plan same = plan(List.of(rule(Action.ALLOW, 6, List.of(), new Ports(80, 80))));
    Plan other = plan(List.of(rule(Action.ALLOW, 6, List.of(), new Ports(81, 81))));
    String name = PolicyGenerator.generate(one).name();
    assertThat(name).matches("p_[0-9a-f]{12}");
    assertThat(PolicyGenerator.generate(same).name()).isEqualTo(name);
    assertThat(PolicyGenerator.generate(other).name()).isNotEqualTo(name);
  }

  @Test
  void rulesThatBeginAlikeAskOnce() {
    List<Rule> rules = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      rules.add(rule(Action.ALLOW, 6, List.of(), new Ports(2 * i + 1, 2 * i + 1)));
    }
    // Of each family: the protocol once, the port once.
    assertThat(count(plan(rules), "r7 +72")).isEqualTo(2);
    assertThat(count(plan(rules), "r7 +66")).isEqualTo(2);
  }

  @Test
  void rulesOfTheOtherFamilyAreLeftOut() {
    Plan nothing = plan(List.of());
    List<Net> nets = List.of(new Net(Ip.parse("10.0.0.0"), 8));
    int added =
        PolicyGenerator.generate(plan(List.of(rule(Action.ALLOW, 6, nets)))).length()
            - PolicyGenerator.generate(nothing).length();
    List<Net> both = List.of(nets.get(0), new Net(Ip.any(Family.IPV6), 0));
    int addedOfBoth =
        PolicyGenerator.generate(plan(List.of(rule(Action.ALLOW, 6, both)))).length()
            - PolicyGenerator.generate(nothing).length();
    assertThat(added).isLessThan(addedOfBoth);
  }

  @Test
  void nothingIsWrittenThatNoPacketReaches() {
    Rule all = new Rule(Action.ALLOW, Match.ALL, 0);
    List<Rule> more = new ArrayList<>(List.of(all));
    more.addAll(
        LargePlans.plan(LargePlans.Kind.ALL, 10)
            .cases()
            .get(0)
            .chain()
            .tiers()
            .get(0)
            .policies()
            .get(0)
            .rules());
    assertThat(PolicyGenerator.generate(plan(more)).name())
        .isEqualTo(PolicyGenerator.generate(plan(List.of(all))).name());
  }

  @Test
  void piecesKnowEachOtherByNumberUntilTheyAreLoaded() {
    PolicyProgram program =
        PolicyGenerator.generate(
            LargePlans.plan(LargePlans.Kind.ALL, 50), new Pieces.Limits(200, 100, 20));
    assertThat(program.pieces()).hasSizeGreaterThan(3);
    List<String> loaded = new ArrayList<>();
    for (int piece = 0; piece < program.pieces().size(); piece++) {
      byte[] linked = program.linked(piece, number -> 20_000 + number);
      Disassembler.print(linked)
          .lines()
          .filter(line -> line.contains("r3 = 0x"))
          .forEach(loaded::add);
    }
    assertThat(loaded).isNotEmpty().allMatch(line -> line.matches(".*r3 = 0x4e[23].*"));
  }
}
