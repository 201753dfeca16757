// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.bench.program.Row.Stream;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.layout.TunnelVni;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.List;

/**
 * Paths of what comes from outside to a node port: to a backend of this node, to one of another
 * node by the forwarding network, out of that at the backend's node, and the answer at the pod.
 */
final class OutsideBench {
  private static final int IN = SluiceHook.HOOK_IN;
  private static final int MANY = ProgramBench.MANY;

  private final Rig rig;
  private final Family family;
  private final int rounds;
  private final int packets;
  private final double floor;

  OutsideBench(Rig rig, Family family, int rounds, int packets, double floor) {
    this.rig = rig;
    this.family = family;
    this.rounds = rounds;
    this.packets = packets;
    this.floor = floor;
  }

  List<Result.Path> run() {
    rig.nodePorts(family);
    int peer = SluiceReason.REASON_PEER;
    int redirect = SluiceReason.REASON_REDIRECT;
    int forward = SluiceReason.REASON_FORWARD;
    Row local = row("established, node port to local pod", 1, Rig.LOCAL_PORT, 0, peer, 362);
    Row open = row("SYN, node port to local pod", MANY, Rig.LOCAL_PORT, 0, redirect, 1915);
    Row remote = row("established, node port to remote pod", 1, Rig.REMOTE_PORT, 0, forward, 0);
    Row openRemote = row("SYN, node port to remote pod", MANY, Rig.REMOTE_PORT, 0, forward, 0);
    int network = TunnelVni.TUNNEL_VNI_FORWARD;
    Row arrived = row("  at its node, from the tunnel", 1, Rig.LOCAL_PORT, network, peer, 0);
    Row opened = row("  at its node, from the tunnel", MANY, Rig.LOCAL_PORT, network, redirect, 0);
    Row answer =
        new Row(
            "answer of a pod, node port to local pod",
            new Stream(family, answer(), 1, 1),
            IN,
            SluiceReason.REASON_OUT,
            327);
    for (int round = 0; round < rounds; round++) {
      rig.measureAtHost();
      fresh(open);
      fresh(openRemote);
      begin(Rig.REMOTE_PORT, 0);
      measure(remote);
      begin(Rig.LOCAL_PORT, 0);
      rig.approveFlows(family);
      measure(local);
      rig.answerAtPod();
      measure(answer);
      rig.measureAtTunnel();
      fresh(opened);
      begin(Rig.LOCAL_PORT, network);
      rig.approveFlows(family);
      measure(arrived);
    }
    rig.measureAtPod();
    return List.of(
        local.result(),
        answer.result(),
        open.result(),
        remote.result(),
        arrived.result(),
        openRemote.result(),
        opened.result());
  }

  private Row row(String name, int flows, int port, int network, int reason, int peer) {
    int flags = flows == 1 ? ProgramBench.ACK : ProgramBench.SYN;
    return new Row(name, stream(port, flags, flows, network), IN, reason, peer);
  }

  private Stream stream(int port, int flags, int flows, int network) {
    byte[] packet = packet(Rig.outside(family), ProgramBench.PORT, Rig.node(family), port, flags);
    return new Stream(family, packet, flows, 1, network);
  }

  private byte[] answer() {
    return packet(
        Rig.server(family),
        Rig.backendPort(),
        Rig.outside(family),
        ProgramBench.PORT,
        ProgramBench.ACK);
  }

  private static byte[] packet(Ip from, int fromPort, Ip to, int toPort, int flags) {
    return PacketBuilder.from(from, to)
        .tcp(fromPort, toPort, flags)
        .payloadLength(ProgramBench.PAYLOAD)
        .build();
  }

  /** One flow, and no other. */
  private void begin(int port, int network) {
    rig.forgetFlows(family);
    rig.chain(IN, stream(port, ProgramBench.SYN, 1, network), 0, 1);
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
