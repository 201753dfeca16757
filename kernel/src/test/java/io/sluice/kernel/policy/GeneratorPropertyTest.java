// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.testing.RequiresKernel;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Generated programs in the kernel against what the plan means. */
@RequiresKernel
class GeneratorPropertyTest {
  private static final int PLANS = 500;
  private static final int PACKETS = 250;

  /** So small that ordinary plans take several pieces. */
  private static final Pieces.Limits SMALL = new Pieces.Limits(150, 60, 28);

  private PolicyRig rig;

  @BeforeEach
  void make() {
    rig = new PolicyRig();
  }

  @AfterEach
  void close() {
    rig.close();
  }

  /** The first seed, to have the same plans and packets again; else others each time. */
  private static long seed() {
    String given = System.getProperty("sluice.test.seed");
    return given == null ? new Random().nextLong() : Long.parseLong(given);
  }

  @Test
  @Tag("INV-PROG-5")
  void programsSayWhatThePlanSays() {
    Random seeds = new Random(seed());
    for (int i = 0; i < PLANS; i++) {
      check(seeds.nextLong(), Pieces.Limits.KERNEL);
    }
  }

  @Test
  void programsOfManyPiecesSayWhatThePlanSays() {
    Random seeds = new Random(seed());
    for (int i = 0; i < PLANS / 5; i++) {
      check(seeds.nextLong(), SMALL);
    }
  }

  private void check(long seed, Pieces.Limits limits) {
    RandomPlans plans = new RandomPlans(seed);
    Plan plan = plans.plan();
    try {
      rig.load(PolicyGenerator.generate(plan, limits));
    } catch (PolicyTooLargeException e) {
      return; // by limits of the test's own
    } catch (RuntimeException e) {
      throw new AssertionError("plan of seed " + seed + ": " + plan, e);
    }
    rig.clearSets();
    rig.putSets(plans.sets().values());
    rig.count(plans.ids());
    Sets sets = Sets.of(plans.sets());
    Map<Long, Long> hits = new HashMap<>();
    for (int i = 0; i < PACKETS; i++) {
      PacketView packet = plans.packet();
      Verdict verdict = Judge.judge(plan, packet, sets);
      verdict.hits().forEach(id -> hits.merge(id, 1L, Long::sum));
      int wanted = verdict.allowed() ? PolicyRig.ALLOWED : PolicyRig.DENIED;
      int actual = rig.judge(packet);
      boolean logged = rig.logged();
      boolean decided = rig.decided();
      if (actual != wanted || logged != verdict.logged() || decided != verdict.decided()) {
        throw new AssertionError(
            "seed %d, packet %d: %s%nsays %d, noted %s, decided %s, instead of %s%n%s"
                .formatted(seed, i, packet, actual, logged, decided, verdict, plan));
      }
    }
    assertThat(rig.hits()).as("hits of seed " + seed).isEqualTo(hits);
  }
}
