// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Prints programs as the kernel's verifier and bpftool do, but for jumps, which name labels instead
 * of distances: {@code 3: (15) if r0 == 0x0 goto L7}. A label is the letter L and the number of the
 * slot that it stands before.
 */
public final class Disassembler {
  private Disassembler() {}

  /** One line for each instruction, and one before each that is jumped to. */
  public static String print(byte[] program) {
    List<Instruction> instructions = Instruction.decode(program);
    Map<Integer, String> labels = labels(instructions);
    StringBuilder text = new StringBuilder();
    int slot = 0;
    for (Instruction instruction : instructions) {
      if (labels.containsKey(slot)) {
        text.append(labels.get(slot)).append(":\n");
      }
      text.append(String.format("%4d: (%02x) ", slot, instruction.opcode()));
      int behind = slot + instruction.slots();
      text.append(describe(instruction, behind)).append('\n');
      slot = behind;
    }
    return text.toString();
  }

  private static Map<Integer, String> labels(List<Instruction> instructions) {
    Map<Integer, String> labels = new TreeMap<>();
    int behind = 0;
    for (Instruction instruction : instructions) {
      behind += instruction.slots();
      if (instruction.isJump()) {
        labels.put(behind + instruction.offset(), "L" + (behind + instruction.offset()));
      } else if (instruction.isSubprogramCall()) {
        int target = behind + (int) instruction.imm();
        labels.put(target, "L" + target);
      }
    }
    return labels;
  }

  private static String describe(Instruction i, int behind) {
    String known =
        switch (i.opcode() & Instruction.CLASS) {
          case Instruction.ALU32 -> alu(i, "w");
          case Instruction.ALU64 -> alu(i, "r");
          case Instruction.JMP -> jump(i, behind, "r");
          case Instruction.JMP32 -> jump(i, behind, "w");
          case Instruction.LDX -> load(i);
          case Instruction.ST -> storeImmediate(i);
          case Instruction.STX -> store(i);
          default -> wide(i);
        };
    return known != null
        ? known
        : "unknown: dst %d src %d off %d imm %d".formatted(i.dst(), i.src(), i.offset(), i.imm());
  }

  private static String alu(Instruction i, String bank) {
    String dst = bank + i.dst();
    if ((i.opcode() & 0xf0) == Instruction.NEG) {
      return dst + " = -" + dst;
    }
    if ((i.opcode() & 0xf0) == Instruction.END && bank.equals("w")) {
      String order = (i.opcode() & Instruction.SOURCE_REGISTER) != 0 ? "be" : "le";
      return "r" + i.dst() + " = " + order + i.imm() + " r" + i.dst();
    }
    Alu op = Alu.of(i.opcode());
    if (op == null || i.offset() != 0) {
      return null;
    }
    boolean register = (i.opcode() & Instruction.SOURCE_REGISTER) != 0;
    return dst + " " + op.symbol() + " " + (register ? bank + i.src() : Long.toString(i.imm()));
  }

  private static String jump(Instruction i, int behind, String bank) {
    switch (i.opcode()) {
      case Instruction.EXIT:
        return "exit";
      case Instruction.CALL:
        return i.src() == 0
            ? "call " + Helper.describe((int) i.imm())
            : i.isSubprogramCall() ? "call L" + (behind + i.imm()) : null;
      case Instruction.JA:
        return "goto L" + (behind + i.offset());
      default:
        Condition condition = Condition.of(i.opcode());
        if (condition == null) {
          return null;
        }
        boolean register = (i.opcode() & Instruction.SOURCE_REGISTER) != 0;
        String right = register ? bank + i.src() : "0x" + Integer.toHexString((int) i.imm());
        String compared = bank + i.dst() + " " + condition.symbol() + " " + right;
        return "if " + compared + " goto L" + (behind + i.offset());
    }
  }

  private static String memory(Instruction i, int register) {
    String type = Size.of(i.opcode()).type();
    return "*(%s *)(r%d %+d)".formatted(type, register, i.offset());
  }

  private static String load(Instruction i) {
    return (i.opcode() & Instruction.MODE) == Instruction.MEM
        ? "r" + i.dst() + " = " + memory(i, i.src())
        : null;
  }

  private static String storeImmediate(Instruction i) {
    return (i.opcode() & Instruction.MODE) == Instruction.MEM
        ? memory(i, i.dst()) + " = " + i.imm()
        : null;
  }

  private static String store(Instruction i) {
    if ((i.opcode() & Instruction.MODE) == Instruction.MEM) {
      return memory(i, i.dst()) + " = r" + i.src();
    }
    Atomic op = Atomic.of((int) i.imm());
    boolean atomic = (i.opcode() & Instruction.MODE) == Instruction.ATOMIC;
    if (!atomic || op == null) {
      return null;
    }
    String bits = Size.of(i.opcode()) == Size.DW ? "64" : "";
    String place = memory(i, i.dst()).substring(1);
    return switch (op) {
      case ADD, OR, AND, XOR -> "lock " + memory(i, i.dst()) + " " + op.symbol() + " r" + i.src();
      case CMPXCHG -> "r0 = atomic" + bits + "_cmpxchg(" + place + ", r0, r" + i.src() + ")";
      case XCHG -> "r%d = atomic%s_xchg(%s, r%d)".formatted(i.src(), bits, place, i.src());
      default ->
          "r%d = atomic%s_fetch_%s(%s, r%d)".formatted(i.src(), bits, op.symbol(), place, i.src());
    };
  }

  private static String wide(Instruction i) {
    if (!i.isWide()) {
      return null;
    }
    int low = (int) i.imm();
    int high = (int) (i.imm() >> 32);
    return "r"
        + i.dst()
        + " = "
        + switch (i.src()) {
          case Instruction.PSEUDO_MAP_FD -> "map[fd:" + low + "]";
          case Instruction.PSEUDO_MAP_VALUE -> "map[fd:" + low + "][0]+" + high;
          case Instruction.PSEUDO_MAP_INDEX -> "map[idx:" + low + "]";
          case Instruction.PSEUDO_MAP_INDEX_VALUE -> "map[idx:" + low + "][0]+" + high;
          default -> "0x" + Long.toHexString(i.imm());
        };
  }
}
