// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpAddress;
import java.util.Set;

/**
 * This node, as far as it decides which backends its clients get.
 *
 * @param node its name
 * @param zone of its label; empty: it has none
 * @param addresses of endpoints that do not name their node, and are here
 */
record Here(String node, String zone, Set<IpAddress> addresses) {
  /** The label of nodes that names their zone. */
  static final String ZONE_LABEL = "topology.kubernetes.io/zone";

  Here {
    addresses = Set.copyOf(addresses);
  }

  /** Whether an endpoint is on this node. */
  boolean has(EndpointSlice.Endpoint endpoint) {
    return endpoint.nodeName().isEmpty()
        ? addresses.contains(endpoint.addresses().get(0))
        : endpoint.nodeName().equals(node);
  }
}
