// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.kernel.layout.Ip;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The first packet of a flow.
 *
 * @param protocol its number
 * @param port destination port; 0 for protocols without
 * @param sourcePort 0: not given
 * @param device that the packet comes in by; empty: where its source says
 */
public record Question(
    Ip source, Ip destination, int protocol, int port, int sourcePort, String device) {
  private static final int PORT_MAX = 65_535;
  private static final Map<String, Integer> PROTOCOLS =
      Map.of("tcp", 6, "udp", 17, "sctp", 132, "icmp", 1, "icmp6", 58);

  /** Turns a name into an address, such as a pod's. */
  @FunctionalInterface
  public interface Resolver {
    /** Nobody knows names. */
    Resolver NONE =
        (name, like) -> {
          throw new IllegalArgumentException(
              name + " is no address, and only a running agent knows names");
        };

    /**
     * @param like the address's family, if that is known
     * @throws IllegalArgumentException with a reason, if there is no such name
     */
    Ip resolve(String name, Optional<Ip> like);
  }

  /** The same, of a packet that comes in by an interface. */
  Question by(String otherDevice) {
    return new Question(source, destination, protocol, port, sourcePort, otherDevice);
  }

  /**
   * @throws IllegalArgumentException with a reason
   */
  public static Question of(
      String source,
      String destination,
      String protocol,
      String port,
      String sourcePort,
      String device,
      Resolver names) {
    Optional<Ip> from = literal(source);
    Optional<Ip> to = literal(destination);
    Ip first = from.orElseGet(() -> names.resolve(source, to));
    Ip second = to.orElseGet(() -> names.resolve(destination, Optional.of(first)));
    if (first.family() != second.family()) {
      throw new IllegalArgumentException(
          first + " and " + second + " are not of one family: no packet has both");
    }
    int number = protocol(protocol);
    int to16 = port.isEmpty() ? 0 : port(port);
    if (to16 == 0 && hasPorts(number)) {
      throw new IllegalArgumentException(protocol + " has ports: which one?");
    }
    return new Question(
        first, second, number, to16, sourcePort.isEmpty() ? 0 : port(sourcePort), device);
  }

  private static Optional<Ip> literal(String text) {
    if (!text.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
      return Optional.empty();
    }
    return Optional.of(Ip.parse(text));
  }

  private static int protocol(String text) {
    Integer known = PROTOCOLS.get(text.toLowerCase(Locale.ROOT));
    if (known != null) {
      return known;
    }
    return number(text, 255, "a protocol: tcp, udp, sctp, icmp, icmp6 or a number");
  }

  private static int port(String text) {
    return number(text, PORT_MAX, "a port, 1 to " + PORT_MAX);
  }

  private static int number(String text, int most, String what) {
    if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > most) {
      throw new IllegalArgumentException(text + " is not " + what);
    }
    return Integer.parseInt(text);
  }

  /** Whether a protocol is one whose ports are part of a flow. */
  static boolean hasPorts(int protocol) {
    return protocol == 6 || protocol == 17 || protocol == 132;
  }
}
