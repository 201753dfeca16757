// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.Lut;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Family;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** From tables as the cluster has them to those of the kernel, and back. */
public final class Luts {
  private Luts() {}

  static IpFamily family(Family family) {
    return family == Family.IPV4 ? IpFamily.IPV4 : IpFamily.IPV6;
  }

  static Lut.Member address(Endpoint endpoint) {
    IpAddress address =
        new IpAddress(family(endpoint.ip().family()), endpoint.ip().high(), endpoint.ip().low());
    return new Lut.Member(address, endpoint.port());
  }

  /**
   * A table over the cluster's part of a service's span.
   *
   * @return empty if the service has other backends than the table
   */
  static Optional<MaglevTable> over(Installed service, LutTarget target) {
    Lut lut = target.lut();
    Map<Lut.Member, Integer> positions = new HashMap<>();
    List<Endpoint> span = service.clusterEndpoints();
    for (int i = 0; i < span.size(); i++) {
      positions.putIfAbsent(address(span.get(i)), i);
    }
    if (span.size() != service.count() || positions.size() != lut.members().size()) {
      return Optional.empty();
    }
    char[] position = new char[lut.members().size()];
    for (int i = 0; i < position.length; i++) {
      Integer found = positions.get(lut.members().get(i));
      if (found == null) {
        return Optional.empty();
      }
      position[i] = (char) (int) found;
    }
    char[] slots = new char[lut.size()];
    for (int slot = 0; slot < slots.length; slot++) {
      slots[slot] = position[lut.member(slot)];
    }
    return Optional.of(
        new MaglevTable(target.generation(), service.base(), service.count(), slots));
  }

  /**
   * The cluster's view of a table in the kernel.
   *
   * @param span the backends at its positions, in order; one of some weight several times
   * @return empty if the span is of another length
   */
  public static Optional<Lut> read(Family family, MaglevTable table, List<Endpoint> span) {
    List<Endpoint> sorted = span.stream().distinct().sorted().toList();
    if (span.size() != table.count()) {
      return Optional.empty();
    }
    Map<Endpoint, Integer> order = new HashMap<>();
    List<Lut.Member> members = new ArrayList<>();
    for (Endpoint endpoint : sorted) {
      order.put(endpoint, members.size());
      members.add(address(endpoint));
    }
    char[] slots = new char[table.size()];
    for (int slot = 0; slot < slots.length; slot++) {
      slots[slot] = (char) (int) order.get(span.get(table.position(slot)));
    }
    return Optional.of(Lut.of(family(family), members, slots));
  }
}
