// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * A policy program, ready to be loaded.
 *
 * @param name shown by bpftool and dumps; up to 15 characters
 * @param pieces instructions in the machine's byte order, with maps by index ({@link PolicyMap}).
 *     The first one is entered; a piece goes on with a later one by a tail call into the hook's
 *     per-endpoint array, with the piece's number, loaded as a wide immediate, in R3. That is the
 *     one use of a wide immediate in R3: whoever loads a piece writes the slot in its place
 */
public record PolicyProgram(String name, List<byte[]> pieces) {
  private static final int SLOT_SIZE = 8;
  private static final int LOAD_WIDE = 0x18;
  private static final int R3 = 3;

  public PolicyProgram {
    pieces = List.copyOf(pieces);
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException("program " + name + " has no instructions");
    }
  }

  /** A program of one piece. */
  public static PolicyProgram of(String name, byte[] instructions) {
    return new PolicyProgram(name, List.of(instructions));
  }

  /** Instructions of all pieces together. */
  public int length() {
    return pieces.stream().mapToInt(piece -> piece.length).sum() / SLOT_SIZE;
  }

  /**
   * The instructions of a piece as they are to be loaded.
   *
   * @param slotOf slots of pieces in the per-endpoint array, by their numbers
   */
  public byte[] linked(int piece, IntUnaryOperator slotOf) {
    ByteBuffer code = ByteBuffer.wrap(pieces.get(piece).clone()).order(ByteOrder.nativeOrder());
    boolean little = code.order() == ByteOrder.LITTLE_ENDIAN;
    for (int at = 0; at < code.capacity(); at += SLOT_SIZE) {
      if (code.get(at) == LOAD_WIDE) {
        int registers = Byte.toUnsignedInt(code.get(at + 1));
        int dst = little ? registers & 15 : registers >> 4;
        int src = little ? registers >> 4 : registers & 15;
        if (dst == R3 && src == 0) {
          code.putInt(at + Integer.BYTES, slotOf.applyAsInt(code.getInt(at + Integer.BYTES)));
        }
        at += SLOT_SIZE;
      }
    }
    return code.array();
  }
}
