// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.Lut;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.Family;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a starting agent makes of the Maglev tables that it finds, once it knows which service ID
 * and which span is whose. A table over its service's span stays. So does one over a span of its
 * own, which the agent before was about to replace: that span is held. All others go, first of all.
 */
final class LutAdoption {
  private final KernelView kernel;
  private final ServiceTable table;
  private final Map<Family, BitSet> covered;

  /**
   * @param covered elements that belong to a service; those that are held come to them
   */
  LutAdoption(KernelView kernel, ServiceTable table, Map<Family, BitSet> covered) {
    this.kernel = kernel;
    this.table = table;
    this.covered = covered;
  }

  void adopt() {
    Map<Integer, Installed> services = new TreeMap<>(table.orphans());
    table.services().values().forEach(service -> services.put(service.id(), service));
    kernel
        .maglev()
        .forEach(
            (id, lut) -> {
              Installed service = services.get(id);
              if (service == null || lut.generation() < 0 || !keep(service, lut)) {
                table.luts().stray(id);
              }
            });
  }

  private boolean keep(Installed service, MaglevTable lut) {
    List<Endpoint> span = new ArrayList<>();
    List<Integer> ids = new ArrayList<>();
    Map<Integer, Backend> elements = kernel.backends().get(service.family());
    for (int i = 0; i < lut.count(); i++) {
      Backend element = elements.get(lut.base() + i);
      if (element == null
          || element.service() != service.id()
          || element.id() <= 0
          || element.id() > kernel.backendLimit()) {
        return false;
      }
      span.add(ElementJudge.endpoint(element));
      ids.add(element.id());
    }
    String digest = Luts.read(service.family(), lut, span).map(Lut::digest).orElse("");
    boolean own = lut.base() == service.base() && lut.count() == service.count();
    if (!own && lut.count() > 0) {
      BitSet taken = covered.get(service.family());
      int next = taken.nextSetBit(lut.base());
      if (next >= 0 && next < lut.base() + lut.count()) {
        return false;
      }
      taken.set(lut.base(), lut.base() + lut.count());
      table.spans(service.family()).reserve(lut.base(), lut.count());
      table.refer(ids);
      table
          .luts()
          .hold(
              new ServiceTable.Retired(
                  service.family(), lut.base(), lut.count(), service.id(), ids));
    }
    table.luts().adopt(service.id(), lut, digest);
    return true;
  }
}
