// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/** A place in a program that jumps lead to, from before it. Compared by identity. */
final class Mark {
  /** The continuation for allow, in every piece. */
  static final Mark ALLOW = new Mark();

  /** The continuation for deny, in every piece. */
  static final Mark DENY = new Mark();

  /** {@link #ALLOW}, after the rule of the ID in R1 has been counted. */
  static final Mark HIT_ALLOW = new Mark();

  /** {@link #DENY}, after the rule of the ID in R1 has been counted. */
  static final Mark HIT_DENY = new Mark();

  /** Set when a jump to it is written: what nothing leads to must not be written at all. */
  private boolean used;

  void use() {
    used = true;
  }

  boolean isUsed() {
    return used;
  }
}
