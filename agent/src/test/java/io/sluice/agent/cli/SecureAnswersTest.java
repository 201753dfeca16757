// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.agent.cli.Terminal.Said;
import io.sluice.cluster.tls.Tls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that ask an agent by HTTPS. */
class SecureAnswersTest {
  private static final String TOKEN = "0123456789abcdef";

  @TempDir Path folder;
  private HttpsServer server;
  private String address;

  @BeforeEach
  void start() throws Exception {
    selfSigned("server");
    selfSigned("other");
    Files.writeString(folder.resolve("token"), TOKEN + "\n");
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(
            Tls.server(
                folder.resolve("server.crt"), folder.resolve("server.key"), Optional.empty())));
    server.createContext(
        "/api/v1/status",
        exchange -> {
          boolean known =
              ("Bearer " + TOKEN).equals(exchange.getRequestHeaders().getFirst("Authorization"));
          byte[] body =
              (known
                      ? "{\"node\": \"n1\", \"ready\": true}"
                      : "{\"status\": \"error\", \"reasons\": [\"this needs the token\"]}")
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(known ? 200 : 401, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    address = "localhost:" + server.getAddress().getPort();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void selfSigned(String name) throws IOException, InterruptedException {
    Process openssl =
        new ProcessBuilder(
                ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
                        + " subjectAltName=DNS:localhost -keyout "
                        + folder.resolve(name + ".key")
                        + " -out "
                        + folder.resolve(name + ".crt"))
                    .split(" "))
            .redirectErrorStream(true)
            .start();
    openssl.getInputStream().readAllBytes();
    assertThat(openssl.waitFor()).isZero();
  }

  private String file(String name) {
    return folder.resolve(name).toString();
  }

  private Path agentFile(String certificate) throws IOException {
    return Files.writeString(
        folder.resolve("agent.conf"),
        """
        sluice {
          node-name = n1
          source.path = /m
          management {
            host = 0.0.0.0
            port = %d
            tls { certificate = "%2$s/%3$s.crt", key = "%2$s/%3$s.key" }
            token-file = "%2$s/token"
          }
        }
        """
            .formatted(server.getAddress().getPort(), folder, certificate));
  }

  @Test
  void theAgentsOwnFileSaysAllOfIt() throws Exception {
    Said said = Terminal.run("status", "--config", agentFile("server").toString());

    assertThat(said.err()).isEmpty();
    assertThat(said.out()).contains("node: n1");
    assertThat(said.code()).isZero();
  }

  @Test
  void fromElsewhereItTakesAnAddressACaAndAToken() {
    Said said =
        Terminal.run(
            "status",
            "--address",
            address,
            "--ca",
            file("server.crt"),
            "--token-file",
            file("token"));

    assertThat(said.err()).isEmpty();
    assertThat(said.code()).isZero();
  }

  @Test
  void anotherCertificateIsNotBelieved() throws Exception {
    Said pinned = Terminal.run("status", "--config", agentFile("other").toString());
    assertThat(pinned.code()).isEqualTo(1);
    assertThat(pinned.err())
        .contains("do not believe each other", "it is not the certificate of this agent's file")
        .hasLineCount(1);

    Said ca = Terminal.run("status", "--address", address, "--ca", file("other.crt"));
    assertThat(ca.code()).isEqualTo(1);
    assertThat(ca.err()).contains("do not believe each other").hasLineCount(1);
  }

  @Test
  void aRefusalIsToldWithItsReason() {
    Said said = Terminal.run("status", "--address", address, "--ca", file("server.crt"));

    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err())
        .isEqualToIgnoringNewLines("sluice: the agent refused: this needs the token");
  }

  @Test
  void plainHttpToAnHttpsAgentIsExplained() {
    Said said = Terminal.run("status", "--address", address);

    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err())
        .contains("one that speaks HTTPS (give --config or --ca)")
        .hasLineCount(1);
  }

  @Test
  void aTokenIsNotSentInTheClearToAnotherHost() {
    Said said = Terminal.run("status", "--address", "192.0.2.1:1", "--token-file", file("token"));

    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err()).contains("a token goes to another host by HTTPS alone");
  }
}
