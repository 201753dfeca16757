// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Assembles eBPF programs (RFC 9669). Methods append one instruction each, and return this; jumps
 * name labels, which may come before or after them. Operands that no instruction has room for are
 * refused at once, labels that do not resolve by {@link #assemble}. Whether the program is safe,
 * the kernel's verifier judges. Not thread-safe.
 */
public final class Assembler {
  private final List<Instruction> instructions = new ArrayList<>();

  /** By label: the slot that it names. */
  private final Map<String, Integer> labels = new HashMap<>();

  /** By index in instructions: the label that it wants to reach. */
  private final Map<Integer, String> targets = new HashMap<>();

  private int slots;

  private Assembler add(int opcode, int dst, int src, int offset, long imm) {
    Instruction instruction = new Instruction(opcode, dst, src, offset, imm);
    instructions.add(instruction);
    slots += instruction.slots();
    return this;
  }

  private Assembler toLabel(String label, int opcode, int dst, int src, long imm) {
    targets.put(instructions.size(), label);
    return add(opcode, dst, src, 0, imm);
  }

  /** Slots so far: what the kernel's limit on the length of a program counts. */
  public int slots() {
    return slots;
  }

  /**
   * Names the place of the next instruction.
   *
   * @throws IllegalArgumentException if the name is taken
   */
  public Assembler label(String name) {
    if (labels.putIfAbsent(name, slots) != null) {
      throw new IllegalArgumentException("two places are called " + name);
    }
    return this;
  }

  /** dst = dst op src, 64 bits. */
  public Assembler alu(Alu op, Reg dst, Reg src) {
    int opcode = Instruction.ALU64 | Instruction.SOURCE_REGISTER | op.code();
    return add(opcode, dst.ordinal(), src.ordinal(), 0, 0);
  }

  /** dst = dst op imm, 64 bits; the immediate's sign is extended. */
  public Assembler alu(Alu op, Reg dst, int imm) {
    return add(Instruction.ALU64 | op.code(), dst.ordinal(), 0, 0, imm);
  }

  /** dst = dst op src, 32 bits; the upper half becomes 0. */
  public Assembler alu32(Alu op, Reg dst, Reg src) {
    int opcode = Instruction.ALU32 | Instruction.SOURCE_REGISTER | op.code();
    return add(opcode, dst.ordinal(), src.ordinal(), 0, 0);
  }

  /** dst = dst op imm, 32 bits; the upper half becomes 0. */
  public Assembler alu32(Alu op, Reg dst, int imm) {
    return add(Instruction.ALU32 | op.code(), dst.ordinal(), 0, 0, imm);
  }

  /** dst = src. */
  public Assembler mov(Reg dst, Reg src) {
    return alu(Alu.MOV, dst, src);
  }

  /** dst = imm. */
  public Assembler mov(Reg dst, int imm) {
    return alu(Alu.MOV, dst, imm);
  }

  /** dst = -dst, 64 bits. */
  public Assembler neg(Reg dst) {
    return add(Instruction.ALU64 | Instruction.NEG, dst.ordinal(), 0, 0, 0);
  }

  /** dst = -dst, 32 bits; the upper half becomes 0. */
  public Assembler neg32(Reg dst) {
    return add(Instruction.ALU32 | Instruction.NEG, dst.ordinal(), 0, 0, 0);
  }

  /**
   * Between host order and network order, either way; bits above the width become 0.
   *
   * @param bits 16, 32 or 64
   */
  public Assembler toBigEndian(Reg dst, int bits) {
    return swap(dst, bits, Instruction.ALU32 | Instruction.END | Instruction.SOURCE_REGISTER);
  }

  /**
   * Between host order and little endian, either way; bits above the width become 0.
   *
   * @param bits 16, 32 or 64
   */
  public Assembler toLittleEndian(Reg dst, int bits) {
    return swap(dst, bits, Instruction.ALU32 | Instruction.END);
  }

  private Assembler swap(Reg dst, int bits, int opcode) {
    if (bits != 16 && bits != 32 && bits != 64) {
      throw new IllegalArgumentException("bytes are swapped in 16, 32 or 64 bits, not " + bits);
    }
    return add(opcode, dst.ordinal(), 0, 0, bits);
  }

  /** dst = *(size *)(src + offset), zero-extended. */
  public Assembler load(Size size, Reg dst, Reg src, int offset) {
    int opcode = Instruction.LDX | Instruction.MEM | size.code();
    return add(opcode, dst.ordinal(), src.ordinal(), offset, 0);
  }

  /** *(size *)(dst + offset) = src. */
  public Assembler store(Size size, Reg dst, int offset, Reg src) {
    int opcode = Instruction.STX | Instruction.MEM | size.code();
    return add(opcode, dst.ordinal(), src.ordinal(), offset, 0);
  }

  /** *(size *)(dst + offset) = imm; the immediate's sign is extended. */
  public Assembler store(Size size, Reg dst, int offset, int imm) {
    return add(Instruction.ST | Instruction.MEM | size.code(), dst.ordinal(), 0, offset, imm);
  }

  /**
   * An atomic operation on *(size *)(dst + offset).
   *
   * @param size W or DW
   */
  public Assembler atomic(Atomic op, Size size, Reg dst, int offset, Reg src) {
    if (size != Size.W && size != Size.DW) {
      throw new IllegalArgumentException("atomic operations take 4 or 8 bytes, not " + size);
    }
    int opcode = Instruction.STX | Instruction.ATOMIC | size.code();
    return add(opcode, dst.ordinal(), src.ordinal(), offset, op.code());
  }

  /** dst = imm, all 64 bits. Takes two slots. */
  public Assembler loadImm64(Reg dst, long imm) {
    return add(Instruction.LD_IMM64, dst.ordinal(), 0, 0, imm);
  }

  /** dst = the map of a descriptor of the process that loads the program. Takes two slots. */
  public Assembler loadMapFd(Reg dst, int fd) {
    return wide(dst, Instruction.PSEUDO_MAP_FD, fd, 0);
  }

  /** dst = the map at an index of the list that the program is loaded with. Takes two slots. */
  public Assembler loadMapIndex(Reg dst, int index) {
    return wide(dst, Instruction.PSEUDO_MAP_INDEX, index, 0);
  }

  /**
   * dst = pointer to the value of an array's first element. Takes two slots.
   *
   * @param offset bytes from there
   */
  public Assembler loadMapValueFd(Reg dst, int fd, int offset) {
    return wide(dst, Instruction.PSEUDO_MAP_VALUE, fd, offset);
  }

  /** As {@link #loadMapValueFd}, for a map by its index. Takes two slots. */
  public Assembler loadMapValueIndex(Reg dst, int index, int offset) {
    return wide(dst, Instruction.PSEUDO_MAP_INDEX_VALUE, index, offset);
  }

  private Assembler wide(Reg dst, int meaning, int low, int high) {
    long imm = (long) high << 32 | Integer.toUnsignedLong(low);
    return add(Instruction.LD_IMM64, dst.ordinal(), meaning, 0, imm);
  }

  /** Goes to a label. */
  public Assembler jump(String label) {
    return toLabel(label, Instruction.JA, 0, 0, 0);
  }

  /** Goes to a label if dst and src, 64 bits, meet the condition. */
  public Assembler jumpIf(Condition condition, Reg dst, Reg src, String label) {
    int opcode = Instruction.JMP | Instruction.SOURCE_REGISTER | condition.code();
    return toLabel(label, opcode, dst.ordinal(), src.ordinal(), 0);
  }

  /** Goes to a label if dst, 64 bits, and the immediate, sign extended, meet the condition. */
  public Assembler jumpIf(Condition condition, Reg dst, int imm, String label) {
    return toLabel(label, Instruction.JMP | condition.code(), dst.ordinal(), 0, imm);
  }

  /** Goes to a label if the lower halves of dst and src meet the condition. */
  public Assembler jumpIf32(Condition condition, Reg dst, Reg src, String label) {
    int opcode = Instruction.JMP32 | Instruction.SOURCE_REGISTER | condition.code();
    return toLabel(label, opcode, dst.ordinal(), src.ordinal(), 0);
  }

  /** Goes to a label if dst's lower half and the immediate meet the condition. */
  public Assembler jumpIf32(Condition condition, Reg dst, int imm, String label) {
    return toLabel(label, Instruction.JMP32 | condition.code(), dst.ordinal(), 0, imm);
  }

  /** Calls a helper function. */
  public Assembler call(Helper helper) {
    return call(helper.id());
  }

  /** Calls a helper function by its number. */
  public Assembler call(int helper) {
    return add(Instruction.CALL, 0, 0, 0, helper);
  }

  /** Calls the subprogram that begins at a label. */
  public Assembler callSubprogram(String label) {
    return toLabel(label, Instruction.CALL, 0, Instruction.PSEUDO_CALL, 0);
  }

  /**
   * Enters another program for good, or falls through if there is none in the slot. R1 must hold
   * the context, R2 the program array, R3 the index.
   */
  public Assembler tailCall() {
    return call(Helper.TAIL_CALL);
  }

  /** Returns R0. */
  public Assembler exit() {
    return add(Instruction.EXIT, 0, 0, 0, 0);
  }

  /**
   * The program, in the machine's byte order, as BPF_PROG_LOAD takes it.
   *
   * @throws IllegalArgumentException if a label is nowhere, or too far away for the 16 bits that a
   *     jump has
   */
  public byte[] assemble() {
    return Instruction.encode(resolve());
  }

  private List<Instruction> resolve() {
    List<Instruction> resolved = new ArrayList<>(instructions.size());
    int at = 0;
    for (int i = 0; i < instructions.size(); i++) {
      Instruction instruction = instructions.get(i);
      at += instruction.slots();
      String label = targets.get(i);
      resolved.add(label == null ? instruction : aim(instruction, at, label));
    }
    return resolved;
  }

  /** Distances count from the slot behind the jump. */
  private Instruction aim(Instruction jump, int behind, String label) {
    Integer place = labels.get(label);
    if (place == null) {
      throw new IllegalArgumentException("a jump to " + label + ", which is nowhere");
    }
    if (place == slots) {
      throw new IllegalArgumentException("a jump to " + label + ", behind the program's end");
    }
    int distance = place - behind;
    if (jump.isSubprogramCall()) {
      return new Instruction(jump.opcode(), jump.dst(), jump.src(), 0, distance);
    }
    if (distance != (short) distance) {
      throw new IllegalArgumentException(
          "a jump to " + label + " over " + distance + " slots; 16 bits reach 32767");
    }
    return new Instruction(jump.opcode(), jump.dst(), jump.src(), distance, jump.imm());
  }
}
