// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.layout.Counter;
import io.sluice.kernel.layout.SluiceReason;
import java.util.ArrayList;
import java.util.List;

/** The counters' map as rows. */
final class CounterRows {
  private CounterRows() {}

  /** All that are not zero, summed over the CPUs. */
  static List<Dataplane.CounterRow> read(PerCpuArray<Counter> counters) {
    List<Dataplane.CounterRow> rows = new ArrayList<>();
    for (int i = 0; i < counters.size(); i++) {
      long packets = 0;
      long bytes = 0;
      for (Counter counter : counters.get(i)) {
        packets += counter.packets();
        bytes += counter.bytes();
      }
      if (packets != 0 || bytes != 0) {
        rows.add(
            new Dataplane.CounterRow(
                i / SluiceReason.REASON_COUNT,
                i % SluiceReason.REASON_COUNT,
                new Counter(packets, bytes)));
      }
    }
    return rows;
  }
}
