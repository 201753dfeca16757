// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A service as the kernel's maps have it.
 *
 * @param span where its backends are
 * @param cluster the backends in the cluster's part of the span, in order
 * @param local those in this node's part
 * @param broken whether the kernel holds something that we would not write, some of the backends
 *     not among those named here perhaps: it is to be rewritten
 */
record Installed(
    int id,
    Family family,
    long owner,
    Span span,
    List<Slot> cluster,
    List<Slot> local,
    Traits traits,
    boolean broken) {
  /** One element: a backend and its ID. */
  record Slot(Endpoint endpoint, int id) {}

  /**
   * Elements of a backends array.
   *
   * @param base the first
   * @param count the cluster's part, which comes first; 0: the service has no backends, and refuses
   * @param local this node's part
   */
  record Span(int base, int count, int local) {
    int length() {
      return count + local;
    }
  }

  /** What a service says of itself beside its backends. */
  record Traits(boolean maglev, int affinitySeconds) {}

  Installed {
    cluster = List.copyOf(cluster);
    local = List.copyOf(local);
  }

  int base() {
    return span.base();
  }

  /** Elements of the cluster's part of the span. */
  int count() {
    return span.count();
  }

  /** The cluster's backends, as often as the span has them. */
  List<Endpoint> clusterEndpoints() {
    return cluster.stream().map(Slot::endpoint).toList();
  }

  /** This node's backends, likewise. */
  List<Endpoint> localEndpoints() {
    return local.stream().map(Slot::endpoint).toList();
  }

  Stream<Slot> slots() {
    return Stream.concat(cluster.stream(), local.stream());
  }

  /** The IDs of all backends, each once. */
  Set<Integer> ids() {
    Set<Integer> ids = new LinkedHashSet<>();
    slots().forEach(slot -> ids.add(slot.id()));
    return ids;
  }

  /** The ID of each backend, by where it listens. */
  Map<Endpoint, Integer> idsByEndpoint() {
    Map<Endpoint, Integer> ids = new LinkedHashMap<>();
    slots().forEach(slot -> ids.put(slot.endpoint(), slot.id()));
    return ids;
  }

  /** The same with other traits. */
  Installed with(Traits other) {
    return new Installed(id, family, owner, span, cluster, local, other, broken);
  }

  /** The same, to be rewritten. */
  Installed asBroken() {
    return new Installed(id, family, owner, span, cluster, local, traits, true);
  }

  /** The element of the map services. */
  Service value() {
    int flags =
        ServiceFlags.SERVICE_IN_USE
            | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0)
            | (traits.maglev() ? ServiceFlags.SERVICE_MAGLEV : 0);
    return new Service(
        span.base(), span.count(), span.local(), flags, traits.affinitySeconds(), owner);
  }
}
