// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCode;
import akka.http.javadsl.model.StatusCodes;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/** Answers in JSON. */
final class Answers {
  private static final ObjectMapper JSON = JsonMapper.builder().findAndAddModules().build();

  private Answers() {}

  static HttpResponse ok(Object body) {
    return respond(StatusCodes.OK, body);
  }

  /** A refusal or a failure, with its reason. */
  static HttpResponse error(StatusCode status, String reason) {
    return respond(status, Map.of("status", "error", "reasons", List.of(reason)));
  }

  static HttpResponse respond(StatusCode status, Object body) {
    try {
      return HttpResponse.create()
          .withStatus(status)
          .withEntity(
              HttpEntities.create(ContentTypes.APPLICATION_JSON, JSON.writeValueAsBytes(body)));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
