// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static io.sluice.persistence.StateFile.Standing.LOST;
import static io.sluice.persistence.StateFile.Standing.NEW;
import static io.sluice.persistence.StateFile.Standing.WHOLE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.persistence.StateFile.Identity;
import io.sluice.persistence.StateFile.Standing;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Three nodes of which two decide, if nothing else is said. */
final class CatchUpTest {
  private static Identity copy(String id, Standing standing, String... founders) {
    return new Identity(id, standing, Set.of(founders));
  }

  private static Optional<Set<String>> whole(Identity self, Identity... others) {
    return new CatchUp(self, 2, List.of(others)).whole();
  }

  @Test
  void aloneOneIsWholeAtOnce() {
    assertThat(new CatchUp(copy("a", NEW), 1, List.of()).whole()).contains(Set.of());
    assertThat(new CatchUp(copy("a", LOST), 1, List.of()).whole()).contains(Set.of());
  }

  @Test
  void asManyNewOnesAsDecideFound() {
    assertThat(whole(copy("a", NEW))).isEmpty();
    assertThat(whole(copy("a", NEW), copy("b", NEW))).contains(Set.of("a", "b"));
  }

  @Test
  void founderLearnsOfItFromAnother() {
    assertThat(whole(copy("b", NEW), copy("a", WHOLE, "a", "b"))).contains(Set.of("a", "b"));
  }

  @Test
  void newOneThatDidNotFoundReadsAsManyAsDecide() {
    assertThat(whole(copy("c", NEW), copy("a", WHOLE, "a", "b"))).isEmpty();
    assertThat(whole(copy("c", NEW), copy("a", WHOLE, "a", "b"), copy("b", WHOLE, "a", "b")))
        .contains(Set.of());
  }

  /** What the lost one acknowledged together with one other may be with that one only. */
  @Test
  void lostOneReadsAsManyAsDecide() {
    assertThat(whole(copy("b", LOST), copy("c", WHOLE))).isEmpty();
    assertThat(whole(copy("b", LOST), copy("c", WHOLE), copy("a", WHOLE))).contains(Set.of());
  }

  /** Who never counted never acknowledged: its empty copy says that it has nothing of it. */
  @Test
  void newCopyIsAnAnswer() {
    assertThat(whole(copy("b", LOST), copy("a", WHOLE), copy("c", NEW))).contains(Set.of());
  }

  @Test
  void lostCopiesAreNoHelp() {
    assertThat(whole(copy("b", LOST), copy("a", WHOLE), copy("c", LOST))).isEmpty();
    assertThat(whole(copy("b", LOST), copy("c", NEW))).isEmpty();
    assertThat(whole(copy("c", NEW), copy("b", LOST))).isEmpty();
  }
}
