// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.cluster.Cluster;
import akka.cluster.Member;
import akka.cluster.MemberStatus;
import akka.cluster.ddata.Replicator;
import java.time.Duration;
import java.util.Set;

/**
 * How many copies decide, of those that there are now.
 *
 * <p>Akka's majorities take a smallest number, too, but only as far as there are members: alone,
 * one node is a majority of one. Hence exact numbers, which fail where members are missing.
 *
 * @param members of the cluster, with this one
 * @param deciding how many of them must have a write on disk, or answer a read
 */
record Majority(int members, int deciding) {
  private static final Set<MemberStatus> COUNTED =
      Set.of(MemberStatus.up(), MemberStatus.leaving(), MemberStatus.exiting());

  static Majority now(Cluster cluster, int quorum) {
    int members = 1;
    for (Member member : cluster.state().getMembers()) {
      if (COUNTED.contains(member.status())
          && !member.uniqueAddress().equals(cluster.selfUniqueAddress())) {
        members++;
      }
    }
    return new Majority(members, of(members, quorum));
  }

  static int of(int members, int quorum) {
    return Math.max(quorum, members / 2 + 1);
  }

  boolean possible() {
    return members >= deciding;
  }

  Replicator.WriteConsistency write(Duration timeout) {
    return deciding == 1 ? Replicator.writeLocal() : new Replicator.WriteTo(deciding, timeout);
  }

  Replicator.ReadConsistency read(Duration timeout) {
    return from(deciding, timeout);
  }

  Replicator.ReadConsistency readAll(Duration timeout) {
    return from(members, timeout);
  }

  private static Replicator.ReadConsistency from(int copies, Duration timeout) {
    return copies == 1 ? Replicator.readLocal() : new Replicator.ReadFrom(copies, timeout);
  }
}
