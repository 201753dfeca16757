// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Marks tests that change the running kernel's state, for which they need root's capabilities.
 * Without them the tests are skipped with a line that says so; {@code SLUICE_REQUIRE_KERNEL=1}
 * makes that a failure.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(RequiresKernelCondition.class)
public @interface RequiresKernel {}
