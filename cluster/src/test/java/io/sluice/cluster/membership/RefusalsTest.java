// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cluster.membership.Formation.Heard;
import io.sluice.cluster.membership.Formation.Here;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whom a node does not join, and what it says then. */
@Tag("INV-CL-3")
final class RefusalsTest {
  private static final Who SELF = new Who("n1", "10.0.0.1:25520", 1);
  private static final Who OTHER = new Who("n2", "10.0.0.2:25520", 2);

  private static Heard heard(Who who, Duration ahead, Who... members) {
    return new Heard(new Here(who, 0, 0, List.of(members)), 0, ahead);
  }

  private static List<String> refusals(Heard... heard) {
    return Refusals.of(SELF, List.of(heard));
  }

  @Test
  void othersAreJoined() {
    Who formerLife = new Who("n1", SELF.address(), 7);

    assertThat(refusals(heard(OTHER, Duration.ofSeconds(-9), OTHER, formerLife))).isEmpty();
  }

  @Test
  void aClockThatIsFarOffIsTold() {
    assertThat(refusals(heard(OTHER, Duration.ofSeconds(-11))))
        .containsExactly(
            "the clock of node n2 (10.0.0.2:25520) is 11 s behind this node's: set the time of one"
                + " of them");
    assertThat(refusals(heard(OTHER, Duration.ofMinutes(2))))
        .containsExactly(
            "the clock of node n2 (10.0.0.2:25520) is 120 s ahead of this node's: set the time of"
                + " one of them");
  }

  /** If only by hearsay: that node may not be a seed. */
  @Test
  void aNodeOfTheSameNameIsTold() {
    Who namesake = new Who("n1", "10.0.0.3:25520", 3);

    assertThat(refusals(heard(OTHER, Duration.ZERO, OTHER, namesake)))
        .containsExactly(
            "node name n1 is that of the node at 10.0.0.3:25520, too: give one of them another"
                + " node-name");
  }
}
