// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.layout.Family;
import java.util.Map;

/**
 * Figures of policy in the kernel.
 *
 * @param programs in slots now
 * @param loads programs loaded since the agent's start
 * @param failures programs that could not be made or loaded, likewise
 * @param generateNanos time that making programs took in all
 * @param loadNanos time that loading them took in all, the verifier's included
 * @param sets in the kernel now
 * @param members of these, by family
 * @param rules whose hits are counted now
 */
public record PolicyFigures(
    int programs,
    long loads,
    long failures,
    long generateNanos,
    long loadNanos,
    int sets,
    Map<Family, Integer> members,
    int rules) {
  static final PolicyFigures NONE = new PolicyFigures(0, 0, 0, 0, 0, 0, Map.of(), 0);

  public PolicyFigures {
    members = Map.copyOf(members);
  }
}
