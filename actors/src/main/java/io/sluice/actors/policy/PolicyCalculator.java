// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.interfaces.Workloads;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.util.Set;
import java.util.SortedMap;

/**
 * From the resources to what this node enforces. It keeps what it has found, and works off only
 * what a new view changes. Pure: it knows neither kernel nor clock. Used by one thread at a time.
 */
public final class PolicyCalculator {
  /**
   * @param node this node's name
   */
  public PolicyCalculator(String node, PolicySettings settings) {}

  /**
   * What is to be enforced from now on.
   *
   * @param snapshot the newest view; what it shares with the one before is not looked at again
   * @param workloads of this node, from the same view
   * @param hosts this node's host interfaces ({@link
   *     io.sluice.actors.interfaces.HostEndpoints#byNic}), with their addresses
   */
  public NodePolicy update(
      Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts) {
    throw new UnsupportedOperationException("to be written");
  }
}
