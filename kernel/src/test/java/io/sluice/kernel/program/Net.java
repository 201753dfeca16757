// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;

/** The addresses of one family in the tests' small world: three pods of this node, and others. */
record Net(Family family, Ip a, Ip b, Ip c, Ip service, Ip client, Ip remotePod) {
  private static final Net V4 =
      new Net(
          Family.IPV4,
          Ip.parse("10.244.1.2"),
          Ip.parse("10.244.1.3"),
          Ip.parse("10.244.1.4"),
          Ip.parse("10.96.0.10"),
          Ip.parse("192.168.99.2"),
          Ip.parse("10.244.2.2"));
  private static final Net V6 =
      new Net(
          Family.IPV6,
          Ip.parse("fd00:244:1::2"),
          Ip.parse("fd00:244:1::3"),
          Ip.parse("fd00:244:1::4"),
          Ip.parse("fd00:96::10"),
          Ip.parse("fd00:99::2"),
          Ip.parse("fd00:244:2::2"));

  static Net of(Family family) {
    return family == Family.IPV4 ? V4 : V6;
  }

  int icmpProto() {
    return family == Family.IPV4 ? 1 : 58;
  }
}
