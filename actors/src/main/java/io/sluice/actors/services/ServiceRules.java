// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Frontend;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.config.model.Service;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** From a Kubernetes service and its EndpointSlices to what the maps should say of it. */
final class ServiceRules {
  private ServiceRules() {}

  /**
   * @param services one for each port and family that has a cluster IP
   * @param notices what the service asks for and does not get, in words
   */
  record Computed(List<WantedService> services, List<String> notices) {}

  /**
   * @param slices of this service, in any order; an endpoint may be in several
   * @param taken frontends that an older service has
   */
  static Computed compute(Service service, List<EndpointSlice> slices, Set<Frontend> taken) {
    List<WantedService> services = new ArrayList<>();
    if (service.type() == Service.Type.EXTERNAL_NAME || service.headless()) {
      return new Computed(services, List.of());
    }
    List<String> notices = notices(service);
    for (Service.ServicePort port : service.ports()) {
      for (Family family : Family.values()) {
        Map<FrontendKey, Integer> frontends = new LinkedHashMap<>();
        for (IpAddress address : service.clusterIps()) {
          if (family(address.family()) != family) {
            continue;
          }
          Frontend frontend = new Frontend(address, port.port(), port.protocol());
          if (taken.contains(frontend)) {
            notices.add(frontend + " is an older service's");
            continue;
          }
          frontends.put(
              new FrontendKey(ip(address), port.port(), port.protocol().number()),
              FrontendFlags.FRONTEND_CLUSTER_IP);
        }
        if (!frontends.isEmpty()) {
          services.add(
              WantedService.of(
                      name(service, port, family),
                      frontends,
                      backends(service, port, family, slices),
                      isApiServer(service))
                  .with(service.maglev()));
        }
      }
    }
    return new Computed(services, notices);
  }

  private static ServiceName name(Service service, Service.ServicePort port, Family family) {
    return new ServiceName(
        service.meta().namespace(),
        service.meta().name(),
        port.port(),
        port.protocol().name(),
        family);
  }

  private static boolean isApiServer(Service service) {
    return service.meta().namespace().equals("default")
        && service.meta().name().equals("kubernetes");
  }

  /**
   * As kube-proxy has it: a slice's port is the service port's by name and protocol, whatever
   * number or name the target port is; of an endpoint's addresses the first counts.
   */
  private static Set<Endpoint> backends(
      Service service, Service.ServicePort port, Family family, List<EndpointSlice> slices) {
    Set<Endpoint> backends = new TreeSet<>();
    for (EndpointSlice slice : slices) {
      if (family(slice.addressType()) != family) {
        continue;
      }
      for (EndpointSlice.EndpointPort target : slice.ports()) {
        if (!target.name().equals(port.name())
            || target.protocol() != port.protocol()
            || target.port() == 0) {
          continue;
        }
        for (EndpointSlice.Endpoint endpoint : slice.endpoints()) {
          if (endpoint.ready() || service.publishNotReadyAddresses()) {
            backends.add(new Endpoint(ip(endpoint.addresses().get(0)), target.port()));
          }
        }
      }
    }
    return backends;
  }

  private static List<String> notices(Service service) {
    List<String> notices = new ArrayList<>();
    if (!service.externalIps().isEmpty()) {
      notices.add("externalIPs are not served yet: only the cluster IPs are");
    }
    if (service.ports().stream().anyMatch(port -> port.nodePort() != 0)) {
      notices.add("node ports are not served yet: only the cluster IPs are");
    }
    if (service.type() == Service.Type.LOAD_BALANCER) {
      notices.add("load balancer addresses are not served yet: only the cluster IPs are");
    }
    if (service.internalTrafficPolicy() == Service.TrafficPolicy.LOCAL) {
      notices.add("internalTrafficPolicy Local is not served yet: taken as Cluster");
    }
    return notices;
  }

  private static Family family(IpFamily family) {
    return family == IpFamily.IPV4 ? Family.IPV4 : Family.IPV6;
  }

  private static Ip ip(IpAddress address) {
    return new Ip(family(address.family()), address.high(), address.low());
  }
}
