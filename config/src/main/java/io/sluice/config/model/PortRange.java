// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.text.Text;

/**
 * Ports, both ends included.
 *
 * @param first 0 to 65535
 * @param last {@code first} to 65535
 */
public record PortRange(int first, int last) {
  /** The highest port. */
  public static final int MAX = 65535;

  public PortRange {
    if (first < 0 || last > MAX || first > last) {
      throw new IllegalArgumentException(first + ":" + last + " is not a port range in 0.." + MAX);
    }
  }

  /**
   * From {@code first:last}, or from one number.
   *
   * @throws IllegalArgumentException if the text is none; the message says so
   */
  public static PortRange parse(String text) {
    if (!text.matches("[0-9]{1,5}(:[0-9]{1,5})?")) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not a port range, write first:last");
    }
    int colon = text.indexOf(':');
    int first = Integer.parseInt(colon < 0 ? text : text.substring(0, colon));
    return new PortRange(first, colon < 0 ? first : Integer.parseInt(text.substring(colon + 1)));
  }

  @Override
  public String toString() {
    return first == last ? Integer.toString(first) : first + ":" + last;
  }
}
