// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static akka.http.javadsl.server.PathMatchers.segment;

import akka.actor.ExtendedActorSystem;
import akka.actor.typed.javadsl.Adapter;
import akka.cluster.Cluster;
import akka.dispatch.Dispatchers;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpCharsets;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.StatusCode;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import akka.management.cluster.javadsl.ClusterHttpManagementRoutes;
import akka.management.javadsl.ManagementRouteProvider;
import akka.management.javadsl.ManagementRouteProviderSettings;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;

/**
 * {@code /health/live}, {@code /health/ready}, {@code /metrics}, {@code /api/v1/status} and {@code
 * /api/v1/dump/TABLE}. Akka Management makes this by its name in the configuration.
 */
public final class SluiceRoutes extends AllDirectives implements ManagementRouteProvider {
  /** The header of a dump that says how many rows it lacks; not there if it lacks none. */
  public static final String OMITTED = "Sluice-Omitted-Rows";

  private final ObjectMapper json = JsonMapper.builder().findAndAddModules().build();
  private final ManagementServer server;
  private final Executor blocking;

  public SluiceRoutes(ExtendedActorSystem system) {
    server = ManagementServer.of(Adapter.toTyped(system));
    blocking = system.dispatchers().lookup(Dispatchers.DefaultBlockingDispatcherId());
  }

  @Override
  public Route routes(ManagementRouteProviderSettings settings) {
    return get(
        () ->
            concat(
                cluster(),
                path(segment("health").slash("live"), () -> answer(s -> health(s.node().live()))),
                path(segment("health").slash("ready"), () -> answer(s -> health(s.node().ready()))),
                path("metrics", () -> completeWithFuture(scrape())),
                pathPrefix(segment("api").slash("v1"), this::api)));
  }

  /** Akka Management's own: members, shards. Read only. */
  private Route cluster() {
    return server
        .served()
        .flatMap(served -> served.cluster().get())
        .map(system -> ClusterHttpManagementRoutes.readOnly(Cluster.get(Adapter.toClassic(system))))
        .orElseGet(this::reject);
  }

  private Route api() {
    return concat(
        path("status", () -> answer(s -> s.node().status().thenApply(this::ok))),
        path(segment("dump").slash(segment()), table -> answer(s -> dump(s.node(), table))));
  }

  private Route answer(Function<ManagementServer.Served, CompletionStage<HttpResponse>> route) {
    Optional<ManagementServer.Served> served = server.served();
    if (served.isEmpty()) {
      return complete(error(StatusCodes.SERVICE_UNAVAILABLE, "the agent is starting"));
    }
    return completeWithFuture(
        route.apply(served.get()).exceptionally(e -> failed(root(e).getMessage())));
  }

  private CompletionStage<HttpResponse> health(CompletionStage<Health> health) {
    return health.thenApply(
        h ->
            respond(
                h.ok() ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE,
                Map.of("status", h.ok() ? "ok" : "unavailable", "reasons", h.reasons())));
  }

  private CompletionStage<HttpResponse> dump(NodeView node, String table) {
    return node.dump(table)
        .map(dump -> dump.thenApply(this::rows))
        .orElseGet(
            () ->
                CompletableFuture.completedFuture(
                    error(StatusCodes.NOT_FOUND, "there is no table " + table)));
  }

  /** Collectors may ask the kernel and actors, and wait for the answer. */
  private CompletionStage<HttpResponse> scrape() {
    return CompletableFuture.supplyAsync(this::metrics, blocking);
  }

  private HttpResponse metrics() {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      server
          .served()
          .ifPresent(
              served -> {
                try {
                  PrometheusTextFormatWriter.create().write(text, served.metrics().scrape());
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      return failed(e.getMessage());
    }
    return HttpResponse.create()
        .withEntity(
            HttpEntities.create(
                ContentTypes.create(MediaTypes.TEXT_PLAIN, HttpCharsets.UTF_8),
                text.toByteArray()));
  }

  private HttpResponse rows(NodeView.Dump dump) {
    HttpResponse response = ok(dump.rows());
    return dump.omitted() == 0
        ? response
        : response.addHeader(RawHeader.create(OMITTED, Long.toString(dump.omitted())));
  }

  private HttpResponse ok(Object body) {
    return respond(StatusCodes.OK, body);
  }

  private HttpResponse failed(String reason) {
    return error(StatusCodes.INTERNAL_SERVER_ERROR, String.valueOf(reason));
  }

  private HttpResponse error(StatusCode status, String reason) {
    return respond(status, Map.of("status", "error", "reasons", List.of(reason)));
  }

  private HttpResponse respond(StatusCode status, Object body) {
    try {
      return HttpResponse.create()
          .withStatus(status)
          .withEntity(
              HttpEntities.create(ContentTypes.APPLICATION_JSON, json.writeValueAsBytes(body)));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Throwable root(Throwable e) {
    return e.getCause() == null ? e : root(e.getCause());
  }
}
