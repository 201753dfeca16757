// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.dataplane.RuleHits;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Rule hits without a kernel. */
public final class MemoryRuleHits implements RuleHits {
  /** Packets by rule ID, for tests to fill and look at. */
  public final Map<Long, Long> packets = new TreeMap<>();

  @Override
  public synchronized Set<Long> keys() {
    return Set.copyOf(packets.keySet());
  }

  @Override
  public synchronized void add(Collection<Long> ids) {
    ids.forEach(id -> packets.putIfAbsent(id, 0L));
  }

  @Override
  public synchronized void remove(Collection<Long> ids) {
    packets.keySet().removeAll(ids);
  }

  @Override
  public synchronized Map<Long, Long> read() {
    return Map.copyOf(packets);
  }
}
