// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import java.util.List;

/** What is counted of a path. */
enum Measure {
  /** Of one connection, from the client. */
  THROUGHPUT("throughput", "bulk", "Gbit/s"),
  /** Of a byte that is answered by a byte, one after the other on one connection. */
  REQUESTS("requests", "request", "k/s"),
  /** Opened, asked, answered and closed, one after the other. */
  CONNECTIONS("connections", "connect", "k/s"),
  /** Of datagrams, as the other end counted them. */
  DATAGRAMS("datagrams", "datagrams", "Gbit/s");

  /** What is measured of services. */
  static final List<Measure> OF_SERVICES = List.of(THROUGHPUT, REQUESTS, CONNECTIONS);

  private final String text;
  private final String mode;
  private final String unit;

  Measure(String text, String mode, String unit) {
    this.text = text;
    this.mode = mode;
    this.unit = unit;
  }

  /** For people. */
  String text() {
    return text;
  }

  /** As the meter calls it. */
  String mode() {
    return mode;
  }

  String unit() {
    return unit;
  }

  /** A second's worth, in this measure's unit. */
  double perSecond(long count, long micros) {
    // Bytes per microsecond are megabytes a second.
    return unit.startsWith("G") ? count * 8 / 1e3 / micros : count * 1e3 / micros;
  }
}
