// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Extension;
import akka.actor.typed.ExtensionId;
import akka.management.javadsl.AkkaManagement;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * Serves {@link SluiceRoutes} beside Akka Management's own. Akka makes route providers by itself,
 * so what they serve reaches them through this extension of the actor system.
 */
public final class ManagementServer implements Extension {
  private static final Id ID = new Id();

  private final AtomicReference<Served> served = new AtomicReference<>();

  /**
   * What is served.
   *
   * @param node answers for the node
   * @param metrics everything that {@code /metrics} shows
   * @param cluster the actor system that talks to other nodes, which is another one now and then
   */
  record Served(
      NodeView node,
      PrometheusRegistry metrics,
      Supplier<? extends Optional<? extends ActorSystem<?>>> cluster) {}

  private static final class Id extends ExtensionId<ManagementServer> {
    @Override
    public ManagementServer createExtension(ActorSystem<?> system) {
      return new ManagementServer();
    }
  }

  /** Settings of the actor system for a server that listens on this address and port. */
  public static Config config(String host, int port) {
    return ConfigFactory.parseMap(
        Map.of(
            "akka.management.http.hostname",
            host,
            "akka.management.http.port",
            port,
            "akka.management.http.routes.health-checks",
            "",
            // They would look for the cluster in this actor system, where it is not.
            "akka.management.http.routes.cluster-management",
            "",
            "akka.management.http.routes.cluster-bootstrap",
            "",
            "akka.management.http.routes.sluice",
            SluiceRoutes.class.getName()));
  }

  /**
   * Begins to serve, on the address that the actor system was configured for by {@link #config}.
   *
   * @return when it listens; fails if the port is in use
   */
  public static CompletionStage<Void> start(
      ActorSystem<?> system,
      NodeView node,
      PrometheusRegistry metrics,
      Supplier<? extends Optional<? extends ActorSystem<?>>> cluster) {
    of(system).served.set(new Served(node, metrics, cluster));
    return AkkaManagement.get(system).start().thenApply(uri -> null);
  }

  static ManagementServer of(ActorSystem<?> system) {
    return system.registerExtension(ID);
  }

  Optional<Served> served() {
    return Optional.ofNullable(served.get());
  }
}
