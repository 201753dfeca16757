// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.http.javadsl.model.HttpMethod;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.Query;
import io.sluice.cluster.management.Access.Scope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * One thing that can be asked over HTTP. What is here is in {@code openapi.json} as well.
 *
 * @param path as OpenAPI writes it: {@code {name}} stands for one segment
 * @param scope what it takes to be answered
 * @param maxBody bytes that a request may carry
 */
record Endpoint(HttpMethod method, String path, Scope scope, long maxBody, Handler handler) {
  /** Answers. */
  @FunctionalInterface
  interface Handler {
    CompletionStage<HttpResponse> answer(Request request);
  }

  /**
   * What is asked.
   *
   * @param path what stood in the places of the path
   * @param body all of it
   * @param insider whether it may be told what only concerns insiders
   */
  record Request(
      NodeView node, Map<String, String> path, Query query, byte[] body, boolean insider) {}

  /** Reads, for those who are known. */
  static Endpoint get(String path, Handler handler) {
    return new Endpoint(HttpMethods.GET, path, Scope.READ, 0, handler);
  }

  /** Reads, for anybody. */
  static Endpoint open(String path, Handler handler) {
    return new Endpoint(HttpMethods.GET, path, Scope.ANYBODY, 0, handler);
  }

  /** Changes what nodes share. */
  static Endpoint change(HttpMethod method, String path, long maxBody, Handler handler) {
    return new Endpoint(method, path, Scope.CHANGE, maxBody, handler);
  }

  /** What stands in the places of the path, if these segments are of it. */
  Optional<Map<String, String>> match(List<String> segments) {
    String[] own = path.substring(1).split("/");
    if (own.length != segments.size()) {
      return Optional.empty();
    }
    Map<String, String> places = new HashMap<>();
    for (int i = 0; i < own.length; i++) {
      String segment = segments.get(i);
      if (own[i].startsWith("{")) {
        places.put(own[i].substring(1, own[i].length() - 1), segment);
      } else if (!own[i].equals(segment)) {
        return Optional.empty();
      }
    }
    return Optional.of(places);
  }
}
