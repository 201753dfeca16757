// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Service;
import io.sluice.config.model.Service.ServicePort;
import io.sluice.config.model.Service.TrafficPolicy;
import io.sluice.config.model.Weights;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * From a Kubernetes service and its EndpointSlices to what the maps should say of it: kube-proxy's
 * rules (SVC-10).
 */
final class ServiceRules {
  /**
   * @param services one for each port and family that has a cluster IP
   * @param notices what the service asks for and does not get, in words
   */
  record Computed(List<WantedService> services, List<String> notices) {}

  private final Service service;
  private final Map<Family, List<EndpointSlice>> slices;
  private final Set<Frontend> taken;
  private final Here here;
  private final Set<String> notices = new LinkedHashSet<>();

  private ServiceRules(
      Service service, List<EndpointSlice> slices, Set<Frontend> taken, Here here) {
    this.service = service;
    this.slices =
        slices.stream().collect(Collectors.groupingBy(slice -> family(slice.addressType())));
    this.taken = taken;
    this.here = here;
  }

  /**
   * @param slices of this service, in any order; an endpoint may be in several
   * @param taken frontends that an older service has
   */
  static Computed compute(
      Service service, List<EndpointSlice> slices, Set<Frontend> taken, Here here) {
    return new ServiceRules(service, slices, taken, here).compute();
  }

  private Computed compute() {
    List<WantedService> services = new ArrayList<>();
    if (service.served()) {
      noteFrontends();
      for (ServicePort port : service.ports()) {
        for (IpFamily family : IpFamily.values()) {
          if (service.has(family)) {
            wanted(port, family).ifPresent(services::add);
          }
        }
      }
    } else if (service.meta().labels().containsKey(Service.PROXY_LABEL)) {
      notices.add("is left to another proxy: it has the label " + Service.PROXY_LABEL);
    }
    return new Computed(services, List.copyOf(notices));
  }

  private Optional<WantedService> wanted(ServicePort port, IpFamily family) {
    Map<FrontendKey, Integer> frontends = frontends(port, family);
    if (frontends.isEmpty()) {
      return Optional.empty();
    }
    // All nodes must choose alike by a Maglev table, whatever zone they are in.
    EndpointChoice choice =
        EndpointChoice.of(
            service, port, slices.getOrDefault(family(family), List.of()), here, !service.maglev());
    noteTopology(choice);
    Set<Cidr> ranges =
        frontends.values().stream()
                .anyMatch(flags -> (flags & FrontendFlags.FRONTEND_SOURCE_RANGES) != 0)
            ? ranges(family)
            : Set.of();
    return Optional.of(
        new WantedService(
            name(port, family(family)),
            frontends,
            weighted(choice.cluster()),
            weighted(choice.local()),
            isApiServer(),
            affinitySeconds(),
            ranges,
            service.maglev() ? Optional.of(service.weights()) : Optional.<Weights>empty()));
  }

  private ServiceName name(ServicePort port, Family family) {
    return new ServiceName(
        service.meta().namespace(),
        service.meta().name(),
        port.port(),
        port.protocol().name(),
        family);
  }

  private boolean isApiServer() {
    return service.meta().namespace().equals("default")
        && service.meta().name().equals("kubernetes");
  }

  private int affinitySeconds() {
    return service.sessionAffinity() == Service.SessionAffinity.CLIENT_IP
        ? (int) service.affinityTimeout().toSeconds()
        : 0;
  }

  private List<Endpoint> weighted(List<Endpoint> backends) {
    Weighting weighting = Weighting.of(backends, service.weights());
    if (weighting.rounded()) {
      notices.add(
          "its weights are rounded: exact ones would take more than %d elements of the map of backends"
              .formatted(Weighting.MOST));
    }
    return weighting.elements();
  }

  // Frontends.

