// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Ip;

/** Where a backend listens. */
public record Endpoint(Ip ip, int port) implements Comparable<Endpoint> {
  /** The key of the promise of a backend ID. */
  String key(int service) {
    return service + "/" + ip + "/" + port;
  }

  @Override
  public int compareTo(Endpoint other) {
    int byIp = ip.compareTo(other.ip);
    return byIp != 0 ? byIp : Integer.compare(port, other.port);
  }
}
