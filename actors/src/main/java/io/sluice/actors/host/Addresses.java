// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import io.sluice.config.model.IpAddress;
import io.sluice.kernel.layout.Ip;

/** Addresses of the resource model as those of the maps. */
public final class Addresses {
  private Addresses() {}

  public static Ip ip(IpAddress address) {
    return Ip.of(address.bytes());
  }
}
