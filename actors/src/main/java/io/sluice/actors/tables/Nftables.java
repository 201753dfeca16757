// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The kernel's nftables as far as the agent uses them; an interface, so that tests need none. */
public interface Nftables {
  /**
   * Runs commands in nft's language as one transaction: all or none.
   *
   * @throws RuntimeException with nft's message
   */
  void run(String commands);

  /** Removes the agent's table, and nothing else; no error if it is not there. */
  default void drop() {
    run(Ruleset.delete());
  }

  /** What is there of the agent's table; empty if the table is not there. */
  Optional<Found> find();

  /**
   * @param build the comment of the counter {@code build}
   * @param ready the set of ready interfaces: their names as far as they exist, else their indexes
   * @param counters packets by name of counter
   */
  record Found(String build, Set<String> ready, Map<String, Long> counters) {}
}
