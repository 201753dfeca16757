// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.dsr;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.sharding.typed.javadsl.EntityTypeKey;
import io.sluice.cluster.shared.Derivation;
import io.sluice.cluster.shared.Follower;
import io.sluice.cluster.shared.Messages;
import io.sluice.cluster.shared.Shared;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The entity of the networks that opt out of direct server return. There is one list, {@link
 * #DEFAULT}; what is agreed on and what is run is an {@link OptOutList}.
 */
public final class DsrOptOut {
  /** The ID of the list that the FelixConfiguration {@code default} gives. */
  public static final String DEFAULT = "default";

  /** Names the entities, and what is stored of them. */
  public static final EntityTypeKey<Messages.Command> TYPE =
      EntityTypeKey.create(Messages.Command.class, "DsrOptOut");

  /** What is run is what is agreed on. */
  public static final Derivation DERIVATION =
      new Derivation() {
        private final SortedSet<Integer> versions = new TreeSet<>(Set.of(1));

        @Override
        public SortedSet<Integer> versions() {
          return versions;
        }

        @Override
        public byte[] derive(int version, byte[] value) {
          return OptOutList.bytes(OptOutList.parse(value));
        }
      };

  private DsrOptOut() {}

  /** Lets this node be a home of the list. */
  public static void init(ActorSystem<?> system) {
    Shared.init(system, TYPE, DERIVATION);
  }

  /** A node's follower of it, for the cluster's actor system. */
  public static Behavior<Follower.Command> follower(ActorSystem<?> system, String node) {
    ClusterSharding sharding = ClusterSharding.get(system);
    return Follower.create(node, DERIVATION, id -> sharding.entityRefFor(TYPE, id));
  }
}
