// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips, or with {@code SLUICE_REQUIRE_KERNEL=1} fails, what builds a lab without root. */
final class NeedsRoot implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (isRoot()) {
      return ConditionEvaluationResult.enabled("root");
    }
    if ("1".equals(System.getenv("SLUICE_REQUIRE_KERNEL"))) {
      throw new IllegalStateException(context.getDisplayName() + " needs root to build a lab");
    }
    String reason = "SKIPPED, no lab without root: " + context.getDisplayName();
    System.err.println(reason);
    return ConditionEvaluationResult.disabled(reason);
  }

  private static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    } catch (IOException e) {
      return false;
    }
  }
}
