// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.bench.program.Row.Stream;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.packet.PacketBuilder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Measures each path in many rounds, taken in turn, so that what disturbs the machine for a moment
 * disturbs all paths alike. The feeder's own time is measured with the same stream and taken off.
 */
final class ProgramBench {
  private static final int IN = SluiceHook.HOOK_IN;
  private static final int OUT = SluiceHook.HOOK_OUT;
  static final int SYN = 0x02;
  private static final int SYN_ACK = 0x12;
  static final int ACK = 0x10;
  static final int PORT = 10_000;
  private static final int SERVICE_CLIENT_PORT = 61_000;
  private static final int SERVICE_PORT = 80;
  static final int PAYLOAD = 40;
  static final int MANY = 50_000;

  /** The destination's program sees a SYN straight after the source's: so this many in turn. */
  private static final int BATCH = 256;

  private final Rig rig;
  private final int rounds;
  private final int packets;
  private final Consumer<String> progress;
  private double floor;

  /**
   * @param rounds of each path
   * @param packets of each round; at most {@value #MANY}
   */
  ProgramBench(Rig rig, int rounds, int packets, Consumer<String> progress) {
    this.rig = rig;
    this.rounds = rounds;
    this.packets = packets;
    this.progress = progress;
  }

  Result run() throws IOException {
    double[] floors = new double[rounds];
    Arrays.setAll(floors, i -> rig.floor(direct(Family.IPV4, ACK), packets));
    Arrays.sort(floors);
    floor = floors[rounds / 2];
    List<Result.Path> paths = new ArrayList<>();
    for (Family family : Family.values()) {
      progress.accept("IPv" + family.number() + ": established flows");
      rig.services(family, 1);
      paths.addAll(established(family));
      progress.accept("IPv" + family.number() + ": new flows");
      paths.addAll(opening(family, 0));
      progress.accept("IPv" + family.number() + ": by the tunnel");
      paths.addAll(new TunnelBench(rig, family, rounds, packets, floor).run());
      progress.accept("IPv" + family.number() + ": from outside");
      paths.addAll(new OutsideBench(rig, family, rounds, packets, floor).run());
      for (int services : new int[] {1, 1_000, 10_000}) {
        progress.accept(
            String.format("IPv%d: new flows to %,d services", family.number(), services));
        rig.services(family, services);
        paths.addAll(opening(family, services));
      }
    }
    PolicyBench policies = new PolicyBench(rig, rounds, packets, floor, progress);
    policies.run();
    paths.addAll(policies.paths());
    return new Result(floor, paths, rig.programs(), policies.policies());
  }

  private static byte[] packet(Family family, int from, Ip to, int port, int flags) {
    return PacketBuilder.from(Rig.client(family), to)
        .tcp(from, port, flags)
        .payloadLength(PAYLOAD)
        .build();
  }

  private static byte[] direct(Family family, int flags) {
    return packet(family, PORT, Rig.server(family), Rig.backendPort(), flags);
  }

  private static byte[] toService(Family family, int flags) {
    return packet(family, SERVICE_CLIENT_PORT, Rig.firstService(family), SERVICE_PORT, flags);
  }

  private static byte[] answer(Family family, int to, int flags) {
    return PacketBuilder.from(Rig.server(family), Rig.client(family))
        .tcp(Rig.backendPort(), to, flags)
        .payloadLength(PAYLOAD)
        .build();
  }

  private static Stream one(Family family, byte[] packet) {
    return new Stream(family, packet, 1, 1);
  }

  /** One program each way: with redirect_peer there is none at the destination. */
  private List<Result.Path> established(Family family) {
    Stream many = new Stream(family, direct(family, ACK), MANY, 1);
    int peer = SluiceReason.REASON_PEER;
    List<Row> rows =
        List.of(
            new Row("established, pod to pod", one(family, direct(family, ACK)), IN, peer, 279),
            new Row("same, 50,000 flows at random", many, IN, peer, 639),
            new Row(
                "established, pod to ClusterIP",
                one(family, toService(family, ACK)),
                IN,
                peer,
                418 + 211),
            new Row(
                "its answer",
                one(family, answer(family, SERVICE_CLIENT_PORT, ACK)),
                IN,
                peer,
                282 + 324));
    rig.forgetFlows(family);
    Stream syns = new Stream(family, direct(family, SYN), MANY, 1);
    rig.chain(IN, syns, 0, MANY);
    rig.chain(OUT, syns, 0, MANY);
    byte[] arrived =
        packet(family, SERVICE_CLIENT_PORT, Rig.server(family), Rig.backendPort(), SYN);
    rig.chain(IN, one(family, toService(family, SYN)), 0, 1);
    rig.chain(OUT, one(family, arrived), 0, 1);
    rig.chain(IN, one(family, answer(family, SERVICE_CLIENT_PORT, SYN_ACK)), 0, 1);
    for (int round = 0; round < rounds; round++) {
      for (Row row : rows) {
        long before = rig.counted(row.hook(), row.reason());
        double chain = rig.chain(row.hook(), row.stream(), 0, packets);
        long ended = rig.counted(row.hook(), row.reason()) - before;
        row.add(chain - rig.feeder(row.stream(), packets) + floor, packets, ended);
      }
    }
    return rows.stream().map(Row::result).toList();
  }

  /** New flows, each packet in the source's program and then in the destination's. */
  private List<Result.Path> opening(Family family, int services) {
    String what =
        services == 0
            ? "SYN, pod to pod"
            : String.format("SYN, pod to 1 of %,d services", services);
    int peer = services == 0 ? 1528 : services == 1 ? 2116 : services == 1_000 ? 2383 : 3047;
    byte[] sent =
        services == 0
            ? direct(family, SYN)
            : packet(family, PORT, Rig.firstService(family), SERVICE_PORT, SYN);
    Stream source = new Stream(family, sent, MANY, Math.max(1, services));
    Stream arrived = new Stream(family, direct(family, SYN), MANY, 1);
    Row first = new Row(what, source, IN, SluiceReason.REASON_REDIRECT, peer);
    Row second =
        new Row(
            "  at its destination",
            arrived,
            OUT,
            SluiceReason.REASON_TO_POD,
            services == 0 ? 879 : 887);
    for (int round = 0; round < rounds; round++) {
      rig.forgetFlows(family);
      double feeder = rig.feeder(source, packets);
      long before = rig.counted(IN, first.reason());
      long beforeSecond = rig.counted(OUT, second.reason());
      double in = 0;
      double out = 0;
      for (int n = 0; n < packets; n += BATCH) {
        int batch = Math.min(BATCH, packets - n);
        in += batch * rig.chain(IN, source, n, batch);
        out += batch * rig.chain(OUT, arrived, n, batch);
      }
      first.add(in / packets - feeder + floor, packets, rig.counted(IN, first.reason()) - before);
      second.add(
          out / packets - feeder + floor,
          packets,
          rig.counted(OUT, second.reason()) - beforeSecond);
    }
    return List.of(first.result(), second.result());
  }
}
