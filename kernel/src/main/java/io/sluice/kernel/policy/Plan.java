// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.PktFlags;
import java.util.List;

/**
 * What one program judges by: the first case that a packet meets. A packet that meets none is
 * denied. One program for both families, in one slot (PROG-3).
 */
public record Plan(List<Case> cases) {
  /**
   * @param mask bits of pkt.flags ({@link io.sluice.kernel.layout.PktFlags}) to look at; 0: every
   *     packet
   * @param value what they must be
   */
  public record Case(int mask, int value, Chain chain) {}

  public Plan {
    cases = List.copyOf(cases);
  }

  /**
   * One chain for what XDP asks about. A fragment other than the first has no ports: a rule that
   * asks for some, or that it be none of some, says nothing of it.
   */
  public static Plan untracked(Chain chain) {
    Chain ofFragments = chain.withoutTransport();
    int flag = PktFlags.PKT_FRAGMENT;
    return ofFragments.equals(chain)
        ? of(chain)
        : new Plan(List.of(new Case(flag, flag, ofFragments), new Case(0, 0, chain)));
  }

  /** One chain for every packet. */
  public static Plan of(Chain chain) {
    return new Plan(List.of(new Case(0, 0, chain)));
  }
}
