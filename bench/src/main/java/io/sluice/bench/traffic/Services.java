// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * The services of a cluster, the same for every peer. Of all of them one is measured; it stands in
 * the middle, where a walk through all services takes as long as it does on average.
 *
 * @param count how many there are
 * @param backends addresses of the pods behind the one that is measured
 */
record Services(int count, List<String> backends) {
  /** Of every service. */
  static final int PORT = 80;

  /** Of every backend. */
  static final int TARGET_PORT = 8080;

  /** Of the service that is measured. */
  static final int NODE_PORT = 30_000;

  private static final String MEASURED = "10.111.255.1";

  static final String NAMESPACE = "bench";

  /** Kubernetes has room for 2,768 node ports: every so many services has one. */
  private static final int WITH_NODE_PORT = 10;

  private static final int BACKENDS_OF_OTHERS = 2;

  Services {
    backends = List.copyOf(backends);
  }

  /** The number of the service that is measured. */
  int measured() {
    return count / 2;
  }

  String name(int i) {
    return i == measured() ? "measured" : "s" + i;
  }

  /** The address of the service that is measured is the same, however many there are. */
  String address(int i) {
    return i == measured()
        ? MEASURED
        : "10.%d.%d.%d".formatted(96 + i / 62_500, i / 250 % 250, i % 250 + 1);
  }

  /** The node port of a service that has one. */
  OptionalInt nodePort(int i) {
    if (i == measured()) {
      return OptionalInt.of(NODE_PORT);
    }
    return i % WITH_NODE_PORT == 0
        ? OptionalInt.of(NODE_PORT + 1 + i / WITH_NODE_PORT)
        : OptionalInt.empty();
  }

  /** The addresses behind a service: pods of the lab, or, for those not measured, of nobody. */
  List<String> backends(int i) {
    if (i == measured()) {
      return backends;
    }
    return IntStream.range(0, BACKENDS_OF_OTHERS)
        .map(b -> i * BACKENDS_OF_OTHERS + b)
        .mapToObj(n -> "10.%d.%d.%d".formatted(200 + n / 62_500, n / 250 % 250, n % 250 + 1))
        .toList();
  }

  /** How many backends all services have together. */
  int allBackends() {
    return (count - 1) * BACKENDS_OF_OTHERS + backends.size();
  }
}
