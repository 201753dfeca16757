// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import java.util.List;

/**
 * Figures of one run of the benchmark.
 *
 * @param floor ns that BPF_PROG_TEST_RUN and an empty program take: part of every figure
 * @param paths each path
 * @param programs each program
 * @param policies each size of policy programs
 */
record Result(double floor, List<Path> paths, List<Program> programs, List<Policy> policies) {
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

  /**
   * A policy program.
   *
   * @param by what its rules tell packets apart by
   * @param instructions of all pieces, before the verifier
   * @param generated ms from the plan to instructions
   * @param loaded ms until it was in its slot: the verifier's and the compiler's work
   */
  record Policy(
      String by, int rules, int pieces, int instructions, double generated, double loaded) {}
}
