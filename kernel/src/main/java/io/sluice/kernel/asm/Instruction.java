// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One instruction (RFC 9669, section 3). The one wide instruction, a load of 64 bits, counts as one
 * here and takes two slots; everything that counts instructions in the kernel counts slots.
 *
 * @param opcode 8 bits
 * @param dst number of the destination register
 * @param src number of the source register, or what the immediate means
 * @param offset signed 16 bits: bytes for memory, slots for jumps
 * @param imm signed 32 bits; 64 bits for the wide instruction
 */
public record Instruction(int opcode, int dst, int src, int offset, long imm) {
  /** Bytes of a slot. */
  public static final int SIZE = 8;

  static final int LD_IMM64 = 0x18;
  static final int CLASS = 0x07;
  static final int LDX = 0x01;
  static final int ST = 0x02;
  static final int STX = 0x03;
  static final int ALU32 = 0x04;
  static final int JMP = 0x05;
  static final int JMP32 = 0x06;
  static final int ALU64 = 0x07;
  static final int MODE = 0xe0;
  static final int MEM = 0x60;
  static final int ATOMIC = 0xc0;
  static final int SOURCE_REGISTER = 0x08;
  static final int NEG = 0x80;
  static final int END = 0xd0;
  static final int JA = 0x05;
  static final int CALL = 0x85;
  static final int EXIT = 0x95;

  /** Meanings of src in the wide instruction (RFC 9669, section 5.4). */
  static final int PSEUDO_MAP_FD = 1;

  static final int PSEUDO_MAP_VALUE = 2;
  static final int PSEUDO_MAP_INDEX = 5;
  static final int PSEUDO_MAP_INDEX_VALUE = 6;

  /** src of a call to a subprogram: the immediate is a distance in slots. */
  static final int PSEUDO_CALL = 1;

  /** Refuses fields that do not fit. */
  public Instruction {
    if (opcode < 0 || opcode > 0xff || dst < 0 || dst > 15 || src < 0 || src > 15) {
      throw new IllegalArgumentException("no instruction: opcode " + opcode);
    }
    if (offset != (short) offset) {
      throw new IllegalArgumentException("offset " + offset + " takes more than 16 bits");
    }
    if (opcode != LD_IMM64 && imm != (int) imm) {
      throw new IllegalArgumentException("immediate " + imm + " takes more than 32 bits");
    }
  }

  /** Takes two slots. */
  public boolean isWide() {
    return opcode == LD_IMM64;
  }

  /** Slots of {@value #SIZE} bytes. */
  public int slots() {
    return isWide() ? 2 : 1;
  }

  /** A jump, conditional or not, to another instruction of the same program. */
  boolean isJump() {
    boolean jumpClass = (opcode & CLASS) == JMP || (opcode & CLASS) == JMP32;
    return jumpClass && (opcode == JA || Condition.of(opcode) != null);
  }

  boolean isSubprogramCall() {
    return opcode == CALL && src == PSEUDO_CALL;
  }

  private void encode(ByteBuffer target) {
    boolean little = target.order() == ByteOrder.LITTLE_ENDIAN;
    target.put((byte) opcode).put((byte) (little ? src << 4 | dst : dst << 4 | src));
    target.putShort((short) offset).putInt((int) imm);
    if (isWide()) {
      target.putInt(0).putInt((int) (imm >> 32));
    }
  }

  /** As BPF_PROG_LOAD takes them, in the machine's byte order. */
  public static byte[] encode(List<Instruction> instructions) {
    int slots = instructions.stream().mapToInt(Instruction::slots).sum();
    ByteBuffer target = ByteBuffer.allocate(slots * SIZE).order(ByteOrder.nativeOrder());
    instructions.forEach(instruction -> instruction.encode(target));
    return target.array();
  }

  /**
   * The reverse of {@link #encode}.
   *
   * @throws IllegalArgumentException if the bytes end within an instruction
   */
  public static List<Instruction> decode(byte[] bytes) {
    if (bytes.length % SIZE != 0) {
      throw new IllegalArgumentException(bytes.length + " bytes are no whole instructions");
    }
    ByteBuffer source = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    boolean little = source.order() == ByteOrder.LITTLE_ENDIAN;
    List<Instruction> instructions = new ArrayList<>();
    while (source.hasRemaining()) {
      int opcode = Byte.toUnsignedInt(source.get());
      int registers = Byte.toUnsignedInt(source.get());
      int low = registers & 15;
      int high = registers >> 4;
      int offset = source.getShort();
      long imm = source.getInt();
      if (opcode == LD_IMM64) {
        if (!source.hasRemaining()) {
          throw new IllegalArgumentException("the program ends within a wide instruction");
        }
        source.getInt();
        imm = (imm & 0xffff_ffffL) | (long) source.getInt() << 32;
      }
      instructions.add(
          new Instruction(opcode, little ? low : high, little ? high : low, offset, imm));
    }
    return instructions;
  }
}
