// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.bench.traffic.Site.Sender;
import io.sluice.bench.traffic.Site.Unreachable;
import io.sluice.config.cli.CommandException;
import io.sluice.kernel.layout.Family;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Bulk from outside by a node port to a pod of another node: datagrams against TCP, in turns. Both
 * are of segments that fit into the tunnel, both go in batches that the kernel takes apart as late
 * as it can, and of both it is what arrived that counts.
 */
final class BulkBench {
  private static final int PROBE_MILLIS = 50;
  private static final long PATIENCE_SECONDS = 20;
  private static final long STEP_MILLIS = 200;

  private final int rounds;
  private final int millis;
  private final int cpu;
  private final Consumer<String> progress;

  BulkBench(int rounds, int millis, int cpu, Consumer<String> progress) {
    this.rounds = rounds;
    this.millis = millis;
    this.cpu = cpu;
    this.progress = progress;
  }

  List<Result.Bulk> run() {
    List<Result.Bulk> all = new ArrayList<>();
    for (String mode : List.of("Tunnel", "DSR")) {
      progress.accept("bulk to a remote pod, " + mode);
      try (Site site =
          Site.remote("bulk", cpu, Map.of("bpfExternalServiceMode", mode), line -> {})) {
        apply(site);
        for (Family family : Family.values()) {
          all.add(measure(site, mode, family));
        }
      }
    }
    return all;
  }

  private static void apply(Site site) {
    try {
      Path folder = Files.createTempDirectory("sluice-bench-");
      Path file = folder.resolve("bulk.yaml");
      Files.writeString(file, SluiceManifest.bulk(site));
      site.lab().apply(file);
      Files.delete(file);
      Files.delete(folder);
    } catch (IOException e) {
      throw new CommandException("no place for manifests: " + e.getMessage());
    }
    site.lab().start();
    site.lab().awaitReady();
  }

  private Result.Bulk measure(Site site, String mode, Family family) {
    awaitAnswer(site, family, Measure.THROUGHPUT);
    awaitAnswer(site, family, Measure.DATAGRAMS);
    List<Double> tcp = new ArrayList<>();
    List<Double> udp = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      try {
        tcp.add(sample(site, family, Measure.THROUGHPUT, millis));
        udp.add(sample(site, family, Measure.DATAGRAMS, millis));
      } catch (Unreachable e) {
        throw new CommandException("bulk to a remote pod, " + mode + ": " + e.getMessage());
      }
      ratios.add(udp.get(round) / tcp.get(round));
    }
    return new Result.Bulk(mode, family.number(), median(tcp), median(udp), median(ratios));
  }

  private static double median(List<Double> samples) {
    return samples.stream().sorted().toList().get(samples.size() / 2);
  }

  private static double sample(Site site, Family family, Measure what, int millis)
      throws Unreachable {
    return site.measure(Sender.OUTSIDE, site.nodeAddress(family), Services.NODE_PORT, what, millis);
  }

  private static void awaitAnswer(Site site, Family family, Measure what) {
    long began = System.nanoTime();
    while (true) {
      try {
        sample(site, family, what, PROBE_MILLIS);
        return;
      } catch (Unreachable e) {
        if (System.nanoTime() - began > TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)) {
          throw new CommandException("no answer of " + what.text() + ": " + e.getMessage());
        }
      }
      try {
        TimeUnit.MILLISECONDS.sleep(STEP_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandException("interrupted");
      }
    }
  }
}
