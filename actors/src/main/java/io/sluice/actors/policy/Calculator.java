// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.actors.interfaces.Workloads;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.util.Set;
import java.util.SortedMap;

/** Works out what a node enforces, view by view. Used by one thread at a time. */
@FunctionalInterface
public interface Calculator {
  /** See {@link PolicyCalculator#update}. */
  NodePolicy update(Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts);
}
