// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/**
 * Where a service takes connections; one service alone can have it.
 *
 * @param address the unspecified address stands for all of the node's own (node ports)
 */
public record Frontend(IpAddress address, int port, Protocol protocol) {
  @Override
  public String toString() {
    String host = address.isIpv6() ? "[" + address + "]" : address.toString();
    return host + ":" + port + "/" + protocol;
  }
}
