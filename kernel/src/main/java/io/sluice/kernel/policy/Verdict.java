// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.util.List;

/**
 * What a plan says of a packet.
 *
 * @param allowed also where a chain's end leaves the packet to others
 * @param step which plan decides, of those that follow each other, from 0; of several that allow
 *     the packet, the last
 * @param tier of the rule or end that decides; empty: a profile's, or the end of a chain
 * @param policy the name of the policy or profile that decides; empty: an end does
 * @param index of the rule that decides in its policy; -1: an end does
 * @param id under which the decision is counted; 0: not
 * @param hits all IDs that the packet is counted under, in the order of the way through the plan:
 *     of LOG and PASS rules, of ends that pass, of what decides
 * @param logged whether a LOG rule matched
 * @param decided whether nobody else need be asked: no end of a chain has passed the packet on
 */
public record Verdict(
    boolean allowed,
    int step,
    String tier,
    String policy,
    int index,
    long id,
    List<Long> hits,
    boolean logged,
    boolean decided) {
  public Verdict {
    hits = List.copyOf(hits);
  }
}
