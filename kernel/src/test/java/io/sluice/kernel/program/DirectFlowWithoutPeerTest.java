// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

/** The same with redirect_peer switched off: answers pass the client's program, too. */
class DirectFlowWithoutPeerTest extends DirectFlowTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(false, false);
  }
}
