// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;

/** A workload of the tests' small world. */
record Pod(String name, int ifindex, Ip addr4, Ip addr6) {
  Ip addr(Family family) {
    return family == Family.IPV4 ? addr4 : addr6;
  }
}
