// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpCharsets;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.sluice.cluster.management.Endpoint.Request;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/** What a node tells of itself: health, metrics, status, dumps, and what there is to be asked. */
final class NodeEndpoints {
  /** A resource beside this class. */
  static final String OPENAPI = "openapi.json";

  private final PrometheusRegistry metrics;
  private final Executor blocking;

  /**
   * @param blocking where collectors may wait for the kernel and for actors
   */
  NodeEndpoints(PrometheusRegistry metrics, Executor blocking) {
    this.metrics = metrics;
    this.blocking = blocking;
  }

  List<Endpoint> all() {
    return List.of(
        Endpoint.open("/health/live", r -> health(r, r.node().live())),
        Endpoint.open("/health/ready", r -> health(r, r.node().ready())),
        Endpoint.get("/metrics", r -> CompletableFuture.supplyAsync(this::scrape, blocking)),
        Endpoint.get("/api/v1/openapi.json", r -> CompletableFuture.completedFuture(openApi())),
        Endpoint.get("/api/v1/status", r -> r.node().status().thenApply(Answers::ok)),
        Endpoint.get("/api/v1/dump/{table}", r -> dump(r.node(), r.path().get("table"))),
        Endpoint.get("/api/v1/explain", NodeEndpoints::explain));
  }

  /** Reasons name addresses and files: they are for insiders. */
  private static CompletionStage<HttpResponse> health(
      Request request, CompletionStage<Health> health) {
    return health.thenApply(
        h -> {
          Map<String, Object> body = new LinkedHashMap<>();
          body.put("status", h.ok() ? "ok" : "unavailable");
          if (request.insider()) {
            body.put("reasons", h.reasons());
          }
          return Answers.respond(h.ok() ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE, body);
        });
  }

  private static CompletionStage<HttpResponse> dump(NodeView node, String table) {
    return node.dump(table)
        .map(dump -> dump.thenApply(NodeEndpoints::rows))
        .orElseGet(
            () ->
                CompletableFuture.completedFuture(
                    Answers.error(StatusCodes.NOT_FOUND, "there is no table " + table)));
  }

  private static CompletionStage<HttpResponse> explain(Request request) {
    return request
        .node()
        .explain(request.query().toMap())
        .thenApply(Answers::ok)
        .exceptionally(NodeEndpoints::badQuestion);
  }

  private static HttpResponse badQuestion(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof IllegalArgumentException) {
      return Answers.error(StatusCodes.BAD_REQUEST, cause.getMessage());
    }
    throw new CompletionException(cause);
  }

  private static HttpResponse rows(NodeView.Dump dump) {
    HttpResponse response = Answers.ok(dump.rows());
    return dump.omitted() == 0
        ? response
        : response.addHeader(RawHeader.create(SluiceRoutes.OMITTED, Long.toString(dump.omitted())));
  }

  private HttpResponse scrape() {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      PrometheusTextFormatWriter.create().write(text, metrics.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return HttpResponse.create()
        .withEntity(
            HttpEntities.create(
                ContentTypes.create(MediaTypes.TEXT_PLAIN, HttpCharsets.UTF_8),
                text.toByteArray()));
  }

  private static HttpResponse openApi() {
    try (InputStream document = NodeEndpoints.class.getResourceAsStream(OPENAPI)) {
      return HttpResponse.create()
          .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, document.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
