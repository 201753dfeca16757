// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Pkt;

/** What of a packet lies in ranges of numbers. */
enum Field {
  SOURCE_ADDRESS(Pkt.OFFSET_SADDR),
  DESTINATION_ADDRESS(Pkt.OFFSET_DADDR),
  SOURCE_PORT(Pkt.OFFSET_SPORT),
  DESTINATION_PORT(Pkt.OFFSET_DPORT);

  private final int offset;

  Field(int offset) {
    this.offset = offset;
  }

  /** In struct pkt, bytes. */
  int offset() {
    return offset;
  }

  boolean isPort() {
    return this == SOURCE_PORT || this == DESTINATION_PORT;
  }

  /** The greatest number that it can be. */
  Num most(Family family) {
    if (isPort()) {
      return Num.of(0xffff);
    }
    return family == Family.IPV4 ? Num.of(0xffff_ffffL) : new Num(-1, -1);
  }

  /** Whether ranges, merged, are all that it can be. */
  boolean isCoveredBy(java.util.List<Range> ranges, Family family) {
    return ranges.size() == 1
        && ranges.get(0).first().equals(Num.ZERO)
        && ranges.get(0).last().equals(most(family));
  }
}
