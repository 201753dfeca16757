// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import static io.sluice.actors.health.Checked.endpoint;
import static io.sluice.actors.health.Checked.local;
import static io.sluice.actors.health.Checked.node;
import static io.sluice.actors.health.Checked.service;
import static io.sluice.actors.health.Checked.slices;
import static io.sluice.actors.health.Checked.snapshot;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.ConfigFactory;
import io.sluice.actors.services.ServiceManager;
import io.sluice.actors.services.ServiceSyncer;
import io.sluice.config.source.Snapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
@Tag("INV-SVC-10")
class HealthKeeperTest {
  private static final String V4 = "127.0.0.1";
  private static final String V6 = "[::1]";
  private static final HealthKeeper.Options OPTIONS =
      new HealthKeeper.Options(
          Duration.ofMillis(20), Duration.ofSeconds(2), Duration.ofMillis(100));

  private final ActorTestKit kit = ActorTestKit.create(ConfigFactory.load());
  private final HttpClient http = HttpClient.newHttpClient();
  private final int healthz = freePort();
  private final int check = freePort();
  private volatile boolean applied = true;
  private volatile boolean settled = true;
  private volatile boolean silent;
  private final ActorRef<HealthKeeper.Command> keeper =
      kit.spawn(HealthKeeper.create("n1", kit.spawn(services()), OPTIONS));

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Behavior<ServiceManager.Command> services() {
    return Behaviors.receiveMessage(
        command -> {
          if (command instanceof ServiceManager.GetStatus get && !silent) {
            get.replyTo()
                .tell(
                    new ServiceSyncer.Status(
                        applied, settled, 1, 1, Map.of(), Map.of(), Map.of(), 1, 1, Duration.ZERO));
          }
          return Behaviors.same();
        });
  }

  private void configure(Snapshot snapshot) {
    keeper.tell(new HealthKeeper.Configure(snapshot, healthz));
  }

