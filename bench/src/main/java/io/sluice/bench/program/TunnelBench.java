// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.bench.program.Row.Stream;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.List;

/**
 * Paths between a pod and a pod of another node: into the tunnel at the pod's interface, and out of
 * it at the tunnel device. What the device does then is the kernel's, and not measured.
 */
final class TunnelBench {
  private static final int IN = SluiceHook.HOOK_IN;

  private final Rig rig;
  private final Family family;
  private final int rounds;
  private final int packets;
  private final double floor;

  TunnelBench(Rig rig, Family family, int rounds, int packets, double floor) {
    this.rig = rig;
    this.family = family;
    this.rounds = rounds;
    this.packets = packets;
    this.floor = floor;
  }

  List<Result.Path> run() {
    Stream send = into(ProgramBench.ACK, 1);
    Stream receive = outOf(ProgramBench.ACK, 1);
    Stream sendSyn = into(ProgramBench.SYN, ProgramBench.MANY);
    Stream receiveSyn = outOf(ProgramBench.SYN, ProgramBench.MANY);
    Row there = row("established, pod to remote pod", send, SluiceReason.REASON_TUNNEL);
    Row back = row("  at its node, from the tunnel", receive, SluiceReason.REASON_PEER);
    Row open = row("SYN, pod to remote pod", sendSyn, SluiceReason.REASON_TUNNEL);
    Row opened = row("  at its node, from the tunnel", receiveSyn, SluiceReason.REASON_REDIRECT);
    for (int round = 0; round < rounds; round++) {
      rig.measureAtPod();
      fresh(open);
      rig.forgetFlows(family);
      rig.chain(IN, into(ProgramBench.SYN, 1), 0, 1);
      measure(there);
      rig.measureAtTunnel();
      fresh(opened);
      rig.forgetFlows(family);
      rig.chain(IN, outOf(ProgramBench.SYN, 1), 0, 1);
      rig.approveFlows(family);
      measure(back);
    }
    rig.measureAtPod();
    return List.of(there.result(), back.result(), open.result(), opened.result());
  }

  private static Row row(String name, Stream stream, int reason) {
    return new Row(name, stream, IN, reason, 0);
  }

  private Stream into(int flags, int flows) {
    return new Stream(family, packet(Rig.client(family), Rig.remote(family), flags), flows, 1);
  }

  private Stream outOf(int flags, int flows) {
    byte[] packet = packet(Rig.remote(family), Rig.server(family), flags);
    return new Stream(family, packet, flows, 1, Rig.OVERLAY);
  }

  private static byte[] packet(Ip from, Ip to, int flags) {
    return PacketBuilder.from(from, to)
        .tcp(ProgramBench.PORT, Rig.backendPort(), flags)
        .payloadLength(ProgramBench.PAYLOAD)
        .build();
  }

  /** Every packet opens a flow. */
  private void fresh(Row row) {
    rig.forgetFlows(family);
    measure(row);
  }

  private void measure(Row row) {
    double feeder = rig.feeder(row.stream(), packets);
    long before = rig.counted(row.hook(), row.reason());
    double chain = rig.chain(row.hook(), row.stream(), 0, packets);
    row.add(chain - feeder + floor, packets, rig.counted(row.hook(), row.reason()) - before);
  }
}
