// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The backends of services, by their windows.
 *
 * @param dataplane whose maps are read
 */
public record Backends(Dataplane dataplane) {
  /**
   * One backend of a service, whatever its weight.
   *
   * @param cluster its elements in the cluster's window
   * @param local its elements in the window of this node's own
   */
  public record Share(Backend backend, int cluster, int local) {
    /** Whether it is on this node. */
    public boolean here() {
      return (backend.flags() & BackendFlags.BACKEND_LOCAL) != 0;
    }
  }

  /** The family of a service's backends. */
  public static Family family(Service service) {
    return (service.flags() & ServiceFlags.SERVICE_IPV6) == 0 ? Family.IPV4 : Family.IPV6;
  }

  /** Whether a backend is one still, as the programs judge it. */
  public boolean isLive(int id, int gen) {
    return dataplane.backendGen().get(id).map(BackendGen::gen).filter(g -> g == gen).isPresent();
  }

  /** One of the two windows, element by element; elements that are not there are left out. */
  public List<Backend> window(Family family, int id, Service service, boolean local) {
    int first = service.base() + (local ? service.count() : 0);
    int count = local ? service.local() : service.count();
    List<Backend> elements = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      element(family, first + i)
          .filter(backend -> backend.service() == id)
          .ifPresent(elements::add);
    }
    return elements;
  }

  /** What is in a slot of the array; one without an ID holds nothing. */
  public Optional<Backend> element(Family family, int index) {
    return dataplane.backends(family).get(index).filter(backend -> backend.id() != 0);
  }

  /** All backends of both windows, in the order of the first. */
  public List<Share> shares(Family family, int id, Service service) {
    Map<Integer, Share> shares = new LinkedHashMap<>();
    for (Backend backend : window(family, id, service, false)) {
      shares.merge(backend.id(), new Share(backend, 1, 0), Backends::sum);
    }
    for (Backend backend : window(family, id, service, true)) {
      shares.merge(backend.id(), new Share(backend, 0, 1), Backends::sum);
    }
    return List.copyOf(shares.values());
  }

  private static Share sum(Share one, Share other) {
    return new Share(one.backend(), one.cluster() + other.cluster(), one.local() + other.local());
  }
}
