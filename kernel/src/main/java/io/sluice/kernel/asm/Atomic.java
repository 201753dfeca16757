// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

/** Atomic operations on memory (RFC 9669, section 5.3). Those that fetch need Linux 5.12. */
public enum Atomic {
  ADD(0x00, "+="),
  OR(0x40, "|="),
  AND(0x50, "&="),
  XOR(0xa0, "^="),
  /** Like ADD; the source register takes the value before. */
  FETCH_ADD(0x01, "add"),
  FETCH_OR(0x41, "or"),
  FETCH_AND(0x51, "and"),
  FETCH_XOR(0xa1, "xor"),
  /** Exchanges memory and source register. */
  XCHG(0xe1, "xchg"),
  /** Stores the source register if memory equals R0; R0 takes the value before. */
  CMPXCHG(0xf1, "cmpxchg");

  private final int code;
  private final String symbol;

  Atomic(int code, String symbol) {
    this.code = code;
    this.symbol = symbol;
  }

  int code() {
    return code;
  }

  String symbol() {
    return symbol;
  }

  boolean fetches() {
    return (code & 1) != 0;
  }

  /** The operation that an immediate stands for; null if none. */
  static Atomic of(int imm) {
    for (Atomic atomic : values()) {
      if (atomic.code == imm) {
        return atomic;
      }
    }
    return null;
  }
}
