// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.SourceRangeKey;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the service maps hold, read whole.
 *
 * @param frontends of both families
 * @param sourceRanges likewise
 * @param sizes elements of each backends array
 */
record KernelView(
    Map<FrontendKey, Frontend> frontends,
    Map<Integer, Service> services,
    Map<Family, Map<Integer, Backend>> backends,
    Map<Integer, BackendGen> gens,
    Map<Integer, MaglevTable> maglev,
    Set<SourceRangeKey> sourceRanges,
    Map<Family, Integer> sizes,
    int serviceLimit,
    int backendLimit) {
  /** Generations that are not 0. */
  Map<Integer, Integer> generations() {
    Map<Integer, Integer> all = new HashMap<>();
    gens.forEach((id, gen) -> all.put(id, gen.gen()));
    return all;
  }
}
