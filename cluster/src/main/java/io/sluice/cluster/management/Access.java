// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.headers.TlsSessionInfo;
import io.sluice.config.settings.AgentKeys.Management;
import io.sluice.config.settings.AgentKeys.ManagementTls;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Who may ask what. A server that listens on the loopback address and names neither token nor
 * client CA is open to whoever is on the host; any other wants to know who asks.
 */
final class Access {
  /** What it takes to be answered. */
  enum Scope {
    /** Nothing: probes bear no secrets. */
    ANYBODY,
    /** Being known, unless the server is open. */
    READ,
    /** The same, and not being a web page in somebody's browser. */
    CHANGE,
    /** Being known, always. */
    OPERATOR
  }

  /**
   * Why a request is not answered.
   *
   * @param status 401 if a token would help, else 403
   */
  record Refusal(int status, String reason) {}

  private static final int SHORTEST_TOKEN = 16;
  private static final String BEARER = "Bearer ";

  private final Optional<byte[]> token;
  private final boolean certificates;

  private Access(Optional<byte[]> token, boolean certificates) {
    this.token = token;
    this.certificates = certificates;
  }

  /**
   * @throws ManagementException if the token cannot be read, or is easily guessed
   */
  static Access of(Management keys) {
    return new Access(
        keys.tokenFile().map(Access::readToken),
        keys.tls().flatMap(ManagementTls::clientCa).isPresent());
  }

  private static byte[] readToken(Path file) {
    String first;
    try (Stream<String> lines = Files.lines(file)) {
      first = lines.findFirst().orElse("").strip();
    } catch (IOException | java.io.UncheckedIOException e) {
      throw new ManagementException(
          "management.token-file: " + file + " cannot be read: " + e.getMessage(), e);
    }
    if (first.length() < SHORTEST_TOKEN || !first.matches("[\\x21-\\x7e]+")) {
      throw new ManagementException(
          "management.token-file: the first line of %s is no token: want %d characters or more,"
                  .formatted(file, SHORTEST_TOKEN)
              + " without spaces (openssl rand -hex 32)",
          null);
    }
    return first.getBytes(StandardCharsets.US_ASCII);
  }

  private boolean isOpen() {
    return token.isEmpty() && !certificates;
  }

  /** Whether a request says who asks. */
  boolean isKnown(HttpRequest request) {
    return bearsToken(request) || showsCertificate(request);
  }

  /** Whether what only concerns insiders may be told. */
  boolean mayRead(HttpRequest request) {
    return isOpen() || isKnown(request);
  }

  /** Why a request is refused; empty if it is not. */
  Optional<Refusal> refusal(HttpRequest request, Scope scope) {
    if (scope == Scope.ANYBODY || isKnown(request)) {
      return Optional.empty();
    }
    if (!isOpen()) {
      return Optional.of(unknown(request));
    }
    if (scope == Scope.OPERATOR) {
      return Optional.of(
          new Refusal(403, "not without knowing who asks: give the agent a management.token-file"));
    }
    if (scope == Scope.CHANGE && request.getHeader("Origin").isPresent()) {
      return Optional.of(new Refusal(403, "a web page may not change what nodes share"));
    }
    return Optional.empty();
  }

  private Refusal unknown(HttpRequest request) {
    String certificate = "a client certificate that management.tls.client-ca has signed";
    if (token.isEmpty()) {
      return new Refusal(403, "this needs " + certificate);
    }
    if (request.getHeader("Authorization").isPresent()) {
      return new Refusal(401, "the token is not that of the agent's management.token-file");
    }
    return new Refusal(
        401,
        "this needs the token of the agent's management.token-file (Authorization: Bearer TOKEN)"
            + (certificates ? ", or " + certificate : ""));
  }

  private boolean bearsToken(HttpRequest request) {
    Optional<String> given =
        request
            .getHeader("Authorization")
            .map(akka.http.javadsl.model.HttpHeader::value)
            .filter(value -> value.regionMatches(true, 0, BEARER, 0, BEARER.length()))
            .map(value -> value.substring(BEARER.length()).strip());
    return token.isPresent()
        && given.isPresent()
        // Takes as long for a wrong token as for a nearly right one.
        && MessageDigest.isEqual(token.get(), given.get().getBytes(StandardCharsets.UTF_8));
  }

  /** One that the handshake has let through, so the client CA vouches for it. */
  private boolean showsCertificate(HttpRequest request) {
    if (!certificates) {
      return false;
    }
    Optional<TlsSessionInfo> tls = request.getHeader(TlsSessionInfo.class);
    try {
      return tls.isPresent() && tls.get().getSession().getPeerCertificates().length > 0;
    } catch (SSLPeerUnverifiedException e) {
      return false;
    }
  }
}
