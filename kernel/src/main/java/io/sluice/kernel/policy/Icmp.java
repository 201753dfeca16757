// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.OptionalInt;

/**
 * Messages of ICMP, or of ICMPv6 for an IPv6 packet.
 *
 * @param code empty: any
 */
public record Icmp(int type, OptionalInt code) {
  public boolean matches(int otherType, int otherCode) {
    return type == otherType && (code.isEmpty() || code.getAsInt() == otherCode);
  }
}
