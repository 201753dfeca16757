// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbers from one to another, both included.
 *
 * @param first not greater than {@code last}
 */
record Range(Num first, Num last) implements Comparable<Range> {
  static Range of(Ports ports) {
    return new Range(Num.of(ports.first()), Num.of(ports.last()));
  }

  static Range of(Net net) {
    Ip address = net.address();
    if (net.family() == Family.IPV4) {
      long rest = (1L << (Family.IPV4.bits() - net.prefix())) - 1;
      return new Range(Num.of(address.low()), Num.of(address.low() | rest));
    }
    int prefix = net.prefix();
    long high = prefix >= 64 ? 0 : prefix == 0 ? -1L : (1L << (64 - prefix)) - 1;
    long low = prefix <= 64 ? -1L : prefix == 128 ? 0 : (1L << (128 - prefix)) - 1;
    return new Range(
        new Num(address.high(), address.low()),
        new Num(address.high() | high, address.low() | low));
  }

  /** The same numbers in ascending ranges with gaps between them. */
  static List<Range> merged(List<Range> ranges) {
    List<Range> merged = new ArrayList<>();
    Range open = null;
    for (Range range : ranges.stream().sorted().toList()) {
      if (open == null) {
        open = range;
      } else if (open.touches(range)) {
        Num last = open.last.compareTo(range.last) > 0 ? open.last : range.last;
        open = new Range(open.first, last);
      } else {
        merged.add(open);
        open = range;
      }
    }
    if (open != null) {
      merged.add(open);
    }
    return List.copyOf(merged);
  }

  /** Whether there is nothing between this range and one that does not begin before it. */
  private boolean touches(Range later) {
    Num next = last.next();
    return later.first.compareTo(last) <= 0 || later.first.equals(next);
  }

  @Override
  public int compareTo(Range other) {
    int byFirst = first.compareTo(other.first);
    return byFirst != 0 ? byFirst : last.compareTo(other.last);
  }
}
