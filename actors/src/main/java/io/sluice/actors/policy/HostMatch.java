// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.host.Addresses;
import io.sluice.config.model.HostEndpoint;
import io.sluice.kernel.layout.Ip;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which HostEndpoint is which interface's: the one that names it, else the one that expects one of
 * its addresses, else the one that is for all of them. Of several alike the older has it. One for
 * all is not for loopback: what a node says to itself is nobody's to deny.
 *
 * @param byNic by interface
 * @param general the one that is for all interfaces
 * @param problems a line for each that has no interface, or not all
 */
record HostMatch(
    SortedMap<String, HostEndpoint> byNic, Optional<HostEndpoint> general, List<String> problems) {
  private static final String ALL = "*";
  private static final String LOOPBACK = "lo";

  private static final Comparator<HostEndpoint> OLDEST_FIRST =
      Comparator.comparing((HostEndpoint e) -> e.meta().creationTimestamp().orElse(Instant.MAX))
          .thenComparing(HostEndpoint::key);

  /**
   * @param endpoints of this node
   * @param hosts this node's host interfaces, with their addresses
   */
  static HostMatch of(Collection<HostEndpoint> endpoints, SortedMap<String, Set<Ip>> hosts) {
    List<HostEndpoint> inOrder = endpoints.stream().sorted(OLDEST_FIRST).toList();
    SortedMap<String, HostEndpoint> byNic = new TreeMap<>();
    List<String> problems = new ArrayList<>();
    Map<HostEndpoint, HostEndpoint> olders = new HashMap<>();
    for (int rank = 0; rank < 3; rank++) {
      Map<String, HostEndpoint> ofRank = new HashMap<>();
      for (HostEndpoint endpoint : inOrder) {
        if (rank(endpoint) == rank) {
          for (String nic : nics(endpoint, hosts)) {
            HostEndpoint older = ofRank.putIfAbsent(nic, endpoint);
            if (older != null) {
              olders.putIfAbsent(endpoint, older);
            }
          }
        }
      }
      ofRank.forEach(byNic::putIfAbsent);
    }
    Set<HostEndpoint> placed = new HashSet<>(byNic.values());
    for (HostEndpoint endpoint : inOrder) {
      if (olders.containsKey(endpoint)) {
        problems.add(
            "%s: its interface is that of %s, which is older"
                .formatted(endpoint.key(), olders.get(endpoint).key()));
      } else if (!placed.contains(endpoint) && nics(endpoint, hosts).isEmpty()) {
        problems.add(nowhere(endpoint));
      }
    }
    Optional<HostEndpoint> general =
        inOrder.stream().filter(e -> e.interfaceName().equals(ALL)).findFirst();
    return new HostMatch(byNic, general, problems);
  }

  private static String nowhere(HostEndpoint endpoint) {
    String what =
        endpoint.interfaceName().isEmpty()
            ? "no host interface of this node has one of its expectedIPs"
            : endpoint.interfaceName().equals(ALL)
                ? "this node has no host interfaces"
                : "this node has no host interface " + endpoint.interfaceName();
    // One for all may still be asked about what workloads send to the node.
    String so = endpoint.interfaceName().equals(ALL) ? "enforced on none" : "not enforced";
    return endpoint.key() + ": " + what + " (bpfDataIfacePattern): it is " + so;
  }

  private static int rank(HostEndpoint endpoint) {
    if (endpoint.interfaceName().equals(ALL)) {
      return 2;
    }
    return endpoint.interfaceName().isEmpty() ? 1 : 0;
  }

  private static List<String> nics(HostEndpoint endpoint, SortedMap<String, Set<Ip>> hosts) {
    String name = endpoint.interfaceName();
    if (name.equals(ALL)) {
      return hosts.keySet().stream().filter(nic -> !nic.equals(LOOPBACK)).toList();
    }
    if (!name.isEmpty()) {
      return hosts.containsKey(name) ? List.of(name) : List.of();
    }
    List<Ip> expected = endpoint.expectedIps().stream().map(Addresses::ip).toList();
    return hosts.keySet().stream()
        .filter(nic -> expected.stream().anyMatch(hosts.get(nic)::contains))
        .toList();
  }
}
