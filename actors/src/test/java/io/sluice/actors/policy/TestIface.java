// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;

/** Elements of workload interfaces. */
final class TestIface {
  private TestIface() {}

  static Iface of(String nic, int in, int out) {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD | IfaceFlags.IFACE_READY4;
    return new Iface(flags, in, out, 0, 0, Ip.ANY4, Ip.ANY6, nic, 0);
  }
}
