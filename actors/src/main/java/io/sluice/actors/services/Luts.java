// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.cluster.maglev.Formers;
import io.sluice.cluster.maglev.Lut;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

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

  private static Endpoint endpoint(Lut.Member member) {
    IpAddress address = member.address();
    Family family = address.isIpv6() ? Family.IPV6 : Family.IPV4;
    return new Endpoint(new Ip(family, address.high(), address.low()), member.port());
  }

  private static List<Endpoint> endpoints(Collection<Lut.Member> members) {
    return members.stream().map(Luts::endpoint).toList();
  }

  /** The cluster's backends of a service, each once, in the order of a table's members. */
  static Map<Endpoint, Installed.Slot> members(Installed service) {
    Map<Endpoint, Installed.Slot> members = new TreeMap<>();
    service
        .cluster()
        .forEach(
            slot -> members.put(new Endpoint(slot.endpoint().ip(), slot.endpoint().port()), slot));
    return members;
  }

  /** A table's backends, in order. */
  static Set<Endpoint> members(LutTarget target) {
    return new TreeSet<>(endpoints(target.lut().members()));
  }

  /** Former backends of a table that are not among those of now, in order. */
  static List<Endpoint> gone(LutTarget target) {
    return endpoints(target.formers().gone());
  }

  /** A table over a span that holds its members, then those gone. */
  static MaglevTable over(int base, LutTarget target) {
    Lut lut = target.lut();
    Formers formers = target.formers();
    char[] slots = new char[lut.size()];
    char[] former = new char[formers.any() ? lut.size() : 0];
    for (int slot = 0; slot < slots.length; slot++) {
      slots[slot] = (char) lut.member(slot);
      if (former.length > 0) {
        former[slot] = formers.former(slot);
      }
    }
    int count = lut.members().size() + formers.gone().size();
    return new MaglevTable(target.generation(), base, count, slots, former);
  }

  /**
   * The cluster's view of a table in the kernel.
   *
   * @param span the backends at its positions, in order
   * @return empty if the span is of another length, has a backend of now twice, or one without a
   *     slot
   */
  public static Optional<Lut> read(Family family, MaglevTable table, List<Endpoint> span) {
    if (span.size() != table.count()) {
      return Optional.empty();
    }
    List<Lut.Member> ofNow = span.subList(0, table.members()).stream().map(Luts::address).toList();
    List<Lut.Member> members = ofNow.stream().distinct().sorted().toList();
    Map<Lut.Member, Character> order = new HashMap<>();
    members.forEach(member -> order.put(member, (char) order.size()));
    char[] slots = new char[table.size()];
    BitSet seen = new BitSet();
    for (int slot = 0; slot < slots.length; slot++) {
      slots[slot] = order.get(ofNow.get(table.position(slot)));
      seen.set(slots[slot]);
    }
    return members.size() == ofNow.size() && seen.cardinality() == members.size()
        ? Optional.of(Lut.of(family(family), members, slots))
        : Optional.empty();
  }
}
