// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.sluice.config.settings.AgentKeys.Management;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The document says what the routes do, no more and no less. */
final class OpenApiTest {
  private static final Pattern PLACE = Pattern.compile("\\{([^}]+)}");

  private final JsonNode document = read();
  private final List<Endpoint> endpoints =
      SluiceRoutes.endpoints(
          new ManagementServer.Served(
              new TestView(() -> Health.WELL),
              new PrometheusRegistry(),
              Optional::empty,
              Access.of(new Management("127.0.0.1", 0, Optional.empty(), Optional.empty()))),
          Runnable::run);

  private static JsonNode read() {
    try (InputStream in = NodeEndpoints.class.getResourceAsStream(NodeEndpoints.OPENAPI)) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void everyEndpointIsInItAndNothingElse() {
    Set<String> documented = new TreeSet<>();
    for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
      if (!path.getKey().startsWith("/cluster/")) { // Akka Management's own
        path.getValue()
            .fieldNames()
            .forEachRemaining(
                method -> documented.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey()));
      }
    }
    Set<String> served = new TreeSet<>();
    endpoints.forEach(e -> served.add(e.method().value() + " " + e.path()));

    assertThat(documented).isEqualTo(served);
  }

  @Test
  void itSaysWhereEachPlaceOfAPathIsExplainedAndWhatARefusalLooksLike() {
    for (Endpoint endpoint : endpoints) {
      JsonNode operation =
          document
              .path("paths")
              .path(endpoint.path())
              .path(endpoint.method().value().toLowerCase(Locale.ROOT));
      assertThat(operation.path("summary").asText()).as(endpoint.path()).isNotBlank();
      Matcher places = PLACE.matcher(endpoint.path());
      while (places.find()) {
        assertThat(operation.path("parameters").findValuesAsText("name"))
            .as(endpoint.path())
            .contains(places.group(1));
      }
      boolean open = endpoint.scope() == Access.Scope.ANYBODY;
      assertThat(operation.path("responses").has("401")).as(endpoint.path()).isEqualTo(!open);
      assertThat(operation.path("responses").has("403")).as(endpoint.path()).isEqualTo(!open);
    }
  }

  @Test
  void allItsReferencesLeadSomewhere() {
    List<String> references = document.findValuesAsText("$ref");

    assertThat(references).isNotEmpty();
    for (String reference : references) {
      assertThat(document.at(reference.substring(1)).isMissingNode()).as(reference).isFalse();
    }
  }
}
