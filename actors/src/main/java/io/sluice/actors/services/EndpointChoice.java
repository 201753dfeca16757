// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.EndpointSlice;
import io.sluice.config.model.Service;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Which endpoints of a service's port clients get on this node, as kube-proxy has it.
 *
 * @param cluster those for any client: the ready ones that topology hints give to this node; none
 *     ready: all that still serve while they terminate
 * @param local this node's: the ready ones; none ready: those that still serve
 * @param hinted whether any ready endpoint has a hint
 */
record EndpointChoice(List<Endpoint> cluster, List<Endpoint> local, boolean hinted) {
  /**
   * One endpoint, and what its slice says of it.
   *
   * @param leaving it terminates, and still serves
   */
  private record Candidate(
      Endpoint endpoint, boolean ready, boolean leaving, List<String> zones, List<String> nodes) {
    /** Of two slices that have one endpoint, that which gives it more. */
    static final Comparator<Candidate> BETTER =
        Comparator.comparing(Candidate::ready)
            .thenComparing(Candidate::leaving)
            .thenComparing(candidate -> candidate.endpoint().local());

    boolean isHinted() {
      return !zones.isEmpty() || !nodes.isEmpty();
    }
  }

  /**
   * @param slices of this service, in any order; an endpoint may be in several
   * @param topology whether hints count
   */
  static EndpointChoice of(
      Service service,
      Service.ServicePort port,
      List<EndpointSlice> slices,
      Here here,
      boolean topology) {
    Collection<Candidate> all = candidates(service, port, slices, here);
    List<Candidate> ready = all.stream().filter(Candidate::ready).toList();
    List<Endpoint> cluster = endpoints(ready, topology ? hints(ready, here) : candidate -> true);
    if (cluster.isEmpty()) {
      cluster = endpoints(all, Candidate::leaving);
    }
    List<Endpoint> local = endpoints(ready, candidate -> candidate.endpoint().local());
    if (local.isEmpty()) {
      local = endpoints(all, candidate -> candidate.leaving() && candidate.endpoint().local());
    }
    return new EndpointChoice(cluster, local, ready.stream().anyMatch(Candidate::isHinted));
  }

  /**
   * Of a slice's ports that of the service's port has its name and protocol, whatever number or
   * name the target port is; of an endpoint's addresses the first counts. Sorted.
   */
  private static Collection<Candidate> candidates(
      Service service, Service.ServicePort port, List<EndpointSlice> slices, Here here) {
    Map<Endpoint, Candidate> candidates = new TreeMap<>();
    for (EndpointSlice slice : slices) {
      for (EndpointSlice.EndpointPort target : slice.ports()) {
        if (!target.name().equals(port.name())
            || target.protocol() != port.protocol()
            || target.port() == 0) {
          continue;
        }
        for (EndpointSlice.Endpoint endpoint : slice.endpoints()) {
          Candidate candidate = candidate(service, endpoint, target.port(), here);
          Endpoint place = new Endpoint(candidate.endpoint().ip(), target.port());
          candidates.merge(place, candidate, (a, b) -> Candidate.BETTER.compare(b, a) > 0 ? b : a);
        }
      }
    }
    return candidates.values();
  }

  private static Candidate candidate(
      Service service, EndpointSlice.Endpoint endpoint, int port, Here here) {
    boolean ready = endpoint.ready() || service.publishNotReadyAddresses();
    return new Candidate(
        new Endpoint(ServiceRules.ip(endpoint.addresses().get(0)), port, here.has(endpoint)),
        ready,
        !ready && endpoint.serving() && endpoint.terminating(),
        endpoint.hintZones(),
        endpoint.hintNodes());
  }

  /**
   * Hints count when all ready endpoints have them and one is for this node; those for nodes before
   * those for zones.
   */
  private static Predicate<Candidate> hints(List<Candidate> ready, Here here) {
    Predicate<Candidate> node = candidate -> candidate.nodes().contains(here.node());
    if (ready.stream().noneMatch(candidate -> candidate.nodes().isEmpty())
        && ready.stream().anyMatch(node)) {
      return node;
    }
    Predicate<Candidate> zone = candidate -> candidate.zones().contains(here.zone());
    if (ready.stream().noneMatch(candidate -> candidate.zones().isEmpty())
        && ready.stream().anyMatch(zone)) {
      return zone;
    }
    return candidate -> true;
  }

  private static List<Endpoint> endpoints(
      Collection<Candidate> candidates, Predicate<Candidate> which) {
    List<Endpoint> endpoints = new ArrayList<>();
    candidates.stream().filter(which).map(Candidate::endpoint).forEach(endpoints::add);
    return endpoints;
  }
}
