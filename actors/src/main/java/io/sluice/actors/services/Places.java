// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Node;
import io.sluice.config.model.Pod;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.source.Snapshot;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Where endpoints are. Mostly they say so; of one that does not, in an EndpointSlice that somebody
 * wrote by hand, this node knows whether the address is its own or that of a pod of its own.
 */
final class Places {
  private final String nodeName;
  private Snapshot snapshot = Snapshot.EMPTY;
  private String zone = "";
  private Optional<Set<IpAddress>> own = Optional.empty();

  /**
   * @param nodeName this node, as the resources name it
   */
  Places(String nodeName) {
    this.nodeName = nodeName;
  }

  /** From now on by this view. */
  void look(Snapshot now) {
    snapshot = now;
    zone = node().map(node -> node.meta().labels().getOrDefault(Here.ZONE_LABEL, "")).orElse("");
    own = Optional.empty();
  }

  private Optional<Node> node() {
    return snapshot.find(Node.class, new ResourceKey(Kind.NODE, "", nodeName));
  }

  /** This node, for a service with these slices. */
  Here here(List<EndpointSlice> slices) {
    Set<IpAddress> addresses =
        slices.stream()
            .flatMap(slice -> slice.endpoints().stream())
            .filter(endpoint -> endpoint.nodeName().isEmpty())
            .map(endpoint -> endpoint.addresses().get(0))
            .filter(address -> own().contains(address))
            .collect(Collectors.toSet());
    return new Here(nodeName, zone, addresses);
  }

  /** Looked for only when somebody asks. */
  private Set<IpAddress> own() {
    if (own.isEmpty()) {
      Set<IpAddress> addresses = new HashSet<>();
      node().ifPresent(node -> node.addresses().forEach(a -> addresses.add(a.address())));
      for (Pod pod : snapshot.all(Pod.class)) {
        if (pod.nodeName().equals(nodeName) && !pod.finished()) {
          addresses.addAll(pod.podIps());
        }
      }
      for (WorkloadEndpoint endpoint : snapshot.all(WorkloadEndpoint.class)) {
        if (endpoint.node().equals(nodeName)) {
          endpoint.ipNetworks().stream().map(Cidr::address).forEach(addresses::add);
        }
      }
      own = Optional.of(addresses);
    }
    return own.get();
  }
}
