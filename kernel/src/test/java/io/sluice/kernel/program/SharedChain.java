// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** Loads a variant of the chain once for all test classes, for the verifier takes its time. */
final class SharedChain implements BeforeAllCallback {
  private final Chain.Variant variant;
  private ChainHarness harness;

  SharedChain(Chain.Variant variant) {
    this.variant = variant;
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    // The root's store closes what is in it after the last test.
    harness =
        context
            .getRoot()
            .getStore(Namespace.create(SharedChain.class))
            .getOrComputeIfAbsent(variant, ChainHarness::new, ChainHarness.class);
  }

  ChainHarness harness() {
    return harness;
  }
}
