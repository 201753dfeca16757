// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.testing.RequiresKernel;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ClockTest {
  private static final long HOUR = 3_600_000_000_000L;

  @Test
  void oneReadingTellsTheFrequency() {
    for (int hz : new int[] {100, 250, 300, 1000}) {
      long start = -300L * hz & 0xffff_ffffL;
      for (int other : new int[] {100, 250, 300, 1000}) {
        assertThat(Clock.fits(start + 3600L * hz + 7, HOUR, other)).isEqualTo(hz == other);
      }
    }
  }

  @Test
  @RequiresKernel
  void jiffiesGrowAtTheirFrequency() {
    try (Clock clock = new Clock(Objects.SHIPPED)) {
      assertThat(clock.hz()).isIn(100, 250, 300, 1000);
      int start = clock.jiffies();
      long nanos = System.nanoTime();
      await().pollDelay(Duration.ofMillis(300)).until(() -> clock.jiffies() - start > 0);
      double seconds = (System.nanoTime() - nanos) / 1e9;
      assertThat((double) (clock.jiffies() - start))
          .isBetween(0.8 * seconds * clock.hz(), 1.2 * seconds * clock.hz() + 2);
    }
  }
}
