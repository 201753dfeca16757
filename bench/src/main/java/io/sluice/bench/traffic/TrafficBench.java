// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.bench.traffic.Site.Sender;
import io.sluice.bench.traffic.Site.Unreachable;
import io.sluice.config.cli.CommandException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Measures all peers side by side. All of them are up at once, and each round asks one after the
 * other for the same thing: what disturbs the machine disturbs all alike, and a round's ratios are
 * of figures that are a second apart.
 */
final class TrafficBench implements AutoCloseable {
  private static final int PROBE_MILLIS = 50;
  private static final long PATIENCE_SECONDS = 10;
  private static final long STEP_MILLIS = 200;

  private final int rounds;
  private final int millis;
  private final Consumer<String> progress;
  private final List<Peer> peers = new ArrayList<>();
  private IptablesPeer iptables;
  private BarePeer bare;

  /** What one peer made of one path. */
  private record Key(Peer peer, Sender sender, Measure measure) {}

  /**
   * @param rounds of each cell
   * @param millis of each round
   */
  TrafficBench(int rounds, int millis, Consumer<String> progress) {
    this.rounds = rounds;
    this.millis = millis;
    this.progress = progress;
  }

  /**
   * Builds a lab for each peer.
   *
   * @param cpu where all ends of all connections run
   * @param variant of iptables; null: what works
   */
  void up(int cpu, String variant) {
    progress.accept("building four labs");
    Consumer<String> quiet = line -> {};
    peers.add(new SluicePeer(Site.up("sluice", cpu, quiet)));
    iptables = new IptablesPeer(Site.up("iptables", cpu, quiet), variant);
    peers.add(iptables);
    peers.add(new NftablesPeer(Site.up("nftables", cpu, quiet)));
    bare = new BarePeer(Site.up("bare", cpu, quiet));
    peers.add(bare);
  }

  /** Measures with each of these numbers of services. */
  Result run(List<Integer> counts) {
    List<Result.Row> rows = new ArrayList<>();
    for (int count : counts) {
      rows.addAll(measure(count));
    }
    return new Result(iptables.variant(), rounds, millis, rows, List.of());
  }

  private List<Result.Row> measure(int count) {
    Map<Key, String> missing = new HashMap<>();
    for (Peer peer : peers) {
      Services services = new Services(count, peer.site().backends());
      String unavailable = apply(peer, services);
      for (Sender sender : Sender.values()) {
        String why = unavailable == null ? probe(peer, services, sender) : unavailable;
        if (why != null) {
          progress.accept(peer.name() + ", from " + sender.text() + ": " + why);
          Measure.OF_SERVICES.forEach(m -> missing.put(new Key(peer, sender, m), why));
        }
      }
    }
    Map<Key, List<Double>> samples = new HashMap<>();
    for (int round = 0; round < rounds; round++) {
      progress.accept(
          String.format(Locale.ROOT, "%,d services: round %d of %d", count, round + 1, rounds));
      round(count, round, samples, missing);
    }
    List<Result.Row> rows = new ArrayList<>();
    for (Sender sender : Sender.values()) {
      for (Measure measure : Measure.OF_SERVICES) {
        List<Result.Cell> cells = new ArrayList<>();
        List<Double> floor = samples.getOrDefault(new Key(bare, sender, measure), List.of());
        for (Peer peer : peers) {
          Key key = new Key(peer, sender, measure);
          cells.add(cell(peer, samples.getOrDefault(key, List.of()), floor, missing.get(key)));
        }
        rows.add(new Result.Row(sender.text(), measure.text(), measure.unit(), count, cells));
      }
    }
    return rows;
  }

  /** Null, or why the peer cannot be measured. */
  private String apply(Peer peer, Services services) {
    long began = System.nanoTime();
    try {
      peer.apply(services);
    } catch (Peer.Unavailable e) {
      return "not available here: " + e.getMessage();
    }
    if (!(peer instanceof SluicePeer) && peer.site().programsAttached() != 0) {
      throw new CommandException("a program is attached where " + peer.name() + " is measured");
    }
    if (peer == bare && !peer.site().tracked().equals("0")) {
      throw new CommandException("the kernel tracks connections where bare routing is measured");
    }
    progress.accept(
        String.format(
            Locale.ROOT,
            "%s has %,d services after %.1f s",
            peer.name(),
            services.count(),
            (System.nanoTime() - began) / 1e9));
    return null;
  }

  /** Returns when the service answers, with null, or after a while, with what was wrong. */
  private static String probe(Peer peer, Services services, Sender sender) {
    long began = System.nanoTime();
    while (true) {
      try {
        sample(peer, services, sender, Measure.CONNECTIONS, PROBE_MILLIS);
        return null;
      } catch (Unreachable e) {
        if (System.nanoTime() - began > TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)) {
          return "no answer: " + e.getMessage();
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

  private static double sample(
      Peer peer, Services services, Sender sender, Measure measure, int millis) throws Unreachable {
    Peer.Target target = peer.target(services, sender);
    return peer.site().measure(sender, target.address(), target.port(), measure, millis);
  }

  /** Each cell once; who goes first changes from round to round. */
  private void round(
      int count, int round, Map<Key, List<Double>> samples, Map<Key, String> missing) {
    for (Sender sender : Sender.values()) {
      for (Measure measure : Measure.OF_SERVICES) {
        for (int i = 0; i < peers.size(); i++) {
          Peer peer = peers.get((i + round) % peers.size());
          Key key = new Key(peer, sender, measure);
          if (missing.containsKey(key)) {
            continue;
          }
          Services services = new Services(count, peer.site().backends());
          try {
            double value = sample(peer, services, sender, measure, millis);
            samples.computeIfAbsent(key, k -> new ArrayList<>()).add(value);
          } catch (Unreachable e) {
            // A cell of which a round is missing would not compare: it has none.
            missing.put(key, "failed in round " + (round + 1) + ": " + e.getMessage());
            progress.accept(peer.name() + ": " + missing.get(key));
          }
        }
      }
    }
  }

  private static Result.Cell cell(
      Peer peer, List<Double> samples, List<Double> floor, String missing) {
    if (missing != null) {
      return new Result.Cell(peer.name(), 0, 0, 0, 0, missing);
    }
    List<Double> shares = new ArrayList<>();
    for (int i = 0; i < samples.size() && samples.size() == floor.size(); i++) {
      shares.add(samples.get(i) / floor.get(i));
    }
    List<Double> sorted = samples.stream().sorted().toList();
    return new Result.Cell(
        peer.name(),
        sorted.get(sorted.size() / 2),
        sorted.get(0),
        sorted.get(sorted.size() - 1),
        shares.isEmpty() ? 0 : shares.stream().sorted().toList().get(shares.size() / 2),
        null);
  }

  @Override
  public void close() {
    RuntimeException failure = null;
    for (Peer peer : peers) {
      try {
        peer.close();
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
