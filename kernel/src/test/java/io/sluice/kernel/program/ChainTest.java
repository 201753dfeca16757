// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.testing.RequiresKernel;
import org.junit.jupiter.api.extension.ExtendWith;

/** Tests of the chain of programs; each begins with a node without flows. */
@RequiresKernel
@ExtendWith(SharedChain.class)
abstract class ChainTest {
  ChainHarness harness;
  Pod a;
  Pod b;
  Pod c;

  /** The programs to be tested. */
  Chain.Variant variant() {
    return Chain.Variant.USUAL;
  }

  void use(ChainHarness shared) {
    harness = shared;
    harness.reset();
    a = harness.a;
    b = harness.b;
    c = harness.c;
  }
}
