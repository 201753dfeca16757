// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.TestRun;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtCleanStats;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.Family;
import java.util.HashMap;
import java.util.Map;

/** The conntrack cleaner of one family, with its own maps. Thread-safe: calls take turns. */
final class Cleaner implements AutoCloseable {
  private static final int PACKET = 64;

  private final Fd program;
  private final TestRun run;
  private final BpfMap<CtKey, CtJudged> judged;
  private final BpfMap<Integer, CtCleanStats> stats;

  Cleaner(Objects objects, MapStore maps, Family family) {
    String suffix = Integer.toString(family.number());
    try (BpfObject object = objects.open("ct_clean" + suffix)) {
      maps.share(object);
      object.load();
      program = object.programFd("ct_clean");
      judged =
          new BpfMap<>(
              "ct_clean" + suffix,
              object.mapFd("ct_clean" + suffix),
              CtKey.codec(family),
              CtJudged.codec(family));
      stats =
          new BpfMap<>(
              "ct_clean_stats", object.mapFd("ct_clean_stats"), Codec.U32, CtCleanStats.codec());
    }
    run = new TestRun(program, PACKET).packet(new byte[PACKET]);
  }

  synchronized Dataplane.CleanResult clean(Map<CtKey, CtJudged> dead) {
    stats.put(0, new CtCleanStats(0, 0, 0));
    Map<CtKey, CtJudged> part = new HashMap<>();
    int room = judged.maxEntries();
    for (Map.Entry<CtKey, CtJudged> entry : dead.entrySet()) {
      part.put(entry.getKey(), entry.getValue());
      if (part.size() == room) {
        cleanPart(part);
        part.clear();
      }
    }
    cleanPart(part);
    CtCleanStats sum = stats.get(0).orElseThrow();
    return new Dataplane.CleanResult(sum.deleted(), sum.spared(), sum.absent());
  }

  private void cleanPart(Map<CtKey, CtJudged> part) {
    if (part.isEmpty()) {
      return;
    }
    judged.putAll(part);
    int verdict = run.run(1);
    if (verdict != 0) {
      judged.removeAll(part.keySet());
      throw new IllegalStateException("the conntrack cleaner answered " + verdict);
    }
  }

  @Override
  public synchronized void close() {
    program.close();
    judged.close();
    stats.close();
  }
}
