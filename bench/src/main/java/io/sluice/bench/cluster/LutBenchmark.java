// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.cluster;

import io.sluice.cluster.maglev.Backend;
import io.sluice.cluster.maglev.BackendSet;
import io.sluice.cluster.maglev.Lut;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The computation of a Maglev table from its backends. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class LutBenchmark {
  /** How many backends. */
  @Param({"10", "100", "655", "1000"})
  public int backends;

  private BackendSet set;

  /** Makes the backends. */
  @Setup
  public void make() {
    List<Backend> all = new ArrayList<>();
    for (int i = 0; i < backends; i++) {
      all.add(new Backend(IpAddress.parse("10.244." + i / 250 + "." + (i % 250 + 1)), 8080, 1));
    }
    set = BackendSet.of(IpFamily.IPV4, all);
  }

  /** One table. */
  @Benchmark
  public Lut compute() {
    return Lut.compute(set);
  }
}
