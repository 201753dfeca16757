// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

/** The same for the debug variants, by helpers and without redirect_peer. */
class NodeSourcesDebugTest extends NodeSourcesTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(false, false);
  }

  @Override
  void use(ChainHarness shared) {
    super.use(shared);
    harness.debug();
    overlay.debug();
  }
}
