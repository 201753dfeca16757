// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

/** The same on kernels that do not let programs see the packet's checksum state. */
class ServiceNatByHelpersTest extends ServiceNatTest {
  @Override
  Chain.Variant variant() {
    return new Chain.Variant(true, false);
  }
}
