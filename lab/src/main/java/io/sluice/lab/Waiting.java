// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for what nobody announces. */
final class Waiting {
  private static final Duration SHORT_STEP = Duration.ofMillis(20);

  private Waiting() {}

  /**
   * Returns once the condition holds; asks every 20 ms.
   *
   * @throws LabException with that message, if it does not hold in time
   */
  static void until(Duration patience, BooleanSupplier condition, Supplier<String> otherwise) {
    until(patience, SHORT_STEP, condition, otherwise);
  }

  /** As above, for what is dear to ask. */
  static void until(
      Duration patience, Duration step, BooleanSupplier condition, Supplier<String> otherwise) {
    long end = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new LabException(otherwise.get());
      }
      try {
        Thread.sleep(step.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new LabException("interrupted", e);
      }
    }
  }
}
