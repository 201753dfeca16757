// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static akka.http.javadsl.server.PathMatchers.segment;

import akka.actor.ActorSystem;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpEntity;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.cluster.resources.ResourceApi.Manifests;
import io.sluice.cluster.resources.ResourceApi.Reply;
import io.sluice.config.model.Kind;
import io.sluice.config.model.KindNames;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * {@code POST /api/v1/apply}, {@code POST /api/v1/delete} and {@code
 * /api/v1/resources/KIND[/NAMESPACE][/NAME]}.
 */
final class ResourceRoutes extends AllDirectives {
  private static final String DEFAULT_NAMESPACE = "default";
  private static final long TO_STRICT_MILLIS = 60_000;

  private final ObjectMapper json = JsonMapper.builder().build();
  private final Supplier<Optional<ResourceApi>> resources;
  private final ActorSystem system;

  /**
   * @param resources nothing: the agent is starting
   */
  ResourceRoutes(Supplier<Optional<ResourceApi>> resources, ActorSystem system) {
    this.resources = resources;
    this.system = system;
  }

  private interface Call {
    CompletionStage<Reply> on(ResourceApi api);
  }

  /** Below {@code /api/v1}. */
  Route routes() {
    return concat(
        path("apply", () -> post(() -> manifests((api, m, dry) -> api.apply(m, dry)))),
        path("delete", () -> post(() -> manifests((api, m, dry) -> api.delete(m, dry)))),
        pathPrefix(
            "resources",
            () ->
                concat(
                    path(segment(), kind -> get(() -> list(kind))),
                    path(segment().slash(segment()), (kind, name) -> one(kind, "", name)),
                    path(segment().slash(segment()).slash(segment()), this::one))));
  }

  private interface Change {
    CompletionStage<Reply> make(ResourceApi api, Manifests manifests, boolean dryRun);
  }

  private Route manifests(Change change) {
    return parameterOptional(
        "file",
        file ->
            dryRun(
                dry ->
                    withSizeLimit(
                        ResourceApi.MOST_REQUEST_BYTES,
                        () ->
                            extractRequestEntity(
                                entity ->
                                    answer(
                                        api ->
                                            bytes(entity)
                                                .thenCompose(
                                                    content ->
                                                        change.make(
                                                            api,
                                                            new Manifests(
                                                                file.orElse("request"), content),
                                                            dry)))))));
  }

  private CompletionStage<byte[]> bytes(HttpEntity entity) {
    return entity
        .toStrict(TO_STRICT_MILLIS, system)
        .thenApply(strict -> strict.getData().toArray());
  }

  private Route dryRun(Function<Boolean, Route> inner) {
    return parameterOptional(
        "dryRun", value -> inner.apply(value.map(v -> !v.equals("false")).orElse(false)));
  }

  private Route list(String kindName) {
    return parameterOptional(
        "namespace",
        namespace ->
            kind(kindName, (api, kind) -> done(api.list(kind, namespace.filter(n -> !n.isEmpty())))));
  }

  /** A kind in namespaces is in the one named default if the path does not say. */
  private Route one(String kindName, String namespace, String name) {
    return concat(
        get(
            () ->
                kind(
                    kindName,
                    (api, kind) -> done(api.get(kind, namespace(kind, namespace), name)))),
        delete(
            () ->
                parameterOptional(
                    "resourceVersion",
                    version ->
                        dryRun(
                            dry ->
                                kind(
                                    kindName,
                                    (api, kind) ->
                                        delete(
                                            api,
                                            kind,
                                            namespace(kind, namespace),
                                            name,
                                            version.orElse(""),
                                            dry))))));
  }

  private static CompletionStage<Reply> delete(
      ResourceApi api, Kind kind, String namespace, String name, String version, boolean dryRun) {
    long expected = 0;
    if (!version.isEmpty()) {
      try {
        expected = Long.parseLong(version);
      } catch (NumberFormatException e) {
        return done(error(400, "resourceVersion " + version + " is not a number"));
      }
    }
    return api.delete(kind, namespace, name, expected, dryRun);
  }

  private static String namespace(Kind kind, String given) {
    if (!kind.namespaced()) {
      return "";
    }
    return given.isEmpty() ? DEFAULT_NAMESPACE : given;
  }

  private interface OfKind {
    CompletionStage<Reply> call(ResourceApi api, Kind kind);
  }

  private Route kind(String name, OfKind call) {
    Optional<Kind> kind = KindNames.find(name);
    return kind.isPresent()
        ? answer(api -> call.call(api, kind.get()))
        : complete(respond(error(404, KindNames.unknown(name))));
  }

  private Route answer(Call call) {
    Optional<ResourceApi> api = resources.get();
    if (api.isEmpty()) {
      return complete(respond(error(503, "the agent is starting")));
    }
    return completeWithFuture(call.on(api.get()).exceptionally(this::failed).thenApply(this::respond));
  }

  private Reply failed(Throwable e) {
    Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof akka.http.scaladsl.model.EntityStreamSizeException) {
      return error(
          413,
          "a request too large: at most %d bytes, divide it"
              .formatted(ResourceApi.MOST_REQUEST_BYTES));
    }
    return error(500, String.valueOf(cause.getMessage()));
  }

  private static CompletionStage<Reply> done(Reply reply) {
    return CompletableFuture.completedFuture(reply);
  }

  private static Reply error(int status, String reason) {
    return new Reply(status, new ResourceApi.Errors("error", List.of(reason)));
  }

  private HttpResponse respond(Reply reply) {
    try {
      byte[] body =
          reply.body() instanceof byte[] bytes ? bytes : json.writeValueAsBytes(reply.body());
      return HttpResponse.create()
          .withStatus(StatusCodes.get(reply.status()))
          .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, body));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
