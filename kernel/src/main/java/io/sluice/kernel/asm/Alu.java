// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

/** Arithmetic and logic (RFC 9669, section 4.1). Division and modulo are unsigned. */
public enum Alu {
  ADD(0x00, "+="),
  SUB(0x10, "-="),
  MUL(0x20, "*="),
  DIV(0x30, "/="),
  OR(0x40, "|="),
  AND(0x50, "&="),
  LSH(0x60, "<<="),
  /** Logical shift: fills with zeroes. */
  RSH(0x70, ">>="),
  MOD(0x90, "%="),
  XOR(0xa0, "^="),
  MOV(0xb0, "="),
  /** Arithmetic shift: fills with the sign. */
  ARSH(0xc0, "s>>=");

  private final int code;
  private final String symbol;

  Alu(int code, String symbol) {
    this.code = code;
    this.symbol = symbol;
  }

  int code() {
    return code;
  }

  String symbol() {
    return symbol;
  }

  /** The operation of an opcode; null for negation and byte swaps, which have no second operand. */
  static Alu of(int opcode) {
    for (Alu alu : values()) {
      if (alu.code == (opcode & 0xf0)) {
        return alu;
      }
    }
    return null;
  }
}
