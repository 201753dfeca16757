// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;
import java.util.Optional;

/**
 * discovery.k8s.io/v1 EndpointSlice.
 *
 * @param addressType the family of all its addresses
 * @param ports hold for each endpoint
 */
public record EndpointSlice(
    ObjectMeta meta, IpFamily addressType, List<Endpoint> endpoints, List<EndpointPort> ports)
    implements Resource {
  /** The label that names the service. */
  public static final String SERVICE_LABEL = "kubernetes.io/service-name";

  /**
   * One backend.
   *
   * @param addresses at least one; Kubernetes' proxies use the first
   * @param ready may take new connections; unknown counts as ready
   * @param serving answers, whether terminating or not; unknown counts as serving
   * @param terminating is shutting down
   * @param nodeName empty: unknown
   * @param zone empty: unknown
   * @param hintZones zones that should use it; empty: no hint
   * @param hintNodes nodes that should use it; empty: no hint
   * @param targetRef what it belongs to, mostly a pod
   */
  public record Endpoint(
      List<IpAddress> addresses,
      boolean ready,
      boolean serving,
      boolean terminating,
      String nodeName,
      String zone,
      List<String> hintZones,
      List<String> hintNodes,
      Optional<TargetRef> targetRef) {
    public Endpoint {
      addresses = List.copyOf(addresses);
      hintZones = List.copyOf(hintZones);
      hintNodes = List.copyOf(hintNodes);
    }
  }

  /** What an endpoint belongs to; absent texts are empty. */
  public record TargetRef(String kind, String namespace, String name) {}

  /**
   * A port of all endpoints.
   *
   * @param name matches the name of the service's port; empty: the port without name
   * @param port 0: not given, for any port
   */
  public record EndpointPort(String name, Protocol protocol, int port, String appProtocol) {}

  public EndpointSlice {
    endpoints = List.copyOf(endpoints);
    ports = List.copyOf(ports);
  }

  @Override
  public Kind kind() {
    return Kind.ENDPOINT_SLICE;
  }

  /** The service whose backends these are; empty without the label. */
  public Optional<ResourceKey> service() {
    String name = meta.labels().getOrDefault(SERVICE_LABEL, "");
    return name.isEmpty()
        ? Optional.empty()
        : Optional.of(new ResourceKey(Kind.SERVICE, meta.namespace(), name));
  }
}
