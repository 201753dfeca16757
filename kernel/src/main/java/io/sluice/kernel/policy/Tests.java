// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Pkt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Breaks matches up into tests: cheap ones first, those that rules have in common before others.
 */
final class Tests {
  private static final int ICMP = 1;
  private static final int ICMP6 = 58;

  private final Family family;
  private final List<Test> tests = new ArrayList<>();

  /** Whether the packet has ports, as far as the tests so far tell. */
  private Known ports = Known.UNKNOWN;

  private boolean never;

  private enum Known {
    YES,
    NO,
    UNKNOWN
  }

  private Tests(Family family) {
    this.family = family;
  }

  /**
   * What has to hold of a packet of a family.
   *
   * @return empty if no packet matches
   */
  static Optional<List<Test>> of(Match match, Family family) {
    Tests tests = new Tests(family);
    tests.take(match);
    return tests.never ? Optional.empty() : Optional.of(List.copyOf(tests.tests));
  }

  private void take(Match match) {
    never = match.family().isPresent() && match.family().get() != family;
    Place source = match.source();
    Place destination = match.destination();
    protocol(match);
    if (asksForPorts(source) || asksForPorts(destination)) {
      needPorts();
    }
    positivePorts(destination, Field.DESTINATION_PORT, Field.DESTINATION_ADDRESS, false);
    positivePorts(source, Field.SOURCE_PORT, Field.SOURCE_ADDRESS, false);
    negativePorts(destination, Field.DESTINATION_PORT);
    negativePorts(source, Field.SOURCE_PORT);
    nets(source, Field.SOURCE_ADDRESS);
    nets(destination, Field.DESTINATION_ADDRESS);
    sets(source, Field.SOURCE_ADDRESS);
    sets(destination, Field.DESTINATION_ADDRESS);
    positivePorts(destination, Field.DESTINATION_PORT, Field.DESTINATION_ADDRESS, true);
    positivePorts(source, Field.SOURCE_PORT, Field.SOURCE_ADDRESS, true);
    notSets(source, Field.SOURCE_ADDRESS);
    notSets(destination, Field.DESTINATION_ADDRESS);
  }

  private void protocol(Match match) {
    int icmp = family == Family.IPV4 ? ICMP : ICMP6;
    OptionalInt protocol = match.protocol();
    if (match.icmp().isPresent() || match.notIcmp().isPresent()) {
      never |= protocol.isPresent() && protocol.getAsInt() != icmp;
      protocol = OptionalInt.of(icmp);
    }
    if (protocol.isPresent()) {
      int number = protocol.getAsInt();
      tests.add(new Test.Byte(Pkt.OFFSET_PROTO, number, true));
      ports = Test.hasPorts(number) ? Known.YES : Known.NO;
    }
    if (match.notProtocol().isPresent()) {
      int number = match.notProtocol().getAsInt();
      if (protocol.isEmpty()) {
        tests.add(new Test.Byte(Pkt.OFFSET_PROTO, number, false));
      } else {
        never |= protocol.getAsInt() == number;
      }
    }
    match.icmp().ifPresent(this::message);
    match.notIcmp().ifPresent(message -> tests.add(new Test.NotMessage(message)));
  }

  private void message(Icmp icmp) {
    tests.add(new Test.Byte(Pkt.OFFSET_ICMP_TYPE, icmp.type(), true));
    if (icmp.code().isPresent()) {
      tests.add(new Test.Byte(Pkt.OFFSET_ICMP_CODE, icmp.code().getAsInt(), true));
    }
  }

  private static boolean asksForPorts(Place place) {
    return !place.ports().isEmpty() || !place.portSets().isEmpty() || !place.services().isEmpty();
  }

  private void needPorts() {
    if (ports == Known.UNKNOWN) {
      tests.add(new Test.HasPorts(true));
      ports = Known.YES;
    }
    never |= ports == Known.NO;
  }

  private static List<Range> ranges(List<Ports> ports) {
    return Range.merged(ports.stream().map(Range::of).toList());
  }

  private void positivePorts(Place place, Field port, Field end, boolean bySets) {
    List<Range> ranges = ranges(place.ports());
    boolean hasSets = !place.portSets().isEmpty();
    if (ranges.isEmpty() && !hasSets || port.isCoveredBy(ranges, family) || hasSets != bySets) {
      return;
    }
    tests.add(
        hasSets
            ? new Test.InPortSets(port, end, ranges, place.portSets())
            : new Test.In(port, ranges));
  }

  private void negativePorts(Place place, Field port) {
    List<Range> ranges = ranges(place.notPorts());
    if (ranges.isEmpty() || ports == Known.NO) {
      return;
    }
    boolean guarded = ports == Known.UNKNOWN;
    if (!port.isCoveredBy(ranges, family)) {
      tests.add(new Test.NotIn(port, ranges, guarded));
    } else if (guarded) {
      tests.add(new Test.HasPorts(false));
      ports = Known.NO;
    } else {
      never = true;
    }
  }

  private void nets(Place place, Field address) {
    if (!place.nets().isEmpty()) {
      List<Net> own = own(place.nets());
      List<Range> ranges = Range.merged(own.stream().map(Range::of).toList());
      never |= own.isEmpty();
      if (!own.isEmpty() && !address.isCoveredBy(ranges, family)) {
        tests.add(
            own.size() == 1
                ? new Test.Prefix(address, own.get(0), true)
                : new Test.In(address, ranges));
      }
    }
    List<Net> others = own(place.notNets());
    List<Range> ranges = Range.merged(others.stream().map(Range::of).toList());
    if (!others.isEmpty()) {
      never |= address.isCoveredBy(ranges, family);
      if (!never) {
        tests.add(
            others.size() == 1
                ? new Test.Prefix(address, others.get(0), false)
                : new Test.NotIn(address, ranges, false));
      }
    }
  }

  private List<Net> own(List<Net> nets) {
    return nets.stream().filter(net -> net.family() == family).toList();
  }

  private void sets(Place place, Field end) {
    place.sets().forEach(set -> tests.add(new Test.InSet(end, set, true, false)));
    place.services().forEach(set -> tests.add(new Test.InSet(end, set, true, false)));
  }

  private void notSets(Place place, Field end) {
    place.notSets().forEach(set -> tests.add(new Test.InSet(end, set, false, false)));
    if (ports != Known.NO) {
      boolean guarded = ports == Known.UNKNOWN;
      place.notPortSets().forEach(set -> tests.add(new Test.InSet(end, set, false, guarded)));
    }
  }
}
