// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.actor.ExtendedActorSystem;
import akka.actor.typed.javadsl.Adapter;
import akka.cluster.Cluster;
import akka.dispatch.Dispatchers;
import akka.http.javadsl.model.HttpMethod;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import akka.http.scaladsl.model.EntityStreamSizeException;
import akka.management.cluster.javadsl.ClusterHttpManagementRoutes;
import akka.management.javadsl.ManagementRouteProvider;
import akka.management.javadsl.ManagementRouteProviderSettings;
import akka.stream.Materializer;
import akka.stream.SystemMaterializer;
import io.sluice.cluster.management.Access.Scope;
import io.sluice.cluster.management.Endpoint.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/**
 * Everything that a node answers over HTTP: Akka Management's {@code /cluster}, and the {@link
 * Endpoint}s. Akka Management makes this by its name in the configuration.
 */
public final class SluiceRoutes extends AllDirectives implements ManagementRouteProvider {
  /** The header of a dump that says how many rows it lacks; not there if it lacks none. */
  public static final String OMITTED = "Sluice-Omitted-Rows";

  /** How long a request's body may take to come. */
  private static final long BODY_MILLIS = 30_000;

  private final ManagementServer server;
  private final Materializer materializer;
  private final Executor blocking;

  public SluiceRoutes(ExtendedActorSystem system) {
    server = ManagementServer.of(Adapter.toTyped(system));
    materializer = SystemMaterializer.get(system).materializer();
    blocking = system.dispatchers().lookup(Dispatchers.DefaultBlockingDispatcherId());
  }

  @Override
  public Route routes(ManagementRouteProviderSettings settings) {
    ManagementServer.Served served =
        server.served().orElseThrow(() -> new IllegalStateException("nothing is served"));
    List<Endpoint> endpoints = endpoints(served, blocking);
    return concat(
        pathPrefixTest("cluster", () -> extractRequest(request -> cluster(served, request))),
        handle(request -> answer(served, endpoints, request)));
  }

  static List<Endpoint> endpoints(ManagementServer.Served served, Executor blocking) {
    List<Endpoint> all = new ArrayList<>(new NodeEndpoints(served.metrics(), blocking).all());
    all.addAll(ResourceEndpoints.all());
    return all;
  }

  /** Of the system of now: another one is begun when this node was cut off. */
  private Route cluster(ManagementServer.Served served, HttpRequest request) {
    boolean read = request.method().equals(HttpMethods.GET);
    Optional<HttpResponse> refused =
        refusal(served.access(), request, read ? Scope.READ : Scope.OPERATOR);
    if (refused.isPresent()) {
      return complete(refused.get());
    }
    return served
        .cluster()
        .get()
        .map(system -> Cluster.get(Adapter.toClassic(system)))
        .map(
            cluster ->
                read
                    ? ClusterHttpManagementRoutes.readOnly(cluster)
                    : ClusterHttpManagementRoutes.all(cluster))
        .orElseGet(
            () ->
                complete(
                    Answers.error(StatusCodes.SERVICE_UNAVAILABLE, "the cluster is starting")));
  }

  private static Optional<HttpResponse> refusal(Access access, HttpRequest request, Scope scope) {
    return access
        .refusal(request, scope)
        .map(
            refusal -> {
              HttpResponse answer =
                  Answers.error(StatusCodes.get(refusal.status()), refusal.reason());
              return refusal.status() == StatusCodes.UNAUTHORIZED.intValue()
                  ? answer.addHeader(
                      RawHeader.create("WWW-Authenticate", "Bearer realm=\"sluice\""))
                  : answer;
            });
  }

  private CompletionStage<HttpResponse> answer(
      ManagementServer.Served served, List<Endpoint> endpoints, HttpRequest request) {
    List<String> segments = new ArrayList<>();
    request.getUri().pathSegments().forEach(segments::add);
    List<Endpoint> there =
        endpoints.stream().filter(endpoint -> endpoint.match(segments).isPresent()).toList();
    Optional<Endpoint> asked =
        there.stream().filter(endpoint -> endpoint.method().equals(request.method())).findFirst();
    Scope scope = asked.map(Endpoint::scope).orElse(Scope.READ);
    Optional<HttpResponse> refused = refusal(served.access(), request, scope);
    if (refused.isPresent() || asked.isEmpty()) {
      request.discardEntityBytes(materializer);
      return CompletableFuture.completedFuture(refused.orElseGet(() -> unknown(request, there)));
    }
    Endpoint endpoint = asked.get();
    return request
        .entity()
        .withSizeLimit(endpoint.maxBody())
        .toStrict(BODY_MILLIS, materializer)
        .thenCompose(
            body ->
                endpoint
                    .handler()
                    .answer(
                        new Request(
                            served.node(),
                            endpoint.match(segments).orElse(Map.of()),
                            request.getUri().query(),
                            body.getData().toArray(),
                            served.access().mayRead(request))))
        .exceptionally(e -> failed(endpoint, root(e)));
  }

  private static HttpResponse unknown(HttpRequest request, List<Endpoint> there) {
    String path = request.getUri().path();
    if (there.isEmpty()) {
      return Answers.error(
          StatusCodes.NOT_FOUND, "there is no " + path + ": see /api/v1/openapi.json");
    }
    String methods =
        there.stream()
            .map(Endpoint::method)
            .map(HttpMethod::value)
            .collect(Collectors.joining(", "));
    return Answers.error(StatusCodes.METHOD_NOT_ALLOWED, path + " takes " + methods)
        .addHeader(RawHeader.create("Allow", methods));
  }

  private static HttpResponse failed(Endpoint endpoint, Throwable e) {
    return e instanceof EntityStreamSizeException
        ? Answers.error(
            StatusCodes.CONTENT_TOO_LARGE,
            endpoint.path() + " takes " + endpoint.maxBody() + " bytes at most")
        : Answers.error(StatusCodes.INTERNAL_SERVER_ERROR, String.valueOf(e.getMessage()));
  }

  private static Throwable root(Throwable e) {
    return e.getCause() == null ? e : root(e.getCause());
  }
}
