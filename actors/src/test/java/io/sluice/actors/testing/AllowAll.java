// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import akka.actor.typed.ActorRef;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.interfaces.Workloads;
import io.sluice.actors.policy.EndpointPolicy;
import io.sluice.actors.policy.NodePolicy;
import io.sluice.actors.policy.PolicyManager;
import io.sluice.actors.policy.PolicySettings;
import io.sluice.config.settings.Choices;
import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.PolicyProgram;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** A policy that lets every workload do everything, and has none for host endpoints. */
public final class AllowAll {
  public static final PolicyManager.Configure SETTINGS =
      new PolicyManager.Configure(
          new PolicySettings(false, Choices.HostAction.ACCEPT, List.of(), List.of()), false);

  private static final Optional<Plan> PLAN = Optional.of(Plan.of(Chain.ALLOW_ALL));

  private AllowAll() {}

  public static PolicyManager.Parts parts(
      Dataplane dataplane, ActorRef<ConntrackKeeper.Command> conntrack) {
    return new PolicyManager.Parts(
        dataplane,
        settings -> (snapshot, workloads, hosts) -> of(workloads),
        plan -> PolicyProgram.of("allow", PolicyPrograms.allowAll()),
        conntrack);
  }

  private static NodePolicy of(Workloads workloads) {
    SortedMap<String, EndpointPolicy> byNic = new TreeMap<>();
    workloads
        .byNic()
        .forEach(
            (nic, w) ->
                byNic.put(nic, new EndpointPolicy(w.owner(), PLAN, PLAN, Optional.empty())));
    return new NodePolicy(byNic, new TreeMap<>(), new TreeMap<>(), List.of());
  }
}
