// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;

/**
 * Addresses that share their first bits.
 *
 * @param address its bits after the prefix are 0
 * @param prefix bits
 */
public record Net(Ip address, int prefix) {
  public Net {
    int bits = address.family() == Family.IPV4 ? 32 : 128;
    if (prefix < 0 || prefix > bits || !address.masked(prefix).equals(address)) {
      throw new IllegalArgumentException(address + "/" + prefix + " is no network");
    }
  }

  public Family family() {
    return address.family();
  }

  public boolean contains(Ip other) {
    return other.family() == family() && other.masked(prefix).equals(address);
  }

  @Override
  public String toString() {
    return address + "/" + prefix;
  }
}
