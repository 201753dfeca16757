// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.actors.services.ServiceName;
import io.sluice.agent.dump.Names;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Node;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.HashMap;
import java.util.Map;

/** Names of services from the promises of their IDs, and what the source says of the rest. */
final class ServiceNames implements Names {
  private record Place(String service, Ip address) {}

  private final Map<Integer, String> services = new HashMap<>();
  private final Map<Ip, String> nodes = new HashMap<>();
  private final Map<Place, String> endpoints = new HashMap<>();
  private final String thisNode;

  /**
   * @param ids by the text of the service port's name
   */
  ServiceNames(Map<String, Integer> ids, Snapshot snapshot, String thisNode) {
    this.thisNode = thisNode;
    ids.forEach(
        (text, id) -> {
          ServiceName name = ServiceName.parse(text);
          services.put(id, name.namespace() + "/" + name.name() + ":" + name.port());
        });
    for (Node node : snapshot.all(Node.class)) {
      node.addresses().forEach(a -> nodes.put(ip(a.address()), node.meta().name()));
    }
    for (EndpointSlice slice : snapshot.all(EndpointSlice.class)) {
      slice.service().ifPresent(service -> add(service, slice));
    }
  }

  private void add(ResourceKey service, EndpointSlice slice) {
    for (EndpointSlice.Endpoint endpoint : slice.endpoints()) {
      endpoints.put(
          new Place(service.namespace() + "/" + service.name(), ip(endpoint.addresses().get(0))),
          endpoint.terminating() ? "terminating" : endpoint.ready() ? "ready" : "unready");
    }
  }

  static Ip ip(IpAddress address) {
    Family family = address.family() == IpFamily.IPV4 ? Family.IPV4 : Family.IPV6;
    return new Ip(family, address.high(), address.low());
  }

  @Override
  public String service(int id) {
    return services.getOrDefault(id, Names.UNKNOWN.service(id));
  }

  @Override
  public String node(Ip address) {
    return nodes.getOrDefault(address, address.toString());
  }

  @Override
  public String thisNode() {
    return thisNode;
  }

  @Override
  public String endpoint(String service, Ip address, int port) {
    int colon = service.lastIndexOf(':');
    String name = colon < 0 ? service : service.substring(0, colon);
    return endpoints.getOrDefault(new Place(name, address), "live");
  }
}
