// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.ClassicActorSystemProvider;
import akka.cluster.Cluster;
import akka.cluster.ClusterEvent.CurrentClusterState;
import java.util.Optional;

/** Whether this side of the cluster can decide, as far as it knows. */
final class Minority {
  private final Cluster cluster;

  Minority(ClassicActorSystemProvider system) {
    cluster = Cluster.get(system);
  }

  /** Why nothing can be decided here; empty if it can. */
  Optional<String> reason() {
    CurrentClusterState state = cluster.state();
    int members = 0;
    for (var member : state.getMembers()) {
      members++;
    }
    int reachable = members - state.getUnreachable().size();
    return members == 0 || reachable * 2 > members
        ? Optional.empty()
        : Optional.of(
            "not decided: this side is a minority, %d of %d members are reachable"
                .formatted(reachable, members));
  }
}
