// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/**
 * Where a packet goes on that a rule, or an end, has decided on.
 *
 * @param allow {@link Mark#ALLOW}, or where the next plan begins
 * @param pass behind the tier; null where nothing passes
 */
record Exits(Mark allow, Mark pass) {
  Mark of(Action action) {
    return switch (action) {
      case ALLOW -> allow;
      case DENY -> Mark.DENY;
      case PASS -> pass;
      case LOG -> throw new IllegalArgumentException("LOG decides nothing");
    };
  }

  /** Whether the program ends there. */
  boolean isEnd(Action action) {
    return action == Action.DENY || action == Action.ALLOW && allow == Mark.ALLOW;
  }
}
