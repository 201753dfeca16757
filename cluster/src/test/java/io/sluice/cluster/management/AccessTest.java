// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import com.typesafe.config.ConfigFactory;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.sluice.cluster.tls.TestCertificates;
import io.sluice.cluster.tls.TestCertificates.Pair;
import io.sluice.cluster.tls.Tls;
import io.sluice.config.settings.AgentKeys.Management;
import io.sluice.config.settings.AgentKeys.ManagementTls;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is answered by a server that others can reach. */
final class AccessTest {
  private static final String TOKEN = "0123456789abcdef0123";

  @TempDir static Path folder;
  private static Pair ca;
  private static Pair server;
  private static Pair client;
  private static Pair stranger;
  private static Path tokenFile;

  private final List<ActorTestKit> kits = new ArrayList<>();
  private int port;

  @BeforeAll
  static void make() throws IOException {
    TestCertificates certificates = new TestCertificates(folder);
    ca = certificates.ca("ca");
    server = certificates.signedBy(ca, "server");
    client = certificates.signedBy(ca, "client");
    stranger = certificates.signedBy(certificates.ca("other"), "stranger");
    tokenFile = Files.writeString(folder.resolve("token"), TOKEN + "\nonly the first line\n");
  }

  @AfterEach
  void stop() {
    kits.forEach(ActorTestKit::shutdownTestKit);
  }

  private void start(Optional<Path> token, Optional<Path> clientCa) throws Exception {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    ActorTestKit kit =
        ActorTestKit.create(
            "access",
            ManagementServer.config("127.0.0.1", port).withFallback(ConfigFactory.load()));
    kits.add(kit);
    ManagementServer.start(
            kit.system(),
            new Management(
                "127.0.0.1",
                port,
                Optional.of(new ManagementTls(server.certificate(), server.key(), clientCa)),
                token),
            new TestView(() -> new Health(List.of("the file /secret is not there"))),
            new PrometheusRegistry(),
            Optional::empty)
        .toCompletableFuture()
        .get();
  }

  private HttpResponse<String> get(SSLContext tls, String path, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return HttpClient.newBuilder()
        .sslContext(tls)
        .build()
        .send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static SSLContext anonymous() {
    return Tls.client(ca.certificate());
  }

  @Test
  @Tag("INV-CL-3")
  void theTokenOpens() throws Exception {
    start(Optional.of(tokenFile), Optional.empty());

    HttpResponse<String> without = get(anonymous(), "/api/v1/status");
    assertThat(without.statusCode()).isEqualTo(401);
    assertThat(without.headers().firstValue("www-authenticate"))
        .contains("Bearer realm=\"sluice\"");
    assertThat(without.body())
        .contains("this needs the token")
        .doesNotContain("client certificate");
    HttpResponse<String> wrong =
        get(anonymous(), "/api/v1/status", "Authorization", "Bearer " + TOKEN + "4");
    assertThat(wrong.statusCode()).isEqualTo(401);
    assertThat(wrong.body()).contains("the token is not that");
    assertThat(get(anonymous(), "/api/v1/status", "Authorization", "Basic " + TOKEN).statusCode())
        .isEqualTo(401);
    for (String path : List.of("/metrics", "/cluster/members", "/api/v1/openapi.json", "/other")) {
      assertThat(get(anonymous(), path).statusCode()).as(path).isEqualTo(401);
    }
    HttpResponse<String> right =
        get(anonymous(), "/api/v1/status", "Authorization", "Bearer " + TOKEN);
    assertThat(right.statusCode()).isEqualTo(200);
    assertThat(right.body()).contains("n1");
  }

  /** A probe of the kubelet has no token. */
  @Test
  void healthIsForAnybodyButItsReasonsAreNot() throws Exception {
    start(Optional.of(tokenFile), Optional.empty());

    HttpResponse<String> probe = get(anonymous(), "/health/ready");
    assertThat(probe.statusCode()).isEqualTo(503);
    assertThat(probe.body()).isEqualTo("{\"status\":\"unavailable\"}");
    assertThat(get(anonymous(), "/health/ready", "Authorization", "Bearer " + TOKEN).body())
        .contains("/secret");
  }

  @Test
  @Tag("INV-CL-3")
  void aClientCertificateOpens() throws Exception {
    start(Optional.empty(), Optional.of(ca.certificate()));

    HttpResponse<String> without = get(anonymous(), "/api/v1/status");
    assertThat(without.statusCode()).isEqualTo(403);
    assertThat(without.body()).contains("management.tls.client-ca");
    assertThat(get(anonymous(), "/api/v1/status", "Tls-Session-Info", "anything").statusCode())
        .as("a header that looks like the server's own")
        .isEqualTo(403);
    SSLContext known = Tls.client(ca.certificate(), client.certificate(), client.key());
    assertThat(get(known, "/api/v1/status").statusCode()).isEqualTo(200);
    SSLContext foreign = Tls.client(ca.certificate(), stranger.certificate(), stranger.key());
    assertThat(get(foreign, "/api/v1/status").statusCode())
        .as("a client sends no certificate that the server would not believe")
        .isEqualTo(403);
    assertThat(get(anonymous(), "/health/live").statusCode()).isEqualTo(200);
  }

  @Test
  void aServerOfAnotherCaIsNotBelieved() throws Exception {
    start(Optional.of(tokenFile), Optional.empty());
    SSLContext elsewhere = Tls.client(folder.resolve("other.crt"));

    assertThatThrownBy(() -> get(elsewhere, "/health/live"))
        .isInstanceOf(SSLHandshakeException.class);
  }

  @Test
  void aTokenThatIsEasilyGuessedOrNotThereEndsTheStart() throws Exception {
    Path weak = Files.writeString(folder.resolve("weak"), "secret\n");

    assertThatThrownBy(() -> start(Optional.of(weak), Optional.empty()))
        .isInstanceOf(ManagementException.class)
        .hasMessage(
            "management.token-file: the first line of %s is no token: want 16 characters or more,"
                    .formatted(weak)
                + " without spaces (openssl rand -hex 32)");
    assertThatThrownBy(() -> start(Optional.of(folder.resolve("gone")), Optional.empty()))
        .isInstanceOf(ManagementException.class)
        .hasMessageContaining("cannot be read");
    assertThatThrownBy(() -> start(Optional.empty(), Optional.of(folder.resolve("gone"))))
        .isInstanceOf(ManagementException.class)
        .hasMessage("management.tls: " + folder.resolve("gone") + ": there is no such file");
  }

  /** On the loopback address, without a word about who may ask. */
  @Test
  void anOpenServerTakesNoChangesFromWebPages() {
    Access open = Access.of(new Management("127.0.0.1", 0, Optional.empty(), Optional.empty()));
    var plain = akka.http.javadsl.model.HttpRequest.POST("/api/v1/apply");
    var page =
        plain.addHeader(
            akka.http.javadsl.model.headers.RawHeader.create("Origin", "http://example.org"));

    assertThat(open.refusal(plain, Access.Scope.CHANGE)).isEmpty();
    assertThat(open.refusal(page, Access.Scope.CHANGE))
        .contains(new Access.Refusal(403, "a web page may not change what nodes share"));
    assertThat(open.refusal(page, Access.Scope.READ)).isEmpty();
    assertThat(open.refusal(plain, Access.Scope.OPERATOR)).isPresent();
  }
}
