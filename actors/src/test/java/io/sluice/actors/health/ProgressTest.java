// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final Progress progress = new Progress();

  @Test
  void nothingIsUpToDateBeforeAnythingIsApplied() {
    assertThat(progress.upToDate(false, false, 0)).isEmpty();
    assertThat(progress.upToDate(true, false, 1)).isPresent();
  }

  @Test
  void whatNeverRestsIsAsUpToDateAsTheLookTwoRoundsAgo() {
    progress.upToDate(true, true, 10);
    long before = System.nanoTime();
    assertThat(progress.upToDate(true, false, 10)).isEmpty();
    long after = System.nanoTime();
    assertThat(progress.upToDate(true, false, 11)).isEmpty();
    assertThat(progress.upToDate(true, false, 12).orElseThrow()).isBetween(before, after);
    assertThat(progress.upToDate(true, false, 13)).isEmpty();
  }

  @Test
  void whatBeginsAnewAllTheTimeIsNotUpToDate() {
    progress.upToDate(true, true, 10);
    assertThat(progress.upToDate(true, false, 10)).isEmpty();
    long before = System.nanoTime();
    assertThat(progress.upToDate(true, false, 0)).isEmpty();
    assertThat(progress.upToDate(true, false, 1)).isEmpty();
    Optional<Long> at = progress.upToDate(true, false, 2);
    assertThat(at.orElseThrow()).isLessThan(before);
    assertThat(progress.upToDate(true, true, 2)).isPresent();
  }
}
