// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.cluster.tls.Tls;
import io.sluice.cluster.tls.TlsException;
import io.sluice.config.cli.CommandException;
import io.sluice.config.settings.AgentConfig;
import io.sluice.config.settings.AgentKeys.Management;
import io.sluice.config.settings.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import picocli.CommandLine.Option;

/**
 * Which agent is asked, and how it and the one who asks know each other. The agent's own file says
 * all of it; from elsewhere it takes an address, a CA, and a token or a certificate.
 */
final class NodeOptions {
  private static final String DEFAULT_ADDRESS = "127.0.0.1:8558";
  private static final Set<String> ANY_ADDRESS = Set.of("0.0.0.0", "::");

  private static final Pattern LOOPBACK =
      Pattern.compile("127\\.|localhost:|\\[::1\\]:", Pattern.CASE_INSENSITIVE);

  @Option(
      names = "--address",
      paramLabel = "HOST:PORT",
      description =
          "where the agent's HTTP listens (default: SLUICE_ADDRESS, or what the agent's file says,"
              + " or 127.0.0.1:8558)")
  private String address;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "the agent's configuration: where it listens, its certificate and token (default:"
              + " SLUICE_CONFIG)")
  private Path config;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "speak HTTPS, and believe whom this CA has signed, PEM (default: SLUICE_CA)")
  private Path ca;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description =
          "its first line is the token that the agent asks for (default: SLUICE_TOKEN_FILE)")
  private Path tokenFile;

  @Option(
      names = "--certificate",
      paramLabel = "FILE",
      description = "show this certificate, PEM (default: SLUICE_CERTIFICATE); needs --ca")
  private Path certificate;

  @Option(
      names = "--key",
      paramLabel = "FILE",
      description = "the key of --certificate, PEM (default: SLUICE_KEY)")
  private Path key;

  private Optional<Management> agent;

  private static Optional<Path> path(Path option, String variable) {
    return Optional.ofNullable(option)
        .or(() -> Optional.ofNullable(System.getenv(variable)).map(Path::of));
  }

  /** What the agent's file says of its HTTP. */
  private Optional<Management> agent() {
    if (agent == null) {
      agent =
          path(config, "SLUICE_CONFIG")
              .map(
                  file -> {
                    try {
                      return AgentConfig.load(Optional.of(file), Map.of()).keys().management();
                    } catch (SettingsException e) {
                      throw new CommandException(e.getMessage());
                    }
                  });
    }
    return agent;
  }

  /** HOST:PORT. */
  String address() {
    return Optional.ofNullable(address)
        .or(() -> Optional.ofNullable(System.getenv("SLUICE_ADDRESS")))
        .or(() -> agent().map(NodeOptions::listens))
        .orElse(DEFAULT_ADDRESS);
  }

  private static String listens(Management keys) {
    String host = ANY_ADDRESS.contains(keys.host()) ? "127.0.0.1" : keys.host();
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + keys.port();
  }

  boolean https() {
    return path(ca, "SLUICE_CA").isPresent() || agent().flatMap(Management::tls).isPresent();
  }

  /** Whom to believe, and what to show. */
  Optional<SSLContext> tls() {
    try {
      Optional<Path> believed = path(ca, "SLUICE_CA");
      Optional<Path> own = path(certificate, "SLUICE_CERTIFICATE");
      if (believed.isEmpty()) {
        return agent().flatMap(Management::tls).map(files -> Tls.pinned(files.certificate()));
      }
      return Optional.of(
          own.isEmpty()
              ? Tls.client(believed.get())
              : Tls.client(
                  believed.get(),
                  own.get(),
                  path(key, "SLUICE_KEY")
                      .orElseThrow(() -> new CommandException("--certificate needs --key"))));
    } catch (TlsException e) {
      throw new CommandException(e.getMessage());
    }
  }

  /** What the agent asks for; nobody on the way may read it. */
  Optional<String> token() {
    Optional<Path> file =
        path(tokenFile, "SLUICE_TOKEN_FILE").or(() -> agent().flatMap(Management::tokenFile));
    if (file.isPresent() && !https() && !LOOPBACK.matcher(address()).lookingAt()) {
      throw new CommandException(
          "a token goes to another host by HTTPS alone: give --ca or --config");
    }
    return file.map(NodeOptions::firstLine);
  }

  private static String firstLine(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.findFirst().orElse("").strip();
    } catch (IOException | java.io.UncheckedIOException e) {
      throw new CommandException("the token in " + file + " cannot be read: " + e.getMessage());
    }
  }
}
