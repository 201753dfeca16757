// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tables;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import io.sluice.cluster.dsr.DsrOptOut;
import io.sluice.cluster.maglev.MaglevTable;
import io.sluice.cluster.membership.Part;
import io.sluice.cluster.shared.Follower;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Lets this node be a home of Maglev tables and of the list of opt-outs, and follow all of them.
 */
public final class SharedTables implements Part {
  private final String node;
  private final Consumer<Optional<Followers>> connected;

  /** Followers of the cluster's actor system of now. */
  public record Followers(
      ActorRef<Follower.Command> maglev, ActorRef<Follower.Command> dsrOptOut) {}

  /**
   * @param node this node's name
   * @param connected told of each system's followers, and, by nothing, of their end
   */
  public SharedTables(String node, Consumer<Optional<Followers>> connected) {
    this.node = node;
    this.connected = connected;
  }

  @Override
  public void started(ActorSystem<?> cluster) {
    MaglevTable.init(cluster);
    DsrOptOut.init(cluster);
    connected.accept(
        Optional.of(
            new Followers(
                cluster.systemActorOf(
                    MaglevTable.follower(cluster, node), "maglev-follower", Props.empty()),
                cluster.systemActorOf(
                    DsrOptOut.follower(cluster, node), "dsr-optout-follower", Props.empty()))));
  }

  @Override
  public void ended() {
    connected.accept(Optional.empty());
  }
}
