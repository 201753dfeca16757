// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.ClusterEvent.ClusterDomainEvent;
import akka.cluster.ClusterEvent.MemberEvent;
import akka.cluster.ClusterEvent.MemberRemoved;
import akka.cluster.ClusterEvent.ReachabilityEvent;
import akka.cluster.Member;
import akka.cluster.UniqueAddress;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Subscribe;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Since when each member has been as it is, as this node sees it. */
final class Sightings {
  static final String NAME = "sightings";

  private final Map<UniqueAddress, Long> changed = new ConcurrentHashMap<>();

  /** Watches the members of an actor system. */
  Behavior<ClusterDomainEvent> watch() {
    return Behaviors.setup(
        context -> {
          changed.clear();
          Cluster.get(context.getSystem())
              .subscriptions()
              .tell(Subscribe.create(context.getSelf(), ClusterDomainEvent.class));
          return Behaviors.receiveMessage(
              event -> {
                if (event instanceof MemberRemoved removed) {
                  changed.remove(removed.member().uniqueAddress());
                } else if (event instanceof MemberEvent changes) {
                  note(changes.member());
                } else if (event instanceof ReachabilityEvent reach) {
                  note(reach.member());
                }
                return Behaviors.same();
              });
        });
  }

  private void note(Member member) {
    changed.put(member.uniqueAddress(), System.nanoTime());
  }

  /** For how long; nothing if it was only seen just now. */
  Duration of(Member member) {
    Long since = changed.get(member.uniqueAddress());
    return since == null ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - since);
  }
}
