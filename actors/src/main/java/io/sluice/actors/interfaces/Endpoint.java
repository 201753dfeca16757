// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.kernel.layout.IfaceFlags;

/** What an interface is set up for: a workload behind it, or the world beyond the host. */
public sealed interface Endpoint permits Workload, HostEndpoint {
  /** The flag by which an element says that it is of this kind. */
  int kind();

  /** Whether an element is of the same kind. */
  default boolean isKindOf(int flags) {
    return (flags & (IfaceFlags.IFACE_WORKLOAD | IfaceFlags.IFACE_HOST)) == kind();
  }

  /** For people: " of" whom it is, or nothing. */
  String ofWhom();
}
