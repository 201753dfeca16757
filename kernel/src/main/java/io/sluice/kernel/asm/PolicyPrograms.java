// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

import io.sluice.kernel.layout.SluiceCb;

/**
 * Per-endpoint programs that judge every packet alike. They know of their caller only what it left
 * in skb->cb: the index of the program to go on with (PROG-2). If there is none, the packet is
 * dropped: policy fails closed.
 */
public final class PolicyPrograms {
  /** The index of the hook's generic program array in the list of maps that a policy loads with. */
  public static final int PROGS = 0;

  /** Offset of cb[0] in struct __sk_buff, bytes. */
  private static final int CB_OFFSET = 48;

  private static final int TC_ACT_SHOT = 2;

  private PolicyPrograms() {}

  /** Allows everything. To be loaded with the generic array as map {@value #PROGS} of its list. */
  public static byte[] allowAll() {
    return enter(new Assembler().loadMapIndex(Reg.R2, PROGS), SluiceCb.CB_ALLOW);
  }

  /**
   * Allows everything.
   *
   * @param progsArrayFd descriptor of the hook's generic program array
   */
  public static byte[] allowAll(int progsArrayFd) {
    return enter(new Assembler().loadMapFd(Reg.R2, progsArrayFd), SluiceCb.CB_ALLOW);
  }

  /** Denies everything. To be loaded with the generic array as map {@value #PROGS} of its list. */
  public static byte[] denyAll() {
    return enter(new Assembler().loadMapIndex(Reg.R2, PROGS), SluiceCb.CB_DENY);
  }

  /**
   * Denies everything.
   *
   * @param progsArrayFd descriptor of the hook's generic program array
   */
  public static byte[] denyAll(int progsArrayFd) {
    return enter(new Assembler().loadMapFd(Reg.R2, progsArrayFd), SluiceCb.CB_DENY);
  }

  private static byte[] enter(Assembler assembler, int continuation) {
    return assembler
        .load(Size.W, Reg.R3, Reg.R1, CB_OFFSET + Integer.BYTES * continuation)
        .tailCall()
        .mov(Reg.R0, TC_ACT_SHOT)
        .exit()
        .assemble();
  }
}
