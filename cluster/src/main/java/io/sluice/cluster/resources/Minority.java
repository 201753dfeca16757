// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.ClassicActorSystemProvider;
import akka.cluster.Cluster;
import akka.cluster.ClusterEvent.CurrentClusterState;
import akka.cluster.Member;
import akka.cluster.MemberStatus;
import com.typesafe.config.Config;
import java.util.Optional;
import java.util.Set;

/** Whether this side of the cluster can decide, as far as it knows. */
final class Minority {
  private static final String QUORUM = "sluice-replicated-state.quorum";

  private static final Set<MemberStatus> COUNTED =
      Set.of(MemberStatus.up(), MemberStatus.leaving(), MemberStatus.exiting());

  private final Cluster cluster;
  private final int quorum;

  Minority(ClassicActorSystemProvider system) {
    cluster = Cluster.get(system);
    Config config = system.classicSystem().settings().config();
    quorum = config.hasPath(QUORUM) ? config.getInt(QUORUM) : 1;
  }

  /** Why nothing can be decided here; empty if it can. */
  Optional<String> reason() {
    CurrentClusterState state = cluster.state();
    int members = 0;
    int reachable = 0;
    for (Member member : state.getMembers()) {
      if (COUNTED.contains(member.status())) {
        members++;
        reachable += state.getUnreachable().contains(member) ? 0 : 1;
      }
    }
    int deciding = Math.max(quorum, members / 2 + 1);
    return reachable >= deciding
        ? Optional.empty()
        : Optional.of(
            "not decided: this side is a minority, %d of %d members are reachable, and %d decide"
                .formatted(reachable, members, deciding));
  }
}
