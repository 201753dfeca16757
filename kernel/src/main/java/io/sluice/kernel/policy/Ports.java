// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/**
 * Ports, both ends included.
 *
 * @param first 0 to 65535
 * @param last {@code first} to 65535
 */
public record Ports(int first, int last) {
  public Ports {
    if (first < 0 || last > 65535 || first > last) {
      throw new IllegalArgumentException(first + ":" + last + " are no ports");
    }
  }

  public boolean contains(int port) {
    return first <= port && port <= last;
  }

  @Override
  public String toString() {
    return first == last ? Integer.toString(first) : first + ":" + last;
  }
}
