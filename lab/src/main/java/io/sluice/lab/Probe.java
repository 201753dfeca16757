// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.List;

/**
 * Datagrams of a size to a pod server, one send after the other, each awaited: which of them
 * arrived as they were sent, and what the network said instead.
 *
 * @param arguments of {@code pod-client}
 */
public record Probe(List<String> arguments) {
  public Probe {
    arguments = List.copyOf(arguments);
  }

  /**
   * Sends of so many bytes of payload each. Packets say that they must not be fragmented, and what
   * was learnt of the path before is not asked.
   */
  public static Probe of(String address, int port, int size) {
    return new Probe(List.of("probe", "--target", address))
        .with("--port", port)
        .with("--size", size);
  }

  /** The kernel, or the device, makes datagrams of so many bytes of each send. */
  public Probe segment(int bytes) {
    return with("--segment", bytes);
  }

  /** Asks for an answer of so many bytes, instead of sending much. */
  public Probe give(int bytes) {
    return with("--give", bytes);
  }

  /** How often it sends; once if not said. */
  public Probe count(int sends) {
    return with("--count", sends);
  }

  /** The TTL, or hop limit, of what it sends. */
  public Probe ttl(int hops) {
    return with("--ttl", hops);
  }

  /** How long all that answers one send may take, in milliseconds; 2000 if not said. */
  public Probe timeout(int millis) {
    return with("--timeout", millis);
  }

  /** The port that it sends from. */
  public Probe sourcePort(int port) {
    return with("--source-port", port);
  }

  private Probe with(String option, int value) {
    List<String> more = new ArrayList<>(arguments);
    more.add(option);
    more.add(Integer.toString(value));
    return new Probe(more);
  }

  static Report parse(String json) {
    try {
      return TopologyReader.JSON.readValue(json, Report.class);
    } catch (JsonProcessingException e) {
      throw new LabException("the probe's report is not one: " + json, e);
    }
  }

  /**
   * What came of it.
   *
   * @param datagrams that were sent, or were to be
   * @param exact those that arrived byte by byte, as their answers say
   * @param wrong those of which something else arrived
   * @param late answers of an earlier send
   * @param pod who answered last
   * @param seen the client's address and port as that pod saw it
   * @param refused sends that the client's own kernel refused
   * @param refusal the errno of the last of these
   * @param complaints how often somebody said something else
   * @param said what the first of these were
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Report(
      int datagrams,
      int exact,
      int wrong,
      int late,
      String pod,
      String seen,
      int refused,
      String refusal,
      int complaints,
      List<Said> said) {}

  /**
   * An error about a datagram.
   *
   * @param icmp whether it came by ICMP or ICMPv6; else the client's own kernel says it
   * @param error errno
   * @param info the MTU, if it was too big
   * @param from who says it
   * @param quotedWrong whether the payload that it quotes is not what was sent
   */
  public record Said(
      boolean icmp,
      int type,
      int code,
      String error,
      long info,
      String from,
      boolean quotedWrong) {}
}
