// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for what nobody announces. */
final class Waiting {
  private static final long STEP_MILLIS = 20;

  private Waiting() {}

  /**
   * Returns once the condition holds.
   *
   * @throws LabException with that message, if it does not hold in time
   */
  static void until(Duration patience, BooleanSupplier condition, Supplier<String> otherwise) {
    long end = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new LabException(otherwise.get());
      }
      try {
        Thread.sleep(STEP_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new LabException("interrupted", e);
      }
    }
  }
}
