// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Node;
import io.sluice.config.model.Pod;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Backends that are none of the cluster's, as services without selector may have: of no pod, no
 * node and no node's pod networks. The programs judge likewise, by the routes. Pure.
 */
public final class Strangers {
  private Strangers() {}

  /** Whether some service has such a backend. */
  public static boolean any(Snapshot snapshot) {
    Set<IpAddress> known = new HashSet<>();
    List<Cidr> networks = new ArrayList<>();
    for (Node node : snapshot.all(Node.class)) {
      node.addresses().forEach(address -> known.add(address.address()));
      networks.addAll(node.podCidrs());
    }
    snapshot.all(Pod.class).forEach(pod -> known.addAll(pod.podIps()));
    snapshot
        .all(WorkloadEndpoint.class)
        .forEach(endpoint -> endpoint.ipNetworks().forEach(net -> known.add(net.address())));
    return snapshot.all(EndpointSlice.class).stream()
        .filter(slice -> slice.service().isPresent())
        .flatMap(slice -> slice.endpoints().stream())
        .flatMap(endpoint -> endpoint.addresses().stream())
        .filter(address -> !known.contains(address))
        .anyMatch(address -> networks.stream().noneMatch(net -> net.contains(address)));
  }
}
