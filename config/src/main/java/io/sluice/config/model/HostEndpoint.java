// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

/**
 * projectcalico.org/v3 HostEndpoint.
 *
 * @param interfaceName {@code *}: all of the node's; empty: the one with one of {@code expectedIps}
 * @param ports that rules may name
 */
public record HostEndpoint(
    ObjectMeta meta,
    String node,
    String interfaceName,
    List<IpAddress> expectedIps,
    List<String> profiles,
    List<WorkloadEndpoint.EndpointPort> ports)
    implements Resource {
  public HostEndpoint {
    expectedIps = List.copyOf(expectedIps);
    profiles = List.copyOf(profiles);
    ports = List.copyOf(ports);
  }

  @Override
  public Kind kind() {
    return Kind.HOST_ENDPOINT;
  }
}
