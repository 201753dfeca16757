// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What is attached to one TCX hook of an interface of the caller's network namespace, in the order
 * in which packets pass it.
 *
 * @param revision grows with every change of the hook
 * @param attached programs and their links
 */
public record HookQuery(long revision, List<Attached> attached) {
  private static final int PROG_QUERY = 16;
  private static final int MAX = 64;

  /**
   * @param programId of the program
   * @param linkId of the link that holds it; 0: attached without one
   */
  public record Attached(int programId, int linkId) {}

  public static HookQuery of(int ifindex, TcxLink.Hook hook) {
    NativeBuffer programs = new NativeBuffer(MAX * Integer.BYTES);
    NativeBuffer links = new NativeBuffer(MAX * Integer.BYTES);
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, ifindex).putInt(4, hook.attachType()).putInt(24, MAX);
    attr.putLong(16, programs.address()).putLong(40, links.address());
    Bpf.check(Bpf.call(PROG_QUERY), "query TCX " + hook + " of ifindex " + ifindex);
    ByteBuffer result = Bpf.result();
    List<Attached> attached = new ArrayList<>();
    for (int i = 0; i < Math.min(MAX, result.getInt(24)); i++) {
      attached.add(new Attached(programs.bytes().getInt(4 * i), links.bytes().getInt(4 * i)));
    }
    return new HookQuery(result.getLong(56), List.copyOf(attached));
  }
}
