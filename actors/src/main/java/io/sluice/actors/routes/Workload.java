// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import io.sluice.kernel.layout.Ip;
import java.util.Set;

/** The addresses behind a workload interface. */
record Workload(int ifindex, Set<Ip> addresses) {
  Workload {
    addresses = Set.copyOf(addresses);
  }
}
