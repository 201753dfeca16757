// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ManagementServerTest {
  private final AtomicReference<Health> ready = new AtomicReference<>(Health.WELL);
  private final PrometheusRegistry metrics = new PrometheusRegistry();
  private ActorTestKit kit;
  private int port;

  private final class View implements NodeView {
    @Override
    public CompletionStage<Health> live() {
      return CompletableFuture.completedFuture(Health.WELL);
    }

    @Override
    public CompletionStage<Health> ready() {
      return CompletableFuture.completedFuture(ready.get());
    }

    @Override
    public CompletionStage<Object> status() {
      return CompletableFuture.completedFuture(Map.of("node", "n1"));
    }

    @Override
    public Optional<CompletionStage<Dump>> dump(String table) {
      return switch (table) {
        case "nat" -> Optional.of(CompletableFuture.completedFuture(new Dump(List.of("row"), 0)));
        case "huge" -> Optional.of(CompletableFuture.completedFuture(new Dump(List.of("row"), 41)));
        case "broken" ->
            Optional.of(CompletableFuture.failedFuture(new IllegalStateException("map is gone")));
        default -> Optional.empty();
      };
    }
  }

  @BeforeEach
  void start() throws Exception {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    kit =
        ActorTestKit.create(
            "management",
            ManagementServer.config("127.0.0.1", port).withFallback(ConfigFactory.load()));
    ManagementServer.start(kit.system(), new View(), metrics, Optional::empty)
        .toCompletableFuture()
        .get();
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  @Test
  void readinessSaysWhatIsMissing() throws Exception {
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    ready.set(new Health(List.of("the source is not in sync")));
    HttpResponse<String> response = get("/health/ready");
    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(response.body()).contains("the source is not in sync");
    assertThat(get("/health/live").statusCode()).isEqualTo(200);
  }

  @Test
  void dumpsATableAndRefusesAnUnknownOne() throws Exception {
    assertThat(get("/api/v1/dump/nat").body()).isEqualTo("[\"row\"]");
    assertThat(get("/api/v1/dump/nat").headers().firstValue(SluiceRoutes.OMITTED)).isEmpty();
    assertThat(get("/api/v1/dump/huge").headers().firstValue(SluiceRoutes.OMITTED)).contains("41");
    assertThat(get("/api/v1/dump/none").statusCode()).isEqualTo(404);
    assertThat(get("/api/v1/dump/none").body()).contains("there is no table none");
    HttpResponse<String> broken = get("/api/v1/dump/broken");
    assertThat(broken.statusCode()).isEqualTo(500);
    assertThat(broken.body()).contains("map is gone");
    assertThat(get("/api/v1/status").body()).isEqualTo("{\"node\":\"n1\"}");
  }

  @Test
  void showsMetricsAsText() throws Exception {
    Counter.builder().name("sluice_test").help("a test").register(metrics).inc(3);
    HttpResponse<String> response = get("/metrics");
    assertThat(response.headers().firstValue("content-type").orElse("")).startsWith("text/plain");
    assertThat(response.body()).contains("sluice_test_total 3.0");
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
            HttpResponse.BodyHandlers.ofString());
  }
}
