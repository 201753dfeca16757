// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import java.util.List;

/**
 * Figures of one run of the benchmark.
 *
 * @param floor ns that BPF_PROG_TEST_RUN and an empty program take: part of every figure
 * @param paths each path
 * @param programs each program
 */
record Result(double floor, List<Path> paths, List<Program> programs) {
  /**
   * Nanoseconds per packet, the floor included, the feeder not.
   *
   * @param evidence the counter that counted every packet of the path
   * @param peer Calico's figure; 0: none
   */
  record Path(
      String name,
      int family,
      double median,
      double min,
      double max,
      int rounds,
      String evidence,
      int peer) {}

  /**
   * @param instructions after the verifier
   * @param jitedBytes machine code
   */
  record Program(String name, int family, String hook, int instructions, int jitedBytes) {}
}
