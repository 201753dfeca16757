// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import io.sluice.config.model.IpAddress;
import java.util.Comparator;

/**
 * A backend of a Maglev service. Ordered by address, then port: the order in which backends take
 * turns.
 *
 * @param weight 1 to {@value #MAX_WEIGHT}: its share of the slots, against the others'
 */
public record Backend(IpAddress address, int port, int weight) implements Comparable<Backend> {
  /** The most that one backend may weigh. */
  public static final int MAX_WEIGHT = 100;

  private static final Comparator<Backend> ORDER =
      Comparator.comparing(Backend::address)
          .thenComparingInt(Backend::port)
          .thenComparingInt(Backend::weight);

  public Backend {
    if (port < 0 || port > 0xffff) {
      throw new IllegalArgumentException("port " + port + " is not in 0..65535");
    }
    if (weight < 1 || weight > MAX_WEIGHT) {
      throw new IllegalArgumentException("weight " + weight + " is not in 1.." + MAX_WEIGHT);
    }
  }

  @Override
  public int compareTo(Backend other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    String host = address.isIpv6() ? "[" + address + "]" : address.toString();
    return host + ":" + port + (weight == 1 ? "" : "*" + weight);
  }
}
