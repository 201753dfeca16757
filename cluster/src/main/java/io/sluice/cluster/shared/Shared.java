// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import akka.actor.typed.ActorSystem;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.sharding.typed.javadsl.Entity;
import akka.cluster.sharding.typed.javadsl.EntityTypeKey;

/** Puts shared entities into the cluster. */
public final class Shared {
  private Shared() {}

  /**
   * Lets this node be a home of the entities of a type. They are not remembered: followers wake
   * them within a second.
   */
  public static void init(
      ActorSystem<?> system, EntityTypeKey<Messages.Command> type, Derivation derivation) {
    ClusterSharding.get(system)
        .init(
            Entity.of(type, entity -> SharedEntity.create(entity, derivation))
                .withStopMessage(new SharedEntity.Stop()));
  }
}
