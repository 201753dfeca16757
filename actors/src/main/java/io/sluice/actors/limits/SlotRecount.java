// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.limits;

import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosUse;
import java.util.Map;

/** Puts the count of open connections right by what a scan of the conntrack tables finds. */
public interface SlotRecount {
  /** Counts nothing. */
  SlotRecount NONE =
      new SlotRecount() {
        @Override
        public Map<QosKey, QosUse> begin() {
          return Map.of();
        }

        @Override
        public void end(Map<QosKey, QosUse> before, Map<QosKey, Integer> found) {}
      };

  /** What is counted, by interface and hook, before the scan. */
  Map<QosKey, QosUse> begin();

  /**
   * @param before what {@link #begin} gave
   * @param found flows that hold a connection, by interface and hook
   */
  void end(Map<QosKey, QosUse> before, Map<QosKey, Integer> found);
}
