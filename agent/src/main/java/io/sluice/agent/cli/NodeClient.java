// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cluster.management.SluiceRoutes;
import io.sluice.config.cli.CommandException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Asks the agent of this node. A mix-in: brings the option that says where it listens. */
public final class NodeClient {
  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration ANSWER = Duration.ofSeconds(30);

  @Option(
      names = "--address",
      paramLabel = "HOST:PORT",
      defaultValue = "${SLUICE_ADDRESS:-127.0.0.1:8558}",
      description = "where the agent's HTTP listens (default: ${DEFAULT-VALUE})")
  private String address;

  private final ObjectMapper json = new ObjectMapper();

  /** The address asked, for messages. */
  public String address() {
    return address;
  }

  /**
   * The JSON that the agent answers with.
   *
   * @return empty if no agent listens there
   * @throws CommandException if it answers with an error
   */
  public Optional<JsonNode> get(String path) {
    return rows(path).map(Rows::json);
  }

  /**
   * What the agent answers with.
   *
   * @param omitted how many rows it says that it left out
   */
  public record Rows(JsonNode json, long omitted) {}

  /** As {@link #get}, for a dump. */
  public Optional<Rows> rows(String path) {
    try {
      HttpResponse<byte[]> response = ask(path);
      JsonNode body = json.readTree(response.body());
      if (response.statusCode() >= 500 && body.has("reasons")) {
        throw new CommandException("the agent failed: " + body.get("reasons").path(0).asText());
      }
      if (response.statusCode() >= 400) {
        throw new CommandException(
            "http://" + address + path + " is not known to the agent: is it of this version?");
      }
      long omitted = response.headers().firstValueAsLong(SluiceRoutes.OMITTED).orElse(0);
      return Optional.of(new Rows(body, omitted));
    } catch (ConnectException e) {
      return Optional.empty();
    } catch (HttpTimeoutException e) {
      throw new CommandException("the agent at " + address + " does not answer: see its log");
    } catch (IOException e) {
      throw new CommandException("what listens at " + address + " is no agent: " + e.getMessage());
    }
  }

  private HttpResponse<byte[]> ask(String path) throws IOException {
    try {
      return HttpClient.newBuilder()
          .connectTimeout(CONNECT)
          .build()
          .send(
              HttpRequest.newBuilder(URI.create("http://" + address + path))
                  .timeout(ANSWER)
                  .build(),
              HttpResponse.BodyHandlers.ofByteArray());
    } catch (IllegalArgumentException e) {
      throw new CommandException("--address " + address + ": want HOST:PORT");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted");
    }
  }
}
