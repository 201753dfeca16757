// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

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
import java.util.function.DoubleSupplier;

/**
 * Measures each path in many short rounds, taken in turn, so that what disturbs the machine for a
 * moment disturbs all paths alike. The feeder's own time is measured with the same stream and taken
 * off.
 */
final class ProgramBench {
  private static final int SYN = 0x02;
  private static final int SYN_ACK = 0x12;
  private static final int ACK = 0x10;
  private static final int PORT = 10_000;
  private static final int SERVICE_CLIENT_PORT = 61_000;
  private static final int SERVICE_PORT = 80;
  private static final int PAYLOAD = 40;
  private static final int MANY = 50_000;

  private final Rig rig;
  private final int rounds;
  private final int packets;
  private final Consumer<String> progress;

  /**
   * @param rounds of each path
   * @param packets of each round; at most the flows of the streams that open flows
   */
  ProgramBench(Rig rig, int rounds, int packets, Consumer<String> progress) {
    this.rig = rig;
    this.rounds = rounds;
    this.packets = packets;
    this.progress = progress;
  }

  Result run() throws IOException {
    List<Result.Path> paths = new ArrayList<>();
    byte[] any = direct(Family.IPV4, ACK);
    double floor = median(sample(() -> rig.floor(any, packets)));
    for (Family family : Family.values()) {
      rig.services(family, 1, 1);
      progress.accept("IPv" + family.number() + ": established");
      paths.addAll(measure(established(family), floor));
      for (int services : new int[] {1, 1_000, 10_000}) {
        rig.services(family, services, 10);
        progress.accept("IPv" + family.number() + ": new flows, " + services + " services");
        paths.addAll(measure(opening(family, services), floor));
      }
    }
    return new Result(floor, paths, rig.programs());
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

  private static List<Row> established(Family family) {
    byte[] packet = direct(family, ACK);
    return List.of(
        path("established, pod to pod", family, packet, 1, Row.Opening.DIRECT, 279),
        path("same, 50,000 flows at random", family, packet, MANY, Row.Opening.DIRECT, 639),
        path(
            "established, pod to ClusterIP",
            family,
            toService(family, ACK),
            1,
            Row.Opening.BY_SERVICE,
            418 + 211),
        path(
            "its answer",
            family,
            answer(family, SERVICE_CLIENT_PORT, ACK),
            1,
            Row.Opening.BY_SERVICE,
            282 + 324));
  }

  /** Established flows meet one program each way: redirect_peer leaves none at the destination. */
  private static Row path(
      String name, Family family, byte[] packet, int flows, Row.Opening opening, int peer) {
    int in = SluiceHook.HOOK_IN;
    return new Row(name, family, in, packet, flows, 1, opening, SluiceReason.REASON_PEER, peer);
  }

  private static List<Row> opening(Family family, int services) {
    int in = SluiceHook.HOOK_IN;
    int redirect = SluiceReason.REASON_REDIRECT;
    List<Row> rows = new ArrayList<>();
    if (services == 1) {
      byte[] toPod = direct(family, SYN);
      rows.add(
          new Row("SYN, pod to pod", family, in, toPod, MANY, 1, Row.Opening.EACH, redirect, 1528));
      rows.add(
          new Row(
              "same, at the destination",
              family,
              SluiceHook.HOOK_OUT,
              toPod,
              MANY,
              1,
              Row.Opening.EACH_AFTER_SOURCE,
              SluiceReason.REASON_TO_POD,
              879));
    }
    rows.add(
        new Row(
            String.format("SYN, rotating over services: %,d", services),
            family,
            in,
            packet(family, PORT, Rig.firstService(family), SERVICE_PORT, SYN),
            MANY,
            services,
            Row.Opening.EACH,
            redirect,
            services == 1 ? 2116 : services == 1_000 ? 2383 : 3047));
    return rows;
  }

  private List<Result.Path> measure(List<Row> rows, double floor) {
    List<List<Double>> samples = new ArrayList<>();
    rows.forEach(row -> samples.add(new ArrayList<>()));
    long[] counted = new long[rows.size()];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < rows.size(); i++) {
        Row row = rows.get(i);
        prepare(row, round);
        long before = rig.counted(row.hook(), row.reason());
        double chain = rig.chain(row.hook(), row.packet(), row.flows(), row.addresses(), packets);
        counted[i] += rig.counted(row.hook(), row.reason()) - before;
        double feeder = rig.feeder(row.packet(), row.flows(), row.addresses(), packets);
        samples.get(i).add(chain - feeder + floor);
      }
    }
    List<Result.Path> paths = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      paths.add(summary(rows.get(i), samples.get(i), counted[i]));
    }
    return paths;
  }

  private Result.Path summary(Row row, List<Double> samples, long counted) {
    double[] sorted = samples.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    String evidence =
        SluiceHook.name(row.hook())
            + "/"
            + SluiceReason.name(row.reason())
            + " counted "
            + counted
            + " of "
            + (long) rounds * packets;
    return new Result.Path(
        row.name(),
        row.family().number(),
        sorted[sorted.length / 2],
        sorted[0],
        sorted[sorted.length - 1],
        rounds,
        evidence,
        row.peer());
  }

  /** Gives the row's stream the flows that it needs, or none. */
  private void prepare(Row row, int round) {
    int in = SluiceHook.HOOK_IN;
    switch (row.opening()) {
      case EACH -> rig.forgetFlows(row.family());
      case EACH_AFTER_SOURCE -> {
        rig.forgetFlows(row.family());
        rig.chain(in, row.packet(), row.flows(), row.addresses(), packets);
      }
      case DIRECT -> {
        if (round == 0) {
          byte[] syn = direct(row.family(), SYN);
          handshake(row, syn, syn, answer(row.family(), PORT, SYN_ACK));
        }
      }
      case BY_SERVICE -> {
        if (round == 0) {
          Family family = row.family();
          byte[] arrived =
              packet(family, SERVICE_CLIENT_PORT, Rig.server(family), Rig.backendPort(), SYN);
          byte[] answer = answer(family, SERVICE_CLIENT_PORT, SYN_ACK);
          handshake(row, toService(family, SYN), arrived, answer);
        }
      }
      default -> throw new IllegalStateException(row.opening().name());
    }
  }

  /** A handshake for each flow of a path, as the programs of both pods see it. */
  private void handshake(Row row, byte[] sent, byte[] arrived, byte[] answer) {
    rig.chain(SluiceHook.HOOK_IN, sent, row.flows(), 1, row.flows());
    rig.chain(SluiceHook.HOOK_OUT, arrived, row.flows(), 1, row.flows());
    rig.chain(SluiceHook.HOOK_IN, answer, 1, 1, 1);
  }

  private double[] sample(DoubleSupplier one) {
    double[] samples = new double[rounds];
    Arrays.setAll(samples, i -> one.getAsDouble());
    Arrays.sort(samples);
    return samples;
  }

  private static double median(double[] sorted) {
    return sorted[sorted.length / 2];
  }
}
