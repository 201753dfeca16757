// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.agent.dump.Rows.AffinityEntry;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Service;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Which client has which backend. */
final class AffinityDump {
  private final Dataplane dataplane;
  private final Names names;
  private final Backends backends;

  AffinityDump(Dataplane dataplane, Names names) {
    this.dataplane = dataplane;
    this.names = names;
    this.backends = new Backends(dataplane);
  }

  /** Entries, by service and client. */
  Dumps.Part<AffinityEntry> rows(int max) {
    int now = dataplane.jiffies();
    int hz = dataplane.hz();
    Map<Integer, Integer> times = new HashMap<>();
    dataplane.services().forEach((id, service) -> times.put(id, service.affinitySeconds()));
    List<AffinityEntry> rows = new ArrayList<>();
    LongAdder all = new LongAdder();
    for (Family family : Family.values()) {
      dataplane
          .affinity(family)
          .forEach(
              (key, entry) -> {
                all.increment();
                if (rows.size() < max) {
                  rows.add(row(key, entry, now, hz, times.getOrDefault(key.service(), 0)));
                }
              });
    }
    rows.sort(Comparator.comparing(AffinityEntry::service).thenComparing(AffinityEntry::client));
    return new Dumps.Part<>(rows, all.sum() - rows.size());
  }

  private AffinityEntry row(AffinityKey key, Affinity entry, int now, int hz, int seconds) {
    double age = FlowRow.seconds(now - entry.lastUsed(), hz);
    boolean live = backends.isLive(entry.id(), entry.gen());
    return new AffinityEntry(
        key.client().toString(),
        names.service(key.service()),
        key.service(),
        FlowRow.endpoint(entry.addr(), entry.port()),
        entry.id(),
        age,
        live ? Math.max(0, seconds - age) : 0,
        !live ? "dead" : age >= seconds ? "expired" : "live");
  }

  /** What affinity a service has, in words; empty: none. */
  static String describe(Service service) {
    int seconds = service.affinitySeconds();
    return seconds == 0 ? "" : "ClientIP " + time(seconds);
  }

  /** As short as it can be said: {@code 3h}, {@code 90s}. */
  private static String time(int seconds) {
    if (seconds % 3600 == 0) {
      return seconds / 3600 + "h";
    }
    return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
  }
}
