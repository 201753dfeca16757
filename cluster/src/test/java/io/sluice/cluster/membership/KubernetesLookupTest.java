// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.tls.TestCertificates;
import io.sluice.cluster.tls.TestCertificates.Pair;
import io.sluice.cluster.tls.Tls;
import io.sluice.config.settings.ClusterKeys.Formation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes that find each other by Kubernetes' API: a server that lists pods, and a JVM with the
 * environment and the files that a pod has.
 */
@Timeout(120)
final class KubernetesLookupTest {
  private static final String TOKEN = "the-account's-token";

  @TempDir private Path account;
  private volatile String asked = "";
  private volatile String bore = "";

  /** The nodes: ends with 0 when they are one cluster. */
  public static final class Pods {
    private Pods() {}

    public static void main(String[] args) {
      try (TestNodes nodes = new TestNodes("127.0.5")) {
        for (int i = 1; i <= 3; i++) {
          nodes.start(
              "n" + i,
              nodes.byName(i, Formation.KUBERNETES, "sluice"),
              ConfigFactory.parseMap(
                  Map.of(
                      "akka.discovery.kubernetes-api.api-ca-path", args[0] + "/ca.crt",
                      "akka.discovery.kubernetes-api.api-token-path", args[0] + "/token",
                      "akka.discovery.kubernetes-api.pod-namespace-path", args[0] + "/namespace")));
        }
        nodes.awaitOneCluster("n1", "n2", "n3");
      }
      System.exit(0);
    }
  }

  private static String pod(int i) {
    return """
        {"metadata": {"name": "sluice-%1$d"},
         "spec": {"containers": [{"name": "agent", "ports": []}]},
         "status": {"phase": "Running", "podIP": "127.0.5.%1$d",
                    "containerStatuses": [{"name": "agent", "state": {"running": {}}}]}}
        """
        .formatted(i);
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked = exchange.getRequestURI().toString();
    bore = exchange.getRequestHeaders().getFirst("Authorization");
    byte[] body =
        ("{\"kind\": \"PodList\", \"items\": [" + pod(1) + "," + pod(2) + "," + pod(3) + "]}")
            .getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Test
  void thePodsWithTheLabelAreTheSeeds() throws Exception {
    TestCertificates certificates = new TestCertificates(account);
    Pair ca = certificates.ca("ca");
    Pair own = certificates.signedBy(ca, "api");
    Files.writeString(account.resolve("token"), TOKEN);
    Files.writeString(account.resolve("namespace"), "network");
    HttpsServer api =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    api.setHttpsConfigurator(
        new HttpsConfigurator(Tls.server(own.certificate(), own.key(), Optional.empty())));
    api.createContext("/", this::answer);
    api.start();
    Path said = account.resolve("said");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:-UseContainerSupport",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Pods.class.getName(),
            account.toString());
    builder.environment().put("KUBERNETES_SERVICE_HOST", "127.0.0.1");
    builder
        .environment()
        .put("KUBERNETES_SERVICE_PORT", Integer.toString(api.getAddress().getPort()));
    Process pods = builder.redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      assertThat(pods.waitFor(100, TimeUnit.SECONDS)).isTrue();
      assertThat(pods.exitValue()).as(() -> read(said)).isZero();
      assertThat(asked).isEqualTo("/api/v1/namespaces/network/pods?labelSelector=app%3Dsluice");
      assertThat(bore).isEqualTo("Bearer " + TOKEN);
    } finally {
      pods.destroyForcibly();
      api.stop(0);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
