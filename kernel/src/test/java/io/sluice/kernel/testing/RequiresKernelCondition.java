// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.testing;

import io.sluice.kernel.sys.Privileges;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Judges {@link RequiresKernel}. */
public final class RequiresKernelCondition implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    Optional<String> complaint = Privileges.complaint();
    if (complaint.isEmpty()) {
      return ConditionEvaluationResult.enabled("privileged");
    }
    if ("1".equals(System.getenv("SLUICE_REQUIRE_KERNEL"))) {
      throw new IllegalStateException("SLUICE_REQUIRE_KERNEL=1, but " + complaint.get());
    }
    System.err.println("SKIPPED " + context.getDisplayName() + ": " + complaint.get());
    return ConditionEvaluationResult.disabled(complaint.get());
  }
}
