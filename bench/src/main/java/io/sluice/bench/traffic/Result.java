// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import java.util.List;

/**
 * Figures of one run.
 *
 * @param iptables which of the kernel's tables were measured: nft, legacy; null: none
 * @param rounds of each cell
 * @param millis of each round
 * @param bulk from outside to a pod of another node
 */
record Result(String iptables, int rounds, int millis, List<Row> rows, List<Bulk> bulk) {
  /** Whether there is a figure of a peer in every row. */
  boolean measured(String peer) {
    return rows.stream()
        .flatMap(row -> row.cells().stream())
        .noneMatch(cell -> cell.peer().equals(peer) && cell.unavailable() != null);
  }

  Result with(List<Bulk> measured) {
    return new Result(iptables, rounds, millis, rows, measured);
  }

  /**
   * Bulk by a node port to a backend of another node.
   *
   * @param mode of external services
   * @param family 4 or 6
   * @param tcp Gbit/s, the median
   * @param udp Gbit/s of datagrams that arrived, the median
   * @param udpOfTcp the median of each round's
   */
  record Bulk(String mode, int family, double tcp, double udp, double udpOfTcp) {}

  /** One measure of one path with so many services, for each peer. */
  record Row(String path, String measure, String unit, int services, List<Cell> cells) {}

  /**
   * What was measured of one peer.
   *
   * @param ofBare the median of each round's share of what bare routing made in that round; 0:
   *     unknown
   * @param unavailable why there is nothing; null: there is
   */
  record Cell(
      String peer, double median, double min, double max, double ofBare, String unavailable) {}
}
