// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.testing.RequiresKernel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Tests of the programs as they are loaded usually; each begins with a node without flows. */
@RequiresKernel
abstract class ChainTest {
  @RegisterExtension static final SharedChain SHARED = new SharedChain(Chain.Variant.USUAL);

  ChainHarness harness;
  Pod a;
  Pod b;
  Pod c;

  @BeforeEach
  void reset() {
    harness = SHARED.harness();
    harness.reset();
    a = harness.a;
    b = harness.b;
    c = harness.c;
  }
}
