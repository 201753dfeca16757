// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.TestRun;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** The clock of conntrack's time stamps, read by a program. Thread-safe. */
final class Clock implements AutoCloseable {
  private static final int PACKET = 64;
  private static final int[] FREQUENCIES = {100, 250, 300, 1000};

  /** The kernel's counter starts five minutes before it wraps 32 bits. */
  private static final long SECONDS_BEFORE_WRAP = 300;

  private static final double TOLERANCE = 0.01;
  private static final long MEASURE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final Fd program;
  private final TestRun run;
  private final int hz;

  /** One reading: jiffies64, and nanoseconds since boot. */
  private record Reading(long jiffies, long nanos) {}

  Clock(Objects objects) {
    try (BpfObject object = objects.open("clock4").load()) {
      program = object.programFd("clock");
    }
    run = new TestRun(program, PACKET).packet(new byte[PACKET]);
    hz = findHz();
  }

  private synchronized Reading read() {
    int verdict = run.run(1);
    if (verdict != 0) {
      throw new IllegalStateException("the clock program answered " + verdict);
    }
    ByteBuffer packet = run.outputBytes();
    return new Reading(packet.getLong(0), packet.getLong(Long.BYTES));
  }

  /** The kernel's jiffies64, cut to 32 bits. */
  int jiffies() {
    return (int) read().jiffies();
  }

  /** Jiffies in a second. */
  int hz() {
    return hz;
  }

  /**
   * One reading tells, for both clocks start at boot. Where they do not agree, as on a machine that
   * was suspended or restored from a snapshot, two readings do.
   */
  private int findHz() {
    Reading now = read();
    int[] fitting =
        IntStream.of(FREQUENCIES).filter(f -> fits(now.jiffies(), now.nanos(), f)).toArray();
    return fitting.length == 1 ? fitting[0] : measureHz(now);
  }

  /** Whether this many jiffies have passed since boot, at that frequency. */
  static boolean fits(long jiffies, long nanos, int frequency) {
    long start = -SECONDS_BEFORE_WRAP * frequency & 0xffff_ffffL;
    double expected = nanos * (double) frequency / TimeUnit.SECONDS.toNanos(1);
    return Math.abs(jiffies - start - expected) <= expected * TOLERANCE;
  }

  private int measureHz(Reading first) {
    Reading second = first;
    while (second.nanos() - first.nanos() < MEASURE_NANOS) {
      LockSupport.parkNanos(MEASURE_NANOS - (second.nanos() - first.nanos()));
      second = read();
    }
    double measured =
        (second.jiffies() - first.jiffies())
            * (double) TimeUnit.SECONDS.toNanos(1)
            / (second.nanos() - first.nanos());
    int nearest = FREQUENCIES[0];
    for (int frequency : FREQUENCIES) {
      if (Math.abs(frequency - measured) < Math.abs(nearest - measured)) {
        nearest = frequency;
      }
    }
    return nearest;
  }

  @Override
  public synchronized void close() {
    program.close();
  }
}
