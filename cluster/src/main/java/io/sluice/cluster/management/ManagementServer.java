// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Extension;
import akka.actor.typed.ExtensionId;
import akka.http.javadsl.ConnectionContext;
import akka.http.javadsl.HttpsConnectionContext;
import akka.management.javadsl.AkkaManagement;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.sluice.cluster.tls.Tls;
import io.sluice.cluster.tls.TlsException;
import io.sluice.config.settings.AgentKeys.Management;
import io.sluice.config.settings.AgentKeys.ManagementTls;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/**
 * Serves {@link SluiceRoutes} by Akka Management, which makes route providers by itself: what they
 * serve reaches them through this extension of the actor system.
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
   * @param access who may ask
   */
  record Served(
      NodeView node,
      PrometheusRegistry metrics,
      Supplier<? extends Optional<? extends ActorSystem<?>>> cluster,
      Access access) {}

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
            // It would look for the cluster in this actor system, where it is not.
            "akka.management.http.routes.cluster-management",
            "",
            "akka.management.http.routes.sluice",
            SluiceRoutes.class.getName(),
            // A client's certificate says who asks (Access).
            "akka.http.server.parsing.tls-session-info-header",
            "on"));
  }

  /**
   * Begins to serve, on the address that the actor system was configured for by {@link #config}.
   *
   * @return when it listens; fails if the port is in use
   * @throws ManagementException if a token, a certificate or a key cannot be used
   */
  public static CompletionStage<Void> start(
      ActorSystem<?> system,
      Management keys,
      NodeView node,
      PrometheusRegistry metrics,
      Supplier<? extends Optional<? extends ActorSystem<?>>> cluster) {
    Optional<HttpsConnectionContext> https = keys.tls().map(ManagementServer::https);
    of(system).served.set(new Served(node, metrics, cluster, Access.of(keys)));
    return AkkaManagement.get(system)
        .start(settings -> https.map(settings::withHttpsConnectionContext).orElse(settings))
        .thenApply(uri -> null);
  }

  private static HttpsConnectionContext https(ManagementTls files) {
    try {
      SSLContext context = Tls.server(files.certificate(), files.key(), files.clientCa());
      return ConnectionContext.httpsServer(
          () -> {
            SSLEngine engine = context.createSSLEngine();
            engine.setUseClientMode(false);
            // Probes have none; who needs one is refused with a reason, which TLS cannot give.
            engine.setWantClientAuth(files.clientCa().isPresent());
            return engine;
          });
    } catch (TlsException e) {
      throw new ManagementException("management.tls: " + e.getMessage(), e);
    }
  }

  static ManagementServer of(ActorSystem<?> system) {
    return system.registerExtension(ID);
  }

  Optional<Served> served() {
    return Optional.ofNullable(served.get());
  }
}
