// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;

/**
 * What the kernel knows of a program.
 *
 * @param id unique on this machine while the program lives
 * @param type the kernel's number (enum bpf_prog_type)
 * @param name up to 15 characters; longer names are cut off
 * @param tag a hash of the instructions, maps left out: the same for the same code
 * @param instructions after the verifier's rewriting
 * @param jitedBytes size as machine code; 0 without JIT
 * @param verifiedInstructions how many the verifier looked at; 0 before Linux 5.16
 * @param mapIds the maps that it uses
 */
public record ProgramInfo(
    int id,
    int type,
    String name,
    String tag,
    int instructions,
    int jitedBytes,
    int verifiedInstructions,
    Set<Integer> mapIds) {
  private static final int SIZE = 232;
  private static final int MAPS = 64;

  public static ProgramInfo of(Fd program) {
    NativeBuffer info = new NativeBuffer(SIZE);
    NativeBuffer maps = new NativeBuffer(MAPS * Integer.BYTES);
    ByteBuffer b = info.bytes();
    b.putInt(52, MAPS).putLong(56, maps.address());
    Bpf.info(program, info, "a program");
    Set<Integer> mapIds = new HashSet<>();
    for (int i = 0; i < Math.min(MAPS, b.getInt(52)); i++) {
      mapIds.add(maps.bytes().getInt(i * Integer.BYTES));
    }
    return new ProgramInfo(
        b.getInt(4),
        b.getInt(0),
        info.text(64, 16),
        HexFormat.of().formatHex(info.copy(8, 8)),
        b.getInt(20) / Programs.INSTRUCTION_SIZE,
        b.getInt(16),
        b.getInt(216),
        Set.copyOf(mapIds));
  }
}
