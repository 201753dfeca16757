// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import java.util.List;

/**
 * Figures of one run.
 *
 * @param iptables which of the kernel's tables were measured: nft, legacy; null: none
 * @param rounds of each cell
 * @param millis of each round
 */
record Result(String iptables, int rounds, int millis, List<Row> rows) {
  /** Whether there is a figure of a peer in every row. */
  boolean measured(String peer) {
    return rows.stream()
        .flatMap(row -> row.cells().stream())
        .noneMatch(cell -> cell.peer().equals(peer) && cell.unavailable() != null);
  }

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
