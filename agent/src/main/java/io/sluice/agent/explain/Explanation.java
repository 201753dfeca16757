// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * What would become of a packet, and why.
 *
 * @param packet as it would be sent
 * @param verdict the same for all candidates, or {@link Verdict#DEPENDS}
 * @param reason why it is not just allowed; named as counters are, where one would count it
 * @param frontend that it is for; empty: none
 * @param service that the frontend is of; empty: none
 * @param selection how a backend is chosen; empty: none is
 * @param candidates where the packet may go
 * @param steps what was looked at, in order
 */
public record Explanation(
    String packet,
    Verdict verdict,
    String reason,
    String frontend,
    String service,
    String selection,
    List<Candidate> candidates,
    List<Step> steps) {
  public Explanation {
    candidates = List.copyOf(candidates);
    steps = List.copyOf(steps);
  }

  /** What becomes of it. */
  public enum Verdict {
    @JsonProperty("allowed")
    ALLOWED,
    /** Answered by a TCP RST, or by ICMP port unreachable. */
    @JsonProperty("refused")
    REFUSED,
    @JsonProperty("dropped")
    DROPPED,
    /** Another node decides. */
    @JsonProperty("elsewhere")
    ELSEWHERE,
    /** No program looks at it: the host stack does as it would without any. */
    @JsonProperty("untouched")
    UNTOUCHED,
    /** Some candidates would be dropped, others not. */
    @JsonProperty("depends")
    DEPENDS
  }

  /**
   * A place where the packet may go.
   *
   * @param backend with its port; the destination itself, if nothing is translated
   * @param sharePercent how probable it is
   * @param node where that is; empty: this node, or none of the cluster's
   * @param path how it gets there
   * @param reply how answers come back
   * @param mtu bytes of the largest packet on the way, as far as programs know; 0: they do not
   * @param reason why it is dropped; empty: it is not
   */
  public record Candidate(
      String backend,
      double sharePercent,
      String node,
      String path,
      String reply,
      int mtu,
      String reason) {}

  /**
   * @param topic a word for what was looked at
   * @param found what was there, and what follows
   */
  public record Step(String topic, String found) {}
}
