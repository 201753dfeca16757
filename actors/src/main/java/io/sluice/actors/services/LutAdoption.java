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
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a starting agent makes of the Maglev tables that it finds, once it knows which service ID
 * and which span is whose. A table over a span of its own, all of whose elements are its service's,
 * stays, whatever has become of the backends. All others go, first of all.
 *
 * <p>Numbers of backends that are in such a span alone are not promised to anybody any more, but
 * blocked ({@link Adoption}) as long as the span is there: nobody else gets them.
 */
final class LutAdoption {
  private final KernelView kernel;
  private final ServiceTable table;
  private final Map<Family, BitSet> covered;

  /**
   * @param covered elements that belong to a service; those of tables come to them
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
    List<Endpoint> endpoints = new ArrayList<>();
    List<Backend> content = new ArrayList<>();
    Map<Integer, Backend> elements = kernel.backends().get(service.family());
    for (int i = 0; i < lut.count(); i++) {
      Backend element = elements.get(lut.base() + i);
      if (element == null
          || element.service() != service.id()
          || element.id() <= 0
          || element.id() > kernel.backendLimit()) {
        return false;
      }
      endpoints.add(new Endpoint(element.addr(), element.port()));
      content.add(element);
    }
    LutTable.Span span = new LutTable.Span(service.family(), lut.base(), content);
    if (lut.count() > 0) {
      BitSet taken = covered.get(service.family());
      int next = taken.nextSetBit(lut.base());
      if (next >= 0 && next < lut.base() + lut.count()) {
        return false;
      }
      taken.set(lut.base(), lut.base() + lut.count());
      table.spans(service.family()).reserve(lut.base(), lut.count());
      table.refer(span.ids());
    }
    String digest = Luts.read(service.family(), lut, endpoints).map(Lut::digest).orElse("");
    table
        .luts()
        .put(
            service.id(),
            new LutTable.Placed(lut, span, digest, Optional.empty(), Optional.empty()));
    return true;
  }
}
