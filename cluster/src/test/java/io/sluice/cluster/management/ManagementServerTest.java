// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.sluice.cluster.membership.ClusterConfig;
import io.sluice.config.settings.AgentKeys.Management;
import io.sluice.config.settings.ClusterKeys;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ManagementServerTest {
  private final AtomicReference<Health> ready = new AtomicReference<>(Health.WELL);
  private final PrometheusRegistry metrics = new PrometheusRegistry();
  private ActorTestKit kit;
  private int port;
  private volatile ActorSystem<Void> cluster;

  @BeforeEach
  void start() throws Exception {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    kit =
        ActorTestKit.create(
            "management",
            ManagementServer.config("127.0.0.1", port).withFallback(ConfigFactory.load()));
    ManagementServer.start(
            kit.system(),
            new Management("127.0.0.1", port, Optional.empty(), Optional.empty()),
            new TestView(ready::get),
            metrics,
            () -> Optional.ofNullable(cluster))
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
  void explainsAPacketAndSaysWhatIsWrongWithAQuestion() throws Exception {
    assertThat(get("/api/v1/explain?source=10.0.0.1").body())
        .isEqualTo("{\"source\":\"10.0.0.1\"}");
    HttpResponse<String> wrong = get("/api/v1/explain");
    assertThat(wrong.statusCode()).isEqualTo(400);
    assertThat(wrong.body()).contains("from whom?");
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

  /** The system is another one after the node was cut off; routes must not hold on to the first. */
  @Test
  void membersAreThoseOfTheClusterSystemOfNow() throws Exception {
    assertThat(get("/cluster/members").statusCode()).isEqualTo(503);
    for (int life = 0; life < 2; life++) {
      ActorSystem<Void> system =
          ActorSystem.create(
              Behaviors.empty(),
              "sluice-cluster",
              ClusterConfig.of(ClusterKeys.ALONE, "n1", ConfigFactory.empty()));
      try {
        Cluster member = Cluster.get(system);
        member.manager().tell(new Join(member.selfMember().address()));
        cluster = system;
        String self = member.selfMember().address().toString();
        await()
            .untilAsserted(
                () -> {
                  assertThat(get("/cluster/members").body())
                      .contains("\"selfNode\":\"" + self + "\"", "\"status\":\"Up\"");
                  assertThat(get("/cluster/members/" + self).statusCode()).isEqualTo(200);
                });
        HttpResponse<String> down = send("PUT", "/cluster/members/" + self, "operation=down");
        assertThat(down.statusCode()).isEqualTo(403);
        assertThat(down.body()).contains("management.token-file");
      } finally {
        system.terminate();
      }
    }
  }

  @Test
  void whatIsNotThereIsSaidToBeNotThere() throws Exception {
    HttpResponse<String> path = get("/api/v1/nothing");
    assertThat(path.statusCode()).isEqualTo(404);
    assertThat(path.body()).contains("there is no /api/v1/nothing: see /api/v1/openapi.json");
    HttpResponse<String> method = send("POST", "/api/v1/status", "");
    assertThat(method.statusCode()).isEqualTo(405);
    assertThat(method.headers().firstValue("allow")).contains("GET");
    assertThat(send("GET", "/api/v1/status", "a body").statusCode()).isEqualTo(413);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send("GET", path, "");
  }

  private HttpResponse<String> send(String method, String path, String body)
      throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .method(
                    method,
                    body.isEmpty()
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
  }
}
