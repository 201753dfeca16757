// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import akka.actor.typed.ActorRef;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CompletionStage;

/** Who has policy enforced. */
public interface Policies {
  /**
   * What there is to enforce, and on what. Before an interface is told of its workload, so that
   * {@link #load} finds a view that knows it.
   *
   * @param workloads of this node, from the same view of the source
   * @param hosts this node's host interfaces, and their addresses
   */
  void view(Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts);

  /** Tells the listener, now and at each change, which host interfaces have policy. */
  void subscribe(ActorRef<HostPolicies> listener);

  /**
   * Has an interface's programs loaded, and kept right from then on. Done when they are in, and are
   * of a view that knows the workload (POL-1).
   *
   * @param workload that lives behind it; empty: a host endpoint
   * @param slots where to; 0: nowhere
   */
  CompletionStage<Done> load(String nic, Optional<Workload> workload, InterfaceHost.Slots slots);

  /** Empties slots: what still enters them is dropped. */
  CompletionStage<Done> clear(InterfaceHost.Slots slots);
}
