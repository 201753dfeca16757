// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import io.sluice.persistence.CborSerializable;

/**
 * What the nodes have agreed on: all that is stored of it. What they run is a function of this.
 *
 * @param generation grows with each change; 0: nothing is agreed on
 * @param revision of the source whose view this is; higher ones are newer
 * @param version of the derivation by which nodes make what they run
 * @param value the input, as bytes; at most 48 KiB with all the rest
 * @param digest of what the derivation makes of it
 * @param former what is to be known of the values before ({@link Derivation#remember}); null where
 *     an agent stored it that knows nothing of this
 */
public record Agreed(
    long generation, long revision, int version, byte[] value, String digest, byte[] former)
    implements CborSerializable {
  /** The most bytes of value and former ones: one stored object stays below 48 KiB. */
  public static final int MAX_VALUE = 48_256;

  /** Nothing. */
  public static final Agreed NOTHING = new Agreed(0, 0, 0, new byte[0], "", new byte[0]);

  public Agreed {
    former = former == null ? new byte[0] : former;
  }

  /** Whether there is anything. */
  public boolean exists() {
    return generation > 0;
  }
}
