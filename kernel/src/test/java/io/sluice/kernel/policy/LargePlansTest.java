// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.testing.RequiresKernel;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Plans of many rules pass the verifier, and still say the same. */
@RequiresKernel
class LargePlansTest {
  private PolicyRig rig;

  @BeforeEach
  void make() {
    rig = new PolicyRig();
  }

  @AfterEach
  void close() {
    rig.close();
  }

  @ParameterizedTest
  @CsvSource({
    "PORT, 10", "PORT, 1000", "PORT, 10000",
    "NET, 10", "NET, 1000", "NET, 10000",
    "SET, 10", "SET, 1000", "SET, 10000",
    "ALL, 10", "ALL, 1000", "ALL, 5000"
  })
  @Tag("INV-PROG-5")
  void passTheVerifier(LargePlans.Kind kind, int rules) {
    long begun = System.nanoTime();
    PolicyProgram program = PolicyGenerator.generate(LargePlans.plan(kind, rules));
    long generated = System.nanoTime() - begun;
    long loaded = rig.load(program);
    rig.putSets(LargePlans.sets(kind, rules));
    long first = LargePlans.FIRST_ID;
    Set<Long> ids =
        LongStream.rangeClosed(first - 1, first + rules).boxed().collect(Collectors.toSet());
    rig.count(ids);
    for (Family family : Family.values()) {
      for (int rule : new int[] {0, 1, rules / 2, rules - 2, rules - 1}) {
        assertThat(rig.judge(LargePlans.packet(kind, family, rule)))
            .as("%s, rule %d", family, rule)
            .isEqualTo(PolicyRig.ALLOWED);
      }
      assertThat(rig.judge(LargePlans.packet(kind, family, rules))).isEqualTo(PolicyRig.DENIED);
      rig.judge(LargePlans.packet(kind, family, rules - 1), 1000);
      System.out.printf(
          "%s by %s, %s: %d pieces, %d instructions, generated in %d ms, loaded in %d ms, last %d ns%n",
          rules,
          kind,
          family,
          program.pieces().size(),
          program.length(),
          generated / 1_000_000,
          loaded / 1_000_000,
          rig.nanos());
    }
    Map<Long, Long> hits = rig.hits();
    assertThat(hits.get(first)).isEqualTo(2);
    assertThat(hits.get(first + rules - 1)).isEqualTo(2002);
    assertThat(hits.get(first - 1)).as("the end").isEqualTo(2);
  }

  @Test
  void moreThanProgramsCanHoldIsRefusedInOneLine() {
    Plan plan = LargePlans.plan(LargePlans.Kind.ALL, 60_000 / 2);
    assertThatExceptionOfType(PolicyTooLargeException.class)
        .isThrownBy(() -> PolicyGenerator.generate(plan, new Pieces.Limits(28_000, 7_500, 5)))
        .withMessageMatching("policy has 30000 rules; about [0-9]+ fit");
  }
}
