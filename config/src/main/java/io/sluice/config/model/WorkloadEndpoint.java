// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

/**
 * projectcalico.org/v3 WorkloadEndpoint: the host side of a workload's link. Absent texts are
 * empty.
 *
 * @param node the node it is on
 * @param pod the pod's name, in the namespace of this resource
 * @param interfaceName of the host side
 * @param ipNetworks the workload's addresses, each as a network of one address
 * @param mac of the workload's side; empty: unknown
 * @param allowedSources what else it may send from
 * @param qos its limits and marks
 */
public record WorkloadEndpoint(
    ObjectMeta meta,
    String node,
    String orchestrator,
    String workload,
    String pod,
    String endpoint,
    String interfaceName,
    List<Cidr> ipNetworks,
    List<IpNat> ipNats,
    String mac,
    List<String> profiles,
    List<EndpointPort> ports,
    String serviceAccountName,
    List<Cidr> allowedSources,
    QosControls qos)
    implements Resource {
  /** One-to-one address translation of a workload. */
  public record IpNat(IpAddress internal, IpAddress external) {}

  /**
   * A named port.
   *
   * @param hostPort 0: none
   * @param hostIp the unspecified address or empty: all of the host's
   */
  public record EndpointPort(
      String name, Protocol protocol, int port, int hostPort, String hostIp) {}

  public WorkloadEndpoint {
    ipNetworks = List.copyOf(ipNetworks);
    ipNats = List.copyOf(ipNats);
    profiles = List.copyOf(profiles);
    ports = List.copyOf(ports);
    allowedSources = List.copyOf(allowedSources);
  }

  @Override
  public Kind kind() {
    return Kind.WORKLOAD_ENDPOINT;
  }
}
