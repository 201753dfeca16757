// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCode;
import akka.http.javadsl.model.StatusCodes;
import akka.http.javadsl.model.headers.Allow;
import akka.http.javadsl.model.headers.RawHeader;
import io.sluice.actors.health.HealthChecks.Check;

/** kube-proxy's answers, word for word: load balancers and people's scripts know them. */
final class HealthAnswers {
  /** How much of the traffic a node should get, in endpoints. */
  static final String WEIGHT = "X-Load-Balancing-Endpoint-Weight";

  private HealthAnswers() {}

  /** Of a service's health check port, whatever the path. */
  static HttpResponse ofService(HttpRequest request, Check check, Health.Seen health) {
    boolean well = check.localEndpoints() > 0 && health.healthy();
    String body =
        """
        {
        \t"service": {
        \t\t"namespace": "%s",
        \t\t"name": "%s"
        \t},
        \t"localEndpoints": %d,
        \t"serviceProxyHealthy": %b
        }"""
            .formatted(check.namespace(), check.name(), check.localEndpoints(), health.healthy());
    return json(request, well, body)
        .addHeader(RawHeader.create(WEIGHT, Integer.toString(check.localEndpoints())));
  }

  /** Of the node: {@code /healthz} is about traffic from outside, {@code /livez} not. */
  static HttpResponse ofNode(HttpRequest request, Health.Seen health) {
    return switch (request.getUri().path()) {
      case "/healthz" ->
          json(
              request,
              health.healthy() && health.eligible(),
              "{\"lastUpdated\": \"%s\",\"currentTime\": \"%s\", \"nodeEligible\": %b}"
                  .formatted(health.updated(), health.now(), health.eligible()));
      case "/livez" ->
          json(
              request,
              health.healthy(),
              "{\"lastUpdated\": \"%s\",\"currentTime\": \"%s\"}"
                  .formatted(health.updated(), health.now()));
      default ->
          HttpResponse.create()
              .withStatus(StatusCodes.NOT_FOUND)
              .withEntity("there are /healthz and /livez\n");
    };
  }

  private static HttpResponse json(HttpRequest request, boolean well, String body) {
    if (!request.method().equals(HttpMethods.GET) && !request.method().equals(HttpMethods.HEAD)) {
      return HttpResponse.create()
          .withStatus(StatusCodes.METHOD_NOT_ALLOWED)
          .addHeader(Allow.create(HttpMethods.GET, HttpMethods.HEAD));
    }
    StatusCode status = well ? StatusCodes.OK : StatusCodes.SERVICE_UNAVAILABLE;
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(ContentTypes.APPLICATION_JSON, body)
        .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
  }
}
