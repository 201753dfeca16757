// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Family;

/** The kernel's numbers for the address families (AF_*). */
final class AddressFamily {
  static final int UNSPEC = 0;
  private static final int INET = 2;
  private static final int INET6 = 10;

  private AddressFamily() {}

  static int of(Family family) {
    return family == Family.IPV4 ? INET : INET6;
  }

  /** Null for families other than the two. */
  static Family parse(int number) {
    return switch (number) {
      case INET -> Family.IPV4;
      case INET6 -> Family.IPV6;
      default -> null;
    };
  }
}
