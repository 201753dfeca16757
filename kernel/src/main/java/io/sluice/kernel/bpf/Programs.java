// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Loads programs from raw instructions. Thread-safe. */
public final class Programs {
  /** Bytes of an instruction. */
  public static final int INSTRUCTION_SIZE = 8;

  /** Program type of TC programs, TCX and clsact alike. */
  public static final int SCHED_CLS = 3;

  /** Program type of XDP programs. */
  public static final int XDP = 6;

  private static final int PROG_LOAD = 5;
  private static final int LOG_SIZE = 1 << 20;
  private static final NativeBuffer LICENSE = NativeBuffer.of("Dual BSD/GPL");

  private Programs() {}

  /** A program's name as the kernel keeps it. */
  public static String shortName(String name) {
    return new String(MapSpec.shortName(name), StandardCharsets.US_ASCII);
  }

  /**
   * Loads a program. The expected attach type stays 0, so that one program array takes programs of
   * every hook.
   *
   * @param type such as {@link #SCHED_CLS}
   * @param name for people; cut off after 15 characters
   * @param instructions in the machine's byte order, {@value #INSTRUCTION_SIZE} bytes each
   * @param maps what map references by index (BPF_PSEUDO_MAP_IDX) mean, in that order
   * @throws VerifierException if the verifier refuses it
   */
  public static Fd load(int type, String name, byte[] instructions, List<Fd> maps) {
    return load(type, name, instructions, maps, 0);
  }

  /**
   * Loads a program for arrays whose programs have an expected attach type.
   *
   * @param attachType such as {@link XdpLink#ATTACH_TYPE}
   */
  public static Fd load(int type, String name, byte[] instructions, List<Fd> maps, int attachType) {
    NativeBuffer code = NativeBuffer.of(instructions);
    NativeBuffer mapFds = new NativeBuffer(maps.size() * Integer.BYTES);
    for (int i = 0; i < maps.size(); i++) {
      mapFds.bytes().putInt(i * Integer.BYTES, maps.get(i).number());
    }
    int result = attempt(type, name, code, mapFds, attachType, null);
    if (result < 0 && result != -Errno.EPERM) {
      // Asking for a log slows loading, so the first attempt goes without.
      NativeBuffer log = new NativeBuffer(LOG_SIZE);
      result = attempt(type, name, code, mapFds, attachType, log);
      if (result < 0) {
        throw new VerifierException("load program " + name, -result, log.text(0, LOG_SIZE));
      }
    }
    Bpf.check(result, "load program " + name);
    Reference.reachabilityFence(maps);
    return new Fd(result);
  }

  private static int attempt(
      int type,
      String name,
      NativeBuffer code,
      NativeBuffer mapFds,
      int attachType,
      NativeBuffer log) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, type).putInt(4, code.size() / INSTRUCTION_SIZE);
    attr.putLong(8, code.address()).putLong(16, LICENSE.address());
    if (log != null) {
      attr.putInt(24, 1).putInt(28, log.size()).putLong(32, log.address());
    }
    attr.put(48, MapSpec.shortName(name));
    attr.putInt(68, attachType).putLong(120, mapFds.address());
    int result = Bpf.call(PROG_LOAD);
    Reference.reachabilityFence(code);
    Reference.reachabilityFence(mapFds);
    return result;
  }
}
