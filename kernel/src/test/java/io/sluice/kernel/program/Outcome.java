// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;

/**
 * What became of a packet at one hook.
 *
 * @param verdict TC_ACT_*
 * @param reason the one reason that it was counted under
 * @param frame as the programs left it
 * @param mark skb->mark afterwards
 */
record Outcome(int verdict, int reason, byte[] frame, int mark) {
  static final int UNSPEC = -1;
  static final int SHOT = 2;
  static final int REDIRECT = 7;

  Packet packet() {
    return Packet.parse(frame);
  }

  boolean dropped() {
    return verdict == SHOT;
  }

  /** The mark's bits that are ours. */
  int ourMark() {
    return mark & SluiceMark.MARK_MASK;
  }

  @Override
  public String toString() {
    return SluiceReason.name(reason)
        + " verdict "
        + verdict
        + " mark "
        + SluiceMark.describe(mark)
        + ": "
        + packet();
  }
}
