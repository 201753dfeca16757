// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.kernel.layout.Family;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** One path through the programs, with what was measured of it so far. */
final class Row {
  private final String name;
  private final Stream stream;
  private final int hook;
  private final int reason;
  private final int peer;
  private final List<Double> samples = new ArrayList<>();
  private long packets;
  private long counted;

  /**
   * @param name what is measured, for people
   * @param hook where the packets meet the programs, a constant of SluiceHook
   * @param reason under which the programs count a packet that took this path, of SluiceReason
   * @param peer what Calico's chain takes for it on this kernel with IPv4, ns over a floor of 26
   */
  Row(String name, Stream stream, int hook, int reason, int peer) {
    this.name = name;
    this.stream = stream;
    this.hook = hook;
    this.reason = reason;
    this.peer = stream.family() == Family.IPV4 ? peer : 0;
  }

  /**
   * Packets that follow each other.
   *
   * @param packet the first
   * @param flows how many there are, by source port
   * @param addresses how many destinations there are
   * @param network they come out of the tunnel, from the other node, in this network; 0: they do
   *     not
   */
  record Stream(Family family, byte[] packet, int flows, int addresses, int network) {
    Stream(Family family, byte[] packet, int flows, int addresses) {
      this(family, packet, flows, addresses, 0);
    }
  }

  Stream stream() {
    return stream;
  }

  int hook() {
    return hook;
  }

  int reason() {
    return reason;
  }

  /**
   * Adds one round.
   *
   * @param nanos per packet
   */
  void add(double nanos, long sent, long ended) {
    samples.add(nanos);
    packets += sent;
    counted += ended;
  }

  Result.Path result() {
    List<Double> sorted = new ArrayList<>(samples);
    Collections.sort(sorted);
    return new Result.Path(
        name,
        stream.family().number(),
        sorted.get(sorted.size() / 2),
        sorted.get(0),
        sorted.get(sorted.size() - 1),
        sorted.size(),
        Rig.counterName(hook, reason) + " counted " + counted + " of " + packets,
        peer);
  }
}
