// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.Packet;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Sends many bad packets through a hook. */
record Fuzzer(ChainHarness harness) {
  private static final int PACKETS = 250_000;

  /** Looks at what became of a packet; the output is the run's own buffer. */
  interface Judge {
    void judge(byte[] frame, int verdict, TestRun run);
  }

  /** Runs many packets, checks that each was counted once, and tells under which reasons. */
  Set<String> run(int hook, TestRun run, SkbContext context, Mutator mutator, Judge judge) {
    Map<Integer, Long> before = harness.chain.counted(hook);
    harness.inNamespace(
        () -> {
          run.context(context);
          for (int i = 0; i < PACKETS; i++) {
            byte[] frame = mutator.next();
            int verdict = run.packet(frame).run(1);
            if (verdict != Outcome.SHOT
                && verdict != Outcome.UNSPEC
                && verdict != Outcome.REDIRECT) {
              fail("verdict %d for %s", verdict, HexFormat.of().formatHex(frame));
            }
            judge.judge(frame, verdict, run);
          }
          return null;
        });
    Map<String, Long> counted = new TreeMap<>();
    harness
        .chain
        .counted(hook)
        .forEach(
            (reason, packets) -> {
              long grown = packets - before.getOrDefault(reason, 0L);
              if (grown > 0) {
                counted.put(SluiceReason.name(reason), grown);
              }
            });
    assertThat(counted.values().stream().mapToLong(Long::longValue).sum()).isEqualTo(PACKETS);
    assertThat(counted)
        .doesNotContainKeys("unused", "no_program", "no_policy", "no_iface", "rewrite");
    return counted.keySet();
  }

  static String show(byte[] in, byte[] out) {
    return HexFormat.of().formatHex(in) + " became " + HexFormat.of().formatHex(out);
  }

  /** No problem, but that an SCTP packet in a quotation keeps its CRC. */
  private static boolean isRight(Packet packet) {
    return packet.problems().stream().allMatch("quoted packet: SCTP checksum"::equals);
  }

  /** What was right before a rewrite is right after it. */
  static void assertStillRight(byte[] frame, int verdict, TestRun run) {
    if (verdict == Outcome.SHOT) {
      return;
    }
    byte[] out = run.output();
    if (Arrays.equals(frame, out) || (frame[12] != 8 && frame[12] != (byte) 0x86)) {
      return;
    }
    Packet before = Packet.parse(frame);
    if (before.problems().isEmpty() && !isRight(Packet.parse(out))) {
      fail("%s: %s", Packet.parse(out), show(frame, out));
    }
  }

  /** ARP, neighbour discovery and listener reports, wherever extension headers put them. */
  static boolean isOnLink(byte[] frame) {
    if (frame[12] == 8) {
      return frame[13] == 6;
    }
    int type = Packet.parse(frame).icmpType();
    return type >= 130 && type <= 137 || type == 143;
  }
}
