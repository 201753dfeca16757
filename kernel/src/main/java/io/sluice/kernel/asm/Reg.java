// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.asm;

/**
 * The registers, in the calling convention of RFC 9669, section 2.3: R0 takes results, R1 to R5
 * arguments, which calls destroy; R6 to R9 survive calls; R10 is the read-only end of the stack of
 * 512 bytes.
 */
public enum Reg {
  R0,
  R1,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  R10;

  /** As disassemblies print it. */
  @Override
  public String toString() {
    return "r" + ordinal();
  }
}
