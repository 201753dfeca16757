// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.sharding.typed.javadsl.EntityTypeKey;
import io.sluice.cluster.shared.Agreed;
import io.sluice.cluster.shared.Derivation;
import io.sluice.cluster.shared.Follower;
import io.sluice.cluster.shared.Messages;
import io.sluice.cluster.shared.Shared;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The entities of Maglev services, one for each port of a service in each family; their IDs are
 * {@code namespace/name/port/PROTO/4|6}. What is agreed on is a {@link BackendSet}, what is run its
 * {@link Lut}; with it come the {@link FormerSets}.
 */
public final class MaglevTable {
  /** Names the entities, and what is stored of them. */
  public static final EntityTypeKey<Messages.Command> TYPE =
      EntityTypeKey.create(Messages.Command.class, "MaglevTable");

  /** From the bytes of a {@link BackendSet} to those of its {@link Lut}. */
  public static final Derivation DERIVATION =
      new Derivation() {
        private final SortedSet<Integer> versions = new TreeSet<>(Set.of(Lut.ALGORITHM));

        @Override
        public SortedSet<Integer> versions() {
          return versions;
        }

        @Override
        public byte[] derive(int version, byte[] value) {
          return Lut.compute(BackendSet.parse(value)).bytes();
        }

        @Override
        public byte[] remember(Agreed before, int version, byte[] value, int room) {
          return former(before.former())
              .with(before.version(), before.value(), version, value, room)
              .bytes();
        }
      };

  private MaglevTable() {}

  /** What was agreed on before, as far as this agent can read it: nothing depends on it. */
  public static FormerSets former(byte[] bytes) {
    try {
      return FormerSets.parse(bytes);
    } catch (IllegalArgumentException e) {
      return FormerSets.NONE;
    }
  }

  /** Lets this node be a home of such entities. */
  public static void init(ActorSystem<?> system) {
    Shared.init(system, TYPE, DERIVATION);
  }

  /** A node's follower of them, for the cluster's actor system. */
  public static Behavior<Follower.Command> follower(ActorSystem<?> system, String node) {
    ClusterSharding sharding = ClusterSharding.get(system);
    return Follower.create(node, DERIVATION, id -> sharding.entityRefFor(TYPE, id));
  }
}
