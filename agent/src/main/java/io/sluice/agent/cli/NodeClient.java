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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import picocli.CommandLine.Mixin;

/** Asks an agent, this node's by default. A mix-in: brings the options that say where and how. */
public final class NodeClient {
  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration ANSWER = Duration.ofSeconds(30);
  private static final int NOT_FOUND = 404;
  private static final int FIRST_ERROR = 400;
  private static final int FIRST_FAILURE = 500;

  @Mixin private NodeOptions options;

  private final ObjectMapper json = new ObjectMapper();
  private HttpClient client;

  /** The address asked, for messages. */
  public String address() {
    return options.address();
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
    return ask("GET", path, HttpRequest.BodyPublishers.noBody(), Optional.empty(), ANSWER);
  }

  /**
   * As {@link #get}, with a body.
   *
   * @param contentType of the body
   * @param patience how long the answer may take
   */
  public Optional<JsonNode> send(
      String method, String path, byte[] body, String contentType, Duration patience) {
    return ask(
            method,
            path,
            HttpRequest.BodyPublishers.ofByteArray(body),
            Optional.of(contentType),
            patience)
        .map(Rows::json);
  }

  /**
   * An answer, refusals included.
   *
   * @param status of HTTP
   */
  public record Reply(int status, JsonNode body, long omitted) {
    public boolean isRefusal() {
      return status >= FIRST_ERROR;
    }

    /** Why it was refused, a line each. */
    public List<String> reasons() {
      List<String> reasons = new ArrayList<>();
      body.path("reasons").forEach(reason -> reasons.add(reason.asText()));
      return reasons;
    }
  }

  /**
   * As {@link #send}, for those who tell refusals apart.
   *
   * @throws CommandException if no agent listens there, or no answer comes
   */
  public Reply exchange(String method, String path, byte[] body, String type, Duration patience) {
    return respond(
            method,
            path,
            HttpRequest.BodyPublishers.ofByteArray(body),
            body.length == 0 ? Optional.empty() : Optional.of(type),
            patience)
        .orElseThrow(
            () ->
                new CommandException(
                    "no agent at " + address() + ": start it with 'sluice agent --config FILE'"));
  }

  private Optional<Rows> ask(
      String method,
      String path,
      HttpRequest.BodyPublisher body,
      Optional<String> contentType,
      Duration patience) {
    Optional<Reply> reply = respond(method, path, body, contentType, patience);
    if (reply.filter(Reply::isRefusal).isPresent()) {
      throw refused(path, reply.get());
    }
    return reply.map(answer -> new Rows(answer.body(), answer.omitted()));
  }

  /** Nothing if no agent listens there. */
  private Optional<Reply> respond(
      String method,
      String path,
      HttpRequest.BodyPublisher body,
      Optional<String> contentType,
      Duration patience) {
    try {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(uri(path)).timeout(patience).method(method, body);
      contentType.ifPresent(type -> request.header("Content-Type", type));
      options.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
      HttpResponse<byte[]> response =
          client().send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      long omitted = response.headers().firstValueAsLong(SluiceRoutes.OMITTED).orElse(0);
      return Optional.of(new Reply(response.statusCode(), json.readTree(response.body()), omitted));
    } catch (ConnectException e) {
      return Optional.empty();
    } catch (HttpTimeoutException e) {
      throw new CommandException("the agent at " + address() + " does not answer: see its log");
    } catch (SSLException e) {
      throw new CommandException(
          "the agent at %s and this command do not believe each other (give the agent's file by"
                  .formatted(address())
              + " --config, or --ca, and --certificate and --key if it asks for them): "
              + e.getMessage());
    } catch (IOException e) {
      throw new CommandException(
          "what listens at %s is no agent%s: %s"
              .formatted(
                  address(),
                  options.https() ? "" : ", or one that speaks HTTPS (give --config or --ca)",
                  e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted");
    }
  }

  private HttpClient client() {
    if (client == null) {
      HttpClient.Builder made = HttpClient.newBuilder().connectTimeout(CONNECT);
      options.tls().ifPresent(made::sslContext);
      client = made.build();
    }
    return client;
  }

  private URI uri(String path) {
    try {
      return URI.create((options.https() ? "https://" : "http://") + address() + path);
    } catch (IllegalArgumentException e) {
      throw new CommandException("--address " + address() + ": want HOST:PORT");
    }
  }

  private CommandException refused(String path, Reply reply) {
    List<String> reasons = reply.reasons();
    if (reply.status() == NOT_FOUND || reasons.isEmpty()) {
      return new CommandException(
          "http://" + address() + path + " is not known to the agent: is it of this version?");
    }
    String all = String.join("; ", reasons);
    return new CommandException(
        reply.status() >= FIRST_FAILURE ? "the agent failed: " + all : "the agent refused: " + all);
  }
}
