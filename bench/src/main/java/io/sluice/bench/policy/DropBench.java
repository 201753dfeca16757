// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.config.cli.CommandException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** How many packets a second one CPU gets rid of; all droppers take turns in each round. */
final class DropBench {
  /**
   * One dropper.
   *
   * @param counted what counted the packets
   * @param median packets dropped in a second, in millions
   * @param ofNftables that over what nftables dropped: the median of each round's
   * @param overLink nanoseconds that a packet takes beyond what it takes the link, with one program
   *     that drops all: the median of each round's
   * @param ofSent the smallest share of what was sent that it has counted; the rest found the
   *     link's ring full
   */
  record Row(
      String dropper,
      String counted,
      double median,
      double min,
      double max,
      double ofNftables,
      double overLink,
      double ofSent) {}

  private record Sample(double millions, double ofSent) {}

  private final int rounds;
  private final int millis;
  private final Consumer<String> progress;

  /**
   * @param millis length of each dropper's part of a round
   */
  DropBench(int rounds, int millis, Consumer<String> progress) {
    this.rounds = rounds;
    this.millis = millis;
    this.progress = progress;
  }

  List<Row> run() throws IOException {
    Map<Dropper, List<Sample>> samples = new EnumMap<>(Dropper.class);
    try (DropPlace place = new DropPlace()) {
      for (int round = 1; round <= rounds; round++) {
        progress.accept("dropping packets, round " + round + " of " + rounds);
        for (Dropper dropper : Dropper.values()) {
          samples.computeIfAbsent(dropper, d -> new ArrayList<>()).add(sample(dropper, place));
        }
      }
    }
    return Arrays.stream(Dropper.values()).map(d -> row(d, samples)).toList();
  }

  private Sample sample(Dropper dropper, DropPlace place) {
    Dropper.InForce inForce = dropper.start(place);
    try {
      // Caches, and what the link had before.
      place.flood().send(1);
      long before = dropper.dropped(place);
      long began = System.nanoTime();
      long sent = place.flood().send(millis * 1_000_000L);
      double nanos = System.nanoTime() - began;
      long dropped = dropper.dropped(place) - before;
      if (dropped == 0) {
        throw new CommandException(dropper.text() + " has dropped nothing of " + sent);
      }
      return new Sample(dropped * 1e3 / nanos, (double) dropped / sent);
    } finally {
      inForce.end();
    }
  }

  private static Row row(Dropper dropper, Map<Dropper, List<Sample>> all) {
    List<Sample> samples = all.get(dropper);
    List<Sample> nftables = all.get(Dropper.NFTABLES);
    List<Sample> link = all.get(Dropper.NOTHING);
    double[] millions = sorted(samples.size(), i -> samples.get(i).millions());
    int middle = millions.length / 2;
    double[] shares =
        sorted(millions.length, i -> samples.get(i).millions() / nftables.get(i).millions());
    double[] over =
        sorted(
            millions.length, i -> 1e3 / samples.get(i).millions() - 1e3 / link.get(i).millions());
    return new Row(
        dropper.text(),
        dropper.evidence(),
        millions[middle],
        millions[0],
        millions[millions.length - 1],
        shares[middle],
        over[middle],
        samples.stream().mapToDouble(Sample::ofSent).min().orElseThrow());
  }

  private static double[] sorted(int count, IntToDoubleFunction value) {
    return IntStream.range(0, count).mapToDouble(value).sorted().toArray();
  }
}