  private HttpResponse<String> get(String host, int port, String path) {
    try {
      return http.send(
          HttpRequest.newBuilder(URI.create("http://" + host + ":" + port + path))
              .timeout(Duration.ofSeconds(5))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonNode json(HttpResponse<String> response) {
    try {
      return new ObjectMapper().readTree(response.body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean isOpen(int port) {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      return socket.isConnected();
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int code(String path) {
    return get(V4, healthz, path).statusCode();
  }

  /** What is promised, plus what a busy machine takes. */
  private static ConditionFactory soon() {
    return await().atMost(Duration.ofSeconds(10)).pollInterval(Duration.ofMillis(20));
  }

  private static ConditionFactory open() {
    return soon().ignoreExceptions();
  }

  private HealthKeeper.Status status() {
    TestProbe<HealthKeeper.Status> probe = kit.createTestProbe();
    keeper.tell(new HealthKeeper.GetStatus(probe.ref()));
    return probe.receiveMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {V4, V6})
  void aServicesPortTellsItsLocalEndpointsAsKubeProxyDoes(String host) {
    configure(
        snapshot(
            local("web", check),
            slices("web", endpoint("10.1.0.1", "n1"), endpoint("10.1.0.2", "n1"))));
    open().until(() -> get(host, check, "/healthz").statusCode() == 200);

    HttpResponse<String> well = get(host, check, "/");
    assertThat(well.headers().firstValue("Content-Type")).contains("application/json");
    assertThat(well.headers().firstValue("X-Load-Balancing-Endpoint-Weight")).contains("2");
    assertThat(json(well).at("/service/namespace").asText()).isEqualTo("default");
    assertThat(json(well).at("/service/name").asText()).isEqualTo("web");
    assertThat(json(well).path("localEndpoints").asInt()).isEqualTo(2);
    assertThat(json(well).path("serviceProxyHealthy").asBoolean()).isTrue();

    configure(snapshot(local("web", check), slices("web", endpoint("10.2.0.1", "n2"))));
    soon().until(() -> get(host, check, "/healthz").statusCode() == 503);
    HttpResponse<String> without = get(host, check, "/healthz");
    assertThat(without.headers().firstValue("X-Load-Balancing-Endpoint-Weight")).contains("0");
    assertThat(json(without).path("localEndpoints").asInt()).isZero();
  }

  @Test
  void aPortClosesWithItsServiceAndWithItsTypeAndOpensAgain() {
    Snapshot with = snapshot(local("web", check), slices("web", endpoint("10.1.0.1", "n1")));
    List<Snapshot> without =
        List.of(
            snapshot(service("web", "LoadBalancer", "Cluster", 0)),
            snapshot(service("web", "NodePort", "Local", 0)),
            snapshot());
    for (Snapshot flipped : without) {
      configure(with);
      open().until(() -> get(V4, check, "/").statusCode() == 200);
      configure(flipped);
      soon().until(() -> !isOpen(check));
    }
    // Given up and wanted again before it is closed.
    configure(with);
    configure(snapshot());
    configure(with);
    open().until(() -> get(V6, check, "/").statusCode() == 200);
    assertThat(status().problems()).isEmpty();
  }

  @Test
  void aPortThatChangesItsServiceAnswersForTheNewOne() {
    configure(snapshot(local("web", check), slices("web", endpoint("10.1.0.1", "n1"))));
    open().until(() -> get(V4, check, "/").statusCode() == 200);
    configure(snapshot(local("shop", check)));
    soon().until(() -> json(get(V4, check, "/")).at("/service/name").asText().equals("shop"));
    assertThat(get(V4, check, "/").statusCode()).isEqualTo(503);
  }

  @Test
  void aPortInUseIsAProblemUntilItIsFree() throws IOException {
    try (ServerSocket taken = new ServerSocket(check)) {
      configure(snapshot(local("web", check), slices("web", endpoint("10.1.0.1", "n1"))));
      soon()
          .until(
              () ->
                  status()
                      .problems()
                      .getOrDefault("health check port " + check + " of service default/web", "")
                      .startsWith("cannot be opened: Address already in use"));
      open().until(() -> code("/healthz") == 200);
      assertThat(status().ports()).isEqualTo(1);
      assertThat(taken.isClosed()).isFalse();
    }
    open().until(() -> get(V6, check, "/").statusCode() == 200);
    assertThat(status().problems()).isEmpty();
  }

  @Test
  void theNodeIsHealthyOnlyOnceServicesAreApplied() {
    applied = false;
    configure(snapshot(local("web", check), slices("web", endpoint("10.1.0.1", "n1"))));
    open().until(() -> code("/healthz") == 503);
    assertThat(json(get(V4, healthz, "/healthz")).path("lastUpdated").asText())
        .isEqualTo("1970-01-01T00:00:00Z");
    open().until(() -> get(V4, check, "/").statusCode() == 503);
    assertThat(json(get(V4, check, "/")).path("serviceProxyHealthy").asBoolean(true)).isFalse();

    applied = true;
    soon().until(() -> code("/healthz") == 200 && code("/livez") == 200);
    JsonNode healthy = json(get(V6, healthz, "/healthz"));
    assertThat(healthy.path("nodeEligible").asBoolean()).isTrue();
    assertThat(healthy.path("lastUpdated").asText())
        .isEqualTo(healthy.path("currentTime").asText());
    assertThat(Instant.parse(healthy.path("currentTime").asText()))
        .isBetween(Instant.now().minusSeconds(10), Instant.now().plusSeconds(10));
    assertThat(get(V4, check, "/").statusCode()).isEqualTo(200);
    assertThat(code("/other")).isEqualTo(404);
  }

  @Test
  void theNodeIsUnhealthyWhenServicesHangOrNobodySaysHowTheyStand() {
    configure(snapshot());
    open().until(() -> code("/healthz") == 200);
    settled = false;
    soon().until(() -> code("/healthz") == 503 && code("/livez") == 503);
    settled = true;
    soon().until(() -> code("/healthz") == 200);
    silent = true;
    soon().until(() -> code("/healthz") == 503);
  }

  @Test
  void aNodeThatIsBeingDeletedIsAliveButGetsNoTraffic() {
    configure(snapshot(node("n1", "", "")));
    open().until(() -> code("/healthz") == 200);
    configure(snapshot(node("n1", "", "taints: [{key: ToBeDeletedByClusterAutoscaler}]")));
    soon().until(() -> code("/healthz") == 503);
    assertThat(json(get(V4, healthz, "/healthz")).path("nodeEligible").asBoolean(true)).isFalse();
    assertThat(code("/livez")).isEqualTo(200);
  }

  @Test
  void theNodesPortMovesAndGoesWithItsSetting() {
    configure(snapshot());
    open().until(() -> code("/healthz") == 200);
    keeper.tell(new HealthKeeper.Configure(snapshot(), check));
    open().until(() -> get(V4, check, "/healthz").statusCode() == 200 && !isOpen(healthz));
    keeper.tell(new HealthKeeper.Configure(snapshot(), 0));
    soon().until(() -> !isOpen(check));
    assertThat(status().ports()).isZero();
  }
}
