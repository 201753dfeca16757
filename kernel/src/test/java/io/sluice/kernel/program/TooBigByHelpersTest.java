// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

/** The same where programs cannot see how far a packet's checksum is. */
class TooBigByHelpersTest extends TooBigTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(false, false);
  }
}