  /**
   * Where a port is reached in one family. An address that is there twice has the flags of both.
   */
  private Map<FrontendKey, Integer> frontends(ServicePort port, IpFamily family) {
    int internal =
        service.internalTrafficPolicy() == TrafficPolicy.LOCAL ? FrontendFlags.FRONTEND_LOCAL : 0;
    int external =
        service.externalTrafficPolicy() == TrafficPolicy.LOCAL ? FrontendFlags.FRONTEND_LOCAL : 0;
    int limited =
        service.loadBalancerSourceRanges().isEmpty() ? 0 : FrontendFlags.FRONTEND_SOURCE_RANGES;
    Map<Frontend, Integer> all = new LinkedHashMap<>();
    put(all, service.clusterIps(), port, FrontendFlags.FRONTEND_CLUSTER_IP | internal);
    put(all, service.externalIps(), port, FrontendFlags.FRONTEND_EXTERNAL_IP | external);
    put(
        all,
        service.loadBalancerAddresses(),
        port,
        FrontendFlags.FRONTEND_LOAD_BALANCER | external | limited);
    if (port.nodePort() != 0) {
      all.put(
          new Frontend(IpAddress.any(family), port.nodePort(), port.protocol()),
          FrontendFlags.FRONTEND_NODE_PORT | external);
    }
    Map<FrontendKey, Integer> frontends = new LinkedHashMap<>();
    all.forEach(
        (frontend, flags) -> {
          if (frontend.address().family() != family) {
            return;
          }
          if (taken.contains(frontend)) {
            notices.add(frontend + " is an older service's");
            return;
          }
          frontends.put(
              new FrontendKey(
                  ip(frontend.address()), frontend.port(), frontend.protocol().number()),
              flags);
        });
    return frontends;
  }

  private static void put(
      Map<Frontend, Integer> all, List<IpAddress> addresses, ServicePort port, int flags) {
    for (IpAddress address : addresses) {
      Frontend frontend = new Frontend(address, port.port(), port.protocol());
      all.merge(frontend, flags, (a, b) -> a | b);
    }
  }

  private Set<Cidr> ranges(IpFamily family) {
    return service.loadBalancerSourceRanges().stream()
        .filter(range -> range.family() == family)
        .collect(Collectors.toSet());
  }

  // What is worth a word.

  private void noteFrontends() {
    Stream.concat(service.externalIps().stream(), service.loadBalancerAddresses().stream())
        .filter(address -> !service.has(address.family()))
        .forEach(
            address ->
                notices.add(
                    "%s is not served: the service has no cluster IP that is %s"
                        .formatted(address, address.family())));
    for (IpFamily family : IpFamily.values()) {
      boolean balanced =
          service.loadBalancerAddresses().stream().anyMatch(a -> a.family() == family);
      if (balanced
          && service.has(family)
          && !service.loadBalancerSourceRanges().isEmpty()
          && ranges(family).isEmpty()) {
        notices.add(
            "loadBalancerSourceRanges has no %s network: nobody may use the load balancer's %s addresses"
                .formatted(family, family));
      }
    }
    if (!service.maglev()) {
      return;
    }
    boolean addresses =
        !service.externalIps().isEmpty() || !service.loadBalancerAddresses().isEmpty();
    boolean nodePorts = service.ports().stream().anyMatch(port -> port.nodePort() != 0);
    if (nodePorts && !addresses) {
      notices.add("Maglev is not for node ports: they choose backends at random");
    }
    if (addresses && service.externalTrafficPolicy() == TrafficPolicy.LOCAL) {
      notices.add(
          "Maglev is not for externalTrafficPolicy Local: each node chooses among its own backends at random");
    }
  }

  private void noteTopology(EndpointChoice choice) {
    if (service.maglev() && choice.hinted()) {
      notices.add("topology hints do not count with Maglev: all nodes choose alike");
    }
    if (!service.maglev()
        && !service.trafficDistribution().isEmpty()
        && !choice.cluster().isEmpty()
        && !choice.hinted()) {
      notices.add(
          "trafficDistribution %s works by hints in EndpointSlices, and there are none"
              .formatted(service.trafficDistribution()));
    }
  }

  static Family family(IpFamily family) {
    return family == IpFamily.IPV4 ? Family.IPV4 : Family.IPV6;
  }

  static Ip ip(IpAddress address) {
    return new Ip(family(address.family()), address.high(), address.low());
  }
}
