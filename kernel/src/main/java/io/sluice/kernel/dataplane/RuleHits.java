// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import java.util.Collection;
import java.util.Map;
import java.util.Set;

/**
 * How many packets rules have decided on, by rule ID. Programs count in elements that are there:
 * make them before the program that counts, and remove them after it is gone. Calls may block.
 * Thread-safe.
 */
public interface RuleHits {
  /** IDs of the rules that are counted. */
  Set<Long> keys();

  /**
   * Makes elements, at 0; those that are there keep their counts.
   *
   * @throws io.sluice.kernel.bpf.KernelException with E2BIG if the map is full: those before are
   *     made
   */
  void add(Collection<Long> ids);

  /** No error if they are not there. */
  void remove(Collection<Long> ids);

  /** Packets by rule ID, summed over the CPUs. */
  Map<Long, Long> read();
}
