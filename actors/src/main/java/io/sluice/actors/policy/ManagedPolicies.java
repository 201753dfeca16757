// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import io.sluice.actors.interfaces.HostPolicies;
import io.sluice.actors.interfaces.InterfaceHost.Slots;
import io.sluice.actors.interfaces.Policies;
import io.sluice.actors.interfaces.Workload;
import io.sluice.actors.interfaces.Workloads;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CompletionStage;

/** Policies by way of their manager. */
public final class ManagedPolicies implements Policies {
  /** Longer than the manager's patience, which says what is missing. */
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final ActorSystem<?> system;
  private final ActorRef<PolicyManager.Command> manager;

  public ManagedPolicies(ActorSystem<?> system, ActorRef<PolicyManager.Command> manager) {
    this.system = system;
    this.manager = manager;
  }

  @Override
  public void view(Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts) {
    manager.tell(new PolicyManager.View(snapshot, workloads, hosts));
  }

  @Override
  public void subscribe(ActorRef<HostPolicies> listener) {
    manager.tell(new PolicyManager.Subscribe(listener));
  }

  @Override
  public CompletionStage<Done> load(String nic, Optional<Workload> workload, Slots slots) {
    return AskPattern.askWithStatus(
        manager,
        ref -> new PolicyManager.Load(nic, workload, slots, ref),
        TIMEOUT,
        system.scheduler());
  }

  @Override
  public CompletionStage<Done> clear(Slots slots) {
    return AskPattern.askWithStatus(
        manager, ref -> new PolicyManager.Clear(slots, ref), TIMEOUT, system.scheduler());
  }
}
