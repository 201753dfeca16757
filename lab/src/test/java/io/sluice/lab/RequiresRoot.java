// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Marks tests that build real labs. Without root they are skipped with a line that says so; {@code
 * SLUICE_REQUIRE_KERNEL=1} makes that a failure.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresRoot.Condition.class)
public @interface RequiresRoot {
  /** Asks who we are. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if (root()) {
        return ConditionEvaluationResult.enabled("root");
      }
      if ("1".equals(System.getenv("SLUICE_REQUIRE_KERNEL"))) {
        throw new IllegalStateException(context.getDisplayName() + " needs root to build a lab");
      }
      String reason = "SKIPPED, no lab without root: " + context.getDisplayName();
      System.err.println(reason);
      return ConditionEvaluationResult.disabled(reason);
    }

    private static boolean root() {
      try {
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
      } catch (IOException e) {
        return false;
      }
    }
  }
}
