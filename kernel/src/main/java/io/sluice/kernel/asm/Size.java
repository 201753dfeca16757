// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

/** Widths of loads and stores (RFC 9669, section 5). */
public enum Size {
  /** 8 bits. */
  B(0x10, 1),
  /** 16 bits. */
  H(0x08, 2),
  /** 32 bits. */
  W(0x00, 4),
  /** 64 bits. */
  DW(0x18, 8);

  private final int code;
  private final int bytes;

  Size(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** The bits that stand for it in an opcode. */
  int code() {
    return code;
  }

  public int bytes() {
    return bytes;
  }

  /** As disassemblies print it: u8, u16, u32, u64. */
  String type() {
    return "u" + 8 * bytes;
  }

  static Size of(int opcode) {
    for (Size size : values()) {
      if (size.code == (opcode & 0x18)) {
        return size;
      }
    }
    throw new IllegalStateException();
  }
}
