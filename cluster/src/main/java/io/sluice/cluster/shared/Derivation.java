// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import java.util.SortedSet;

/**
 * How the value that nodes agree on becomes what they run: a pure function, of which there may be
 * several versions while a cluster is upgraded.
 */
public interface Derivation {
  /** The versions that this agent can compute. */
  SortedSet<Integer> versions();

  /**
   * What is run, as bytes that are the same on every machine.
   *
   * @param version one of {@link #versions}
   * @throws IllegalArgumentException if the value is none
   */
  byte[] derive(int version, byte[] value);

  /**
   * What nodes are told beside a new value of those before it: opaque to all but the type's users.
   *
   * @param before what was agreed on
   * @param version of the derivation by which the new value is run
   * @param value the new one
   * @param room the most bytes of the result
   */
  default byte[] remember(Agreed before, int version, byte[] value, int room) {
    return new byte[0];
  }
}
