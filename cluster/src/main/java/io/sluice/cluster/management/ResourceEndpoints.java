// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import io.sluice.cluster.management.Endpoint.Request;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.cluster.resources.ResourceApi.Manifests;
import io.sluice.cluster.resources.ResourceApi.Reply;
import io.sluice.config.model.Kind;
import io.sluice.config.model.KindNames;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;

/** The resources that nodes share: what is behind {@code sluice apply}, delete and get. */
final class ResourceEndpoints {
  private static final String DEFAULT_NAMESPACE = "default";
  private static final String OF_KIND = "/api/v1/resources/{kind}";
  private static final String ONE = OF_KIND + "/{name}";
  private static final String ONE_IN_NAMESPACE = OF_KIND + "/{namespace}/{name}";

  private ResourceEndpoints() {}

  static List<Endpoint> all() {
    return List.of(
        Endpoint.change(
            HttpMethods.POST,
            "/api/v1/apply",
            ResourceApi.MOST_REQUEST_BYTES,
            r -> send(r.node().resources().apply(manifests(r), dryRun(r)))),
        Endpoint.change(
            HttpMethods.POST,
            "/api/v1/delete",
            ResourceApi.MOST_REQUEST_BYTES,
            r -> send(r.node().resources().delete(manifests(r), dryRun(r)))),
        Endpoint.get(OF_KIND, r -> ofKind(r, ResourceEndpoints::list)),
        Endpoint.get(ONE, r -> ofKind(r, ResourceEndpoints::get)),
        Endpoint.get(ONE_IN_NAMESPACE, r -> ofKind(r, ResourceEndpoints::get)),
        Endpoint.change(HttpMethods.DELETE, ONE, 0, r -> ofKind(r, ResourceEndpoints::delete)),
        Endpoint.change(
            HttpMethods.DELETE, ONE_IN_NAMESPACE, 0, r -> ofKind(r, ResourceEndpoints::delete)));
  }

  private static Manifests manifests(Request request) {
    return new Manifests(request.query().get("file").orElse("request"), request.body());
  }

  private static boolean dryRun(Request request) {
    return request.query().get("dryRun").filter(value -> !value.equals("false")).isPresent();
  }

  private static CompletionStage<HttpResponse> ofKind(
      Request request, BiFunction<Request, Kind, CompletionStage<Reply>> call) {
    String name = request.path().get("kind");
    Optional<Kind> kind = KindNames.find(name);
    return send(
        kind.isPresent()
            ? call.apply(request, kind.get())
            : done(Reply.error(404, List.of(KindNames.unknown(name)))));
  }

  private static CompletionStage<Reply> list(Request request, Kind kind) {
    Optional<String> namespace = request.query().get("namespace").filter(n -> !n.isEmpty());
    return done(request.node().resources().list(kind, namespace));
  }

  private static CompletionStage<Reply> get(Request request, Kind kind) {
    String name = request.path().get("name");
    return done(request.node().resources().get(kind, namespace(request, kind), name));
  }

  private static CompletionStage<Reply> delete(Request request, Kind kind) {
    String version = request.query().get("resourceVersion").orElse("0");
    long expected;
    try {
      expected = Long.parseLong(version);
    } catch (NumberFormatException e) {
      return done(Reply.error(400, List.of("resourceVersion " + version + " is not a number")));
    }
    return request
        .node()
        .resources()
        .delete(
            kind, namespace(request, kind), request.path().get("name"), expected, dryRun(request));
  }

  private static String namespace(Request request, Kind kind) {
    return kind.namespaced() ? request.path().getOrDefault("namespace", DEFAULT_NAMESPACE) : "";
  }

  private static CompletionStage<Reply> done(Reply reply) {
    return CompletableFuture.completedFuture(reply);
  }

  private static CompletionStage<HttpResponse> send(CompletionStage<Reply> reply) {
    return reply.thenApply(
        r ->
            r.body() instanceof byte[] json
                ? HttpResponse.create()
                    .withStatus(StatusCodes.get(r.status()))
                    .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, json))
                : Answers.respond(StatusCodes.get(r.status()), r.body()));
  }
}
