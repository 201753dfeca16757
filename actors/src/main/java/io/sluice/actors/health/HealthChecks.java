// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Node;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import io.sluice.config.source.Snapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the health check ports of a view's services should answer.
 *
 * @param checks by port
 * @param problems ports that a service asks for in vain, by what they are
 * @param leaving this node is about to be deleted
 */
record HealthChecks(
    SortedMap<Integer, Check> checks, SortedMap<String, String> problems, boolean leaving) {
  /** As it is for frontends: what two claim, the older one has. */
  private static final Comparator<Service> CLAIM_ORDER =
      Comparator.<Service, Instant>comparing(s -> s.meta().creationTimestamp().orElse(Instant.MAX))
          .thenComparing(Service::key);

  /**
   * One service's answer.
   *
   * @param localEndpoints that are on this node and ready
   */
  record Check(String namespace, String name, int localEndpoints) {
    @Override
    public String toString() {
      return namespace + "/" + name;
    }
  }

  /**
   * @param node this one, as resources name it
   * @param own the port of the agent's own healthz, which no service gets; 0: none
   */
  static HealthChecks of(Snapshot snapshot, String node, int own) {
    Map<ResourceKey, List<EndpointSlice>> slices = new HashMap<>();
    for (EndpointSlice slice : snapshot.all(EndpointSlice.class)) {
      slice
          .service()
          .ifPresent(key -> slices.computeIfAbsent(key, none -> new ArrayList<>()).add(slice));
    }
    SortedMap<Integer, Check> checks = new TreeMap<>();
    SortedMap<String, String> problems = new TreeMap<>();
    snapshot.all(Service.class).stream()
        .filter(HealthChecks::isAsked)
        .sorted(CLAIM_ORDER)
        .forEach(
            service -> {
              int port = service.healthCheckNodePort();
              int count = localEndpoints(service, slices.get(service.key()), node);
              Check check = new Check(service.meta().namespace(), service.meta().name(), count);
              String holder =
                  port == own ? "this node's own (bpfKubeProxyHealthzPort)" : owner(checks, port);
              if (holder.isEmpty()) {
                checks.put(port, check);
              } else {
                problems.put(name(port, check), "is not open for it: the port is " + holder);
              }
            });
    return new HealthChecks(checks, problems, isLeaving(snapshot, node));
  }

  /** What a service's port is called in problems. */
  static String name(int port, Check check) {
    return "health check port " + port + " of service " + check;
  }

  private static String owner(Map<Integer, Check> checks, int port) {
    Check older = checks.get(port);
    return older == null ? "" : older + "'s, which is older";
  }

  private static boolean isAsked(Service service) {
    return service.type() == Service.Type.LOAD_BALANCER
        && service.externalTrafficPolicy() == Service.TrafficPolicy.LOCAL
        && service.healthCheckNodePort() != 0;
  }

  private static boolean isLeaving(Snapshot snapshot, String node) {
    return snapshot.all(Node.class).stream()
        .anyMatch(resource -> resource.meta().name().equals(node) && resource.leaving());
  }

  /**
   * Endpoints are told apart by address, as kube-proxy does, whatever ports they have. A pod with
   * an address of each family is one endpoint.
   */
  private static int localEndpoints(Service service, List<EndpointSlice> slices, String node) {
    if (slices == null) {
      return 0;
    }
    Map<IpFamily, Set<IpAddress>> local = new EnumMap<>(IpFamily.class);
    for (EndpointSlice slice : slices) {
      if (slice.ports().stream().noneMatch(port -> isOf(service, port))) {
        continue;
      }
      for (EndpointSlice.Endpoint endpoint : slice.endpoints()) {
        boolean ready = endpoint.ready() || service.publishNotReadyAddresses();
        if (ready && !endpoint.terminating() && endpoint.nodeName().equals(node)) {
          local
              .computeIfAbsent(slice.addressType(), none -> new HashSet<>())
              .add(endpoint.addresses().get(0));
        }
      }
    }
    return local.values().stream().mapToInt(Set::size).max().orElse(0);
  }

  private static boolean isOf(Service service, EndpointSlice.EndpointPort target) {
    return target.port() != 0
        && service.ports().stream()
            .anyMatch(
                port -> port.name().equals(target.name()) && port.protocol() == target.protocol());
  }
}
