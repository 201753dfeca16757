// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** Loads each variant of the chain once for all test classes, for the verifier takes its time. */
final class SharedChain implements BeforeEachCallback {
  @Override
  public void beforeEach(ExtensionContext context) {
    ChainTest test = (ChainTest) context.getRequiredTestInstance();
    // The root's store closes what is in it after the last test.
    test.use(
        context
            .getRoot()
            .getStore(Namespace.create(SharedChain.class))
            .getOrComputeIfAbsent(test.variant(), ChainHarness::new, ChainHarness.class));
  }
}
