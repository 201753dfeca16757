// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.PerCpuHash;
import java.util.Collection;
import java.util.Map;
import java.util.Set;

/** Rule hits in the kernel. */
final class RuleHitsMap implements RuleHits, AutoCloseable {
  static final String NAME = "rule_hits";

  private final PerCpuHash map;

  /**
   * @param fd becomes this object's
   */
  RuleHitsMap(Fd fd) {
    map = new PerCpuHash(NAME, fd);
  }

  @Override
  public Set<Long> keys() {
    return map.sums().keySet();
  }

  @Override
  public void add(Collection<Long> ids) {
    map.add(ids);
  }

  @Override
  public void remove(Collection<Long> ids) {
    map.remove(ids);
  }

  @Override
  public Map<Long, Long> read() {
    return map.sums();
  }

  @Override
  public void close() {
    map.close();
  }
}
