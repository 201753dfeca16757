// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Instructions by hand, for programs of a few lines. */
final class Code {
  private static final int MOV64_IMM = 0xb7;
  private static final int EXIT = 0x95;
  private static final int LD_IMM64 = 0x18;
  private static final int PSEUDO_MAP_INDEX = 5;
  private static final int LDX_WORD = 0x61;

  private Code() {}

  /** Returns a constant. */
  static byte[] returning(int verdict) {
    return code(insn(MOV64_IMM, 0, 0, 0, verdict), insn(EXIT, 0, 0, 0, 0));
  }

  /** Loads the first map of the list, and returns a constant. */
  static byte[] usingMap(int verdict) {
    return code(
        insn(LD_IMM64, 1, PSEUDO_MAP_INDEX, 0, 0), insn(0, 0, 0, 0, 0),
        insn(MOV64_IMM, 0, 0, 0, verdict), insn(EXIT, 0, 0, 0, 0));
  }

  /** Reads through a register that holds nothing: no verifier lets this pass. */
  static byte[] broken() {
    return code(insn(LDX_WORD, 0, 3, 0, 0), insn(EXIT, 0, 0, 0, 0));
  }

  private static long insn(int opcode, int dst, int src, int offset, int imm) {
    return opcode | (long) (src << 4 | dst) << 8 | (offset & 0xffffL) << 16 | (long) imm << 32;
  }

  private static byte[] code(long... instructions) {
    ByteBuffer buffer = ByteBuffer.allocate(8 * instructions.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long instruction : instructions) {
      buffer.putLong(instruction);
    }
    return buffer.array();
  }
}
