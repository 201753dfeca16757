// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.IpAddress;
import io.sluice.config.text.Text;
import java.util.regex.Pattern;

/**
 * Parsers for texts that several kinds have. They throw IllegalArgumentException with the reason.
 */
final class Checks {
  private static final Pattern PORT_NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  private static final Pattern MAC = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");
  private static final Pattern INTERFACE = Pattern.compile("[^\\s/:]{1,15}");

  private Checks() {}

  /** An address that a service or an endpoint can have. */
  static IpAddress unicast(String text) {
    IpAddress address = IpAddress.parse(text);
    String what =
        address.isAny()
            ? "the unspecified address"
            : address.isLoopback()
                ? "a loopback address"
                : address.isLinkLocal()
                    ? "a link-local address"
                    : address.isMulticast() ? "a multicast address" : "";
    if (!what.isEmpty()) {
      throw new IllegalArgumentException(text + " is " + what + ", which cannot be used here");
    }
    return address;
  }

  /** The name of a service's port. */
  static String portName(String text) {
    if (text.length() > 63 || !PORT_NAME.matcher(text).matches()) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not a port name: lower-case letters, digits and -");
    }
    return text;
  }

  /** In lower case. */
  static String mac(String text) {
    if (!MAC.matcher(text).matches()) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not a MAC address, write ee:ee:ee:ee:ee:ee");
    }
    return text.toLowerCase(java.util.Locale.ROOT);
  }

  static String interfaceName(String text) {
    if (!INTERFACE.matcher(text).matches() || text.equals(".") || text.equals("..")) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not the name of an interface: at most 15 characters");
    }
    return text;
  }
}
