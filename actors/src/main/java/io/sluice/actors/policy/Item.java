// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.ResourceKey;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.Net;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What selectors find: an endpoint of any node, or a network set.
 *
 * @param labels with all that it inherits
 * @param nets of a network set, and a host endpoint's addresses
 * @param addresses of a workload: several workloads may claim one, and only one has it
 * @param profiles by name, in order; endpoints alone
 * @param created {@link Instant#MIN}: unknown
 */
record Item(
    ResourceKey key,
    Map<String, String> labels,
    List<Net> nets,
    List<Ip> addresses,
    List<NamedPort> ports,
    List<String> profiles,
    Instant created) {
  /**
   * A port that has a name.
   *
   * @param protocol its number
   */
  record NamedPort(String name, int protocol, int port) {}

  Item {
    labels = Map.copyOf(labels);
    nets = List.copyOf(nets);
    addresses = List.copyOf(addresses);
    ports = List.copyOf(ports);
    profiles = List.copyOf(profiles);
  }
}
