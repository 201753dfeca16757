// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.cluster.ClusterEvent.CurrentClusterState;
import akka.cluster.Member;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Reads Akka's picture of the cluster. Pure, but for {@link #isMember}. */
final class Members {
  private static final Set<MemberStatus> DECIDING =
      Set.of(MemberStatus.up(), MemberStatus.leaving());

  private Members() {}

  /** Whether this node is in a cluster, if only by itself, and not on its way out. */
  static boolean isMember(Cluster cluster) {
    MemberStatus status = cluster.selfMember().status();
    boolean gone =
        status == MemberStatus.removed()
            || status == MemberStatus.down()
            || status == MemberStatus.exiting();
    return !gone
        && java.util.stream.StreamSupport.stream(cluster.state().getMembers().spliterator(), false)
            .anyMatch(m -> m.uniqueAddress().equals(cluster.selfMember().uniqueAddress()));
  }

  static String nodeOf(Member member) {
    return member.getRoles().stream()
        .filter(role -> role.startsWith(ClusterConfig.NODE_ROLE))
        .map(role -> role.substring(ClusterConfig.NODE_ROLE.length()))
        .findFirst()
        .orElse("");
  }

  /**
   * @param quorum how many members it takes at least to decide
   * @param reasons what is wrong besides
   * @param since for how long a member has been as it is
   */
  static MembershipView view(
      Cluster cluster, int quorum, List<String> reasons, Function<Member, Duration> since) {
    CurrentClusterState state = cluster.state();
    List<Member> members = new ArrayList<>();
    state.getMembers().forEach(members::add);
    members.sort(Member.ageOrdering());
    Set<Member> unreachable = new HashSet<>(state.getUnreachable());
    Optional<Member> oldest =
        members.stream().filter(m -> m.status().equals(MemberStatus.up())).findFirst();
    List<MembershipView.Member> seen = new ArrayList<>();
    int voters = 0;
    int heard = 0;
    for (Member member : members) {
      boolean reachable = !unreachable.contains(member);
      if (DECIDING.contains(member.status())) {
        voters++;
        heard += reachable ? 1 : 0;
      }
      seen.add(
          new MembershipView.Member(
              nodeOf(member),
              Formation.hostPort(member.address()),
              member.status().toString(),
              reachable,
              member.uniqueAddress().equals(cluster.selfMember().uniqueAddress()),
              oldest.filter(member::equals).isPresent(),
              member.appVersion().version(),
              since.apply(member).toSeconds()));
    }
    List<String> why = new ArrayList<>(reasons);
    int needed = Math.max(quorum, voters / 2 + 1);
    boolean decides = heard >= needed;
    if (!decides && voters > 0) {
      why.add(
          "this side is a minority: %d of %d members are reachable, %d are needed to decide"
              .formatted(heard, Math.max(voters, quorum), needed));
    }
    return new MembershipView(decides, why, quorum, seen);
  }
}
