// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.AbstractExtensionId;
import akka.actor.ActorRef;
import akka.actor.ClassicActorSystemProvider;
import akka.actor.ExtendedActorSystem;
import akka.actor.Extension;
import akka.actor.ExtensionIdProvider;
import akka.cluster.Cluster;
import akka.cluster.ddata.Replicator;
import akka.cluster.ddata.ReplicatorSettings;
import akka.serialization.SerializationExtension;
import com.typesafe.config.Config;
import java.nio.file.Path;

/**
 * This node's part in the replicated state: a replicator of its own, beside the one of the
 * DistributedData extension, for it answers nobody while its copy is being rebuilt. It runs on each
 * node from the start, also where no entity lives: its copy counts.
 */
final class ReplicatedState implements Extension {
  private static final String NAME = "sluiceSharedState";
  private static final String SETTINGS = "sluice-replicated-state";

  private final Replica replica = new Replica();
  private final StateStore store;

  private ReplicatedState(ExtendedActorSystem system) {
    Config config = system.settings().config().getConfig(SETTINGS);
    Cluster cluster = Cluster.get(system);
    ReplicatorSettings settings =
        ReplicatorSettings.apply(
                config
                    .getConfig("distributed-data")
                    .withFallback(
                        system.settings().config().getConfig("akka.cluster.distributed-data")))
            .withDurableStoreProps(
                StateReplica.props(
                    Path.of(config.getString("data-dir")), config.getInt("quorum"), replica));
    ActorRef replicator = system.systemActorOf(Replicator.props(settings), NAME);
    store =
        new ReplicatedStateStore(
            replicator,
            cluster,
            replica,
            new StateCodec(SerializationExtension.get(system)),
            config);
  }

  static ReplicatedState get(ClassicActorSystemProvider system) {
    return Id.INSTANCE.get(system);
  }

  StateStore store() {
    return store;
  }

  Replica replica() {
    return replica;
  }

  /** Named in the configuration, so that it starts with the actor system. */
  static final class Id extends AbstractExtensionId<ReplicatedState>
      implements ExtensionIdProvider {
    static final Id INSTANCE = new Id();

    @Override
    public ReplicatedState createExtension(ExtendedActorSystem system) {
      return new ReplicatedState(system);
    }

    @Override
    public Id lookup() {
      return INSTANCE;
    }
  }
}
