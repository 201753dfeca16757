// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.kernel.asm.Assembler;
import io.sluice.kernel.asm.Reg;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.sys.Netns;
import java.util.List;

/**
 * Sends one packet again and again out of a link's end, as XDP frames, which the other end takes as
 * a card's driver takes what comes by the wire: there is no skb yet, and whoever needs one makes
 * it. A socket's packets would come as skbs, and XDP would have to copy each into a frame.
 */
final class Flood implements AutoCloseable {
  private static final int XDP_TX = 3;

  /** Some 10 ms: a run begins with making its pool of pages. */
  private static final int AT_ONCE = 1 << 16;

  private final Netns from;
  private final Fd program;
  private final TestRun run;

  /**
   * @param from stays the caller's
   * @param ifindex of the end there
   */
  Flood(Netns from, int ifindex, byte[] packet) {
    this.from = from;
    program = program("bench_flood", XDP_TX);
    run = new TestRun(program, packet.length).packet(packet).xdp(ifindex).liveFrames();
  }

  /** A program that says one thing of every packet. */
  static Fd program(String name, int verdict) {
    byte[] code = new Assembler().mov(Reg.R0, verdict).exit().assemble();
    return Programs.load(Programs.XDP, name, code, List.of());
  }

  /**
   * Sends for a while.
   *
   * @return how many packets
   */
  long send(long nanos) {
    return from.run(
        () -> {
          long sent = 0;
          for (long end = System.nanoTime() + nanos; System.nanoTime() < end; sent += AT_ONCE) {
            run.run(AT_ONCE);
          }
          return sent;
        });
  }

  @Override
  public void close() {
    program.close();
  }
}
