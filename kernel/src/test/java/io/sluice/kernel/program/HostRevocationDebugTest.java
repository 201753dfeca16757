// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

/** The same for the debug variants, by helpers. */
class HostRevocationDebugTest extends HostRevocationTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(true, false);
  }

  @Override
  void use(ChainHarness shared) {
    super.use(shared);
    debug();
  }
}
