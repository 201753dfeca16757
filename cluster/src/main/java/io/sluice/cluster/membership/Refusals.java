// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import io.sluice.cluster.membership.Formation.Heard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** What keeps a node from joining others, a sentence each that says what to do. */
final class Refusals {
  /** Clocks that are further apart make two nodes judge time-outs and ages differently. */
  static final Duration CLOCKS_APART = Duration.ofSeconds(10);

  private Refusals() {}

  static List<String> of(Who self, Collection<Heard> heard) {
    List<String> refusals = new ArrayList<>();
    for (Heard answer : heard) {
      List<Who> others = new ArrayList<>(answer.here().members());
      others.add(answer.here().who());
      others.stream()
          .filter(other -> other.node().equals(self.node()))
          .filter(other -> !other.address().equals(self.address()))
          .map(
              other ->
                  "node name "
                      + self.node()
                      + " is that of the node at "
                      + other.address()
                      + ", too: give one of them another node-name")
          .filter(line -> !refusals.contains(line))
          .forEach(refusals::add);
    }
    refusals.addAll(clocksApart(heard));
    return refusals;
  }

  static List<String> clocksApart(Collection<Heard> heard) {
    List<String> apart = new ArrayList<>();
    for (Heard answer : heard) {
      Duration ahead = answer.ahead();
      if (ahead.abs().compareTo(CLOCKS_APART) > 0) {
        apart.add(
            "the clock of node %s is %d s %s this node's: set the time of one of them"
                .formatted(
                    answer.here().who(),
                    ahead.abs().toSeconds(),
                    ahead.isNegative() ? "behind" : "ahead of"));
      }
    }
    return apart;
  }
}
