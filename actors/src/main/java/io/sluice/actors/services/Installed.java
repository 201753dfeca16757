// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.List;

/**
 * A service as the kernel's maps have it.
 *
 * @param base first element of its span
 * @param count elements of its span; 0: it has none, and refuses
 * @param slots what the span holds, in order
 * @param broken whether the kernel holds something that we would not write: it is to be rewritten
 */
record Installed(
    int id, Family family, long owner, int base, int count, List<Slot> slots, boolean broken) {
  /** One element: a backend and its ID. */
  record Slot(Endpoint endpoint, int id) {}

  Installed {
    slots = List.copyOf(slots);
  }

  List<Endpoint> endpoints() {
    return slots.stream().map(Slot::endpoint).toList();
  }

  /** The element of the map services. */
  Service value() {
    int flags =
        ServiceFlags.SERVICE_IN_USE | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0);
    return new Service(base, count, 0, flags, 0, owner);
  }
}
