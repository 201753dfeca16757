// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import java.util.List;

/**
 * The cluster as one node sees it.
 *
 * @param decides whether this side may decide: enough members reach each other
 * @param reasons why it may not, or what else is wrong, a sentence each
 * @param quorum how many members it takes at least
 * @param members in the order in which they became members; empty outside of a cluster
 */
public record MembershipView(
    boolean decides, List<String> reasons, int quorum, List<Member> members) {
  /**
   * One member.
   *
   * @param node its node's name
   * @param address where others reach it
   * @param status as Akka names it: Joining, Up, Leaving, Down, ...
   * @param reachable whether this node hears of it
   * @param self whether it is this node
   * @param oldest whether singletons live there
   * @param version of its agent
   * @param sinceSeconds for how long it has had this status, or been as reachable as it is, as this
   *     node knows
   */
  public record Member(
      String node,
      String address,
      String status,
      boolean reachable,
      boolean self,
      boolean oldest,
      String version,
      long sinceSeconds) {}

  public MembershipView {
    reasons = List.copyOf(reasons);
    members = List.copyOf(members);
  }
}
