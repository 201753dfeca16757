// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.config.model.Maglev;
import io.sluice.kernel.layout.FrontendKey;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What the maps should say of one service port in one family.
 *
 * @param frontends where it is reached, with FrontendFlags
 * @param backends in order, each once
 * @param keepsLast never without backends once it had some: the API server's own (SVC-6)
 * @param maglev whether, and how, backends are chosen by a table that all nodes share
 */
public record WantedService(
    ServiceName name,
    Map<FrontendKey, Integer> frontends,
    List<Endpoint> backends,
    boolean keepsLast,
    Optional<Maglev> maglev) {
  public WantedService {
    frontends = Map.copyOf(frontends);
    backends = List.copyOf(backends);
  }

  /** Sorts the backends and drops duplicates. */
  public static WantedService of(
      ServiceName name,
      Map<FrontendKey, Integer> frontends,
      Collection<Endpoint> backends,
      boolean keepsLast) {
    return new WantedService(
        name, frontends, List.copyOf(new TreeSet<>(backends)), keepsLast, Optional.empty());
  }

  /** The same, by a Maglev table. */
  public WantedService with(Optional<Maglev> table) {
    return new WantedService(name, frontends, backends, keepsLast, table);
  }
}
