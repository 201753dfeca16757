// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maglev;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cluster.maglev.Backend;
import io.sluice.cluster.maglev.BackendSet;
import io.sluice.cluster.maglev.Lut;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.TupleHash;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Where a million flows go, by the hash of the datapath and the cluster's tables. */
class MaglevFlowsTest {
  private static final int FLOWS = 1_000_000;
  private static final int BACKENDS = 100;

  /** Of each flow, IPv4 or IPv6, to one of a few frontends. */
  private static int[] hashes() {
    Random random = new Random(2016);
    int[] hashes = new int[FLOWS];
    for (int i = 0; i < FLOWS; i++) {
      Family family = i % 4 == 0 ? Family.IPV6 : Family.IPV4;
      Ip client =
          family == Family.IPV4
              ? new Ip(family, 0, Integer.toUnsignedLong(random.nextInt()))
              : new Ip(family, 0x2001_0db8_0000_0000L | random.nextInt(1 << 16), random.nextLong());
      Ip service =
          family == Family.IPV4
              ? new Ip(family, 0, 0xc633_6400L + random.nextInt(4))
              : new Ip(family, 0x2001_0db8_ffff_0000L, 1 + random.nextInt(4));
      int protocol = random.nextInt(8) == 0 ? 17 : 6;
      hashes[i] = TupleHash.of(client, service, 1024 + random.nextInt(64_512), 443, protocol);
    }
    return hashes;
  }

  private static List<Backend> backends(int count) {
    List<Backend> backends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      backends.add(new Backend(new IpAddress(IpFamily.IPV4, 0, 0x0af40102L + 13 * i), 8080, 1));
    }
    return backends;
  }

  private static Lut table(List<Backend> backends, long shuffle) {
    List<Backend> some = new ArrayList<>(backends);
    Collections.shuffle(some, new Random(shuffle)); // each node learns of them in its own order
    return Lut.compute(BackendSet.of(IpFamily.IPV4, some));
  }

  private static Lut.Member backend(Lut table, int hash) {
    return table.members().get(table.member(table.slotOf(hash)));
  }

  @Test
  @Tag("INV-MAG-1")
  void aMillionFlowsGoToTheSameBackendsFromAllNodes() {
    Lut one = table(backends(BACKENDS), 1);
    Lut two = table(backends(BACKENDS), 2);
    Lut three = Lut.parse(table(backends(BACKENDS), 3).bytes()); // got it from another node
    int[] flows = new int[BACKENDS];
    for (int hash : hashes()) {
      Lut.Member chosen = backend(one, hash);
      flows[one.member(one.slotOf(hash))]++;
      if (!chosen.equals(backend(two, hash)) || !chosen.equals(backend(three, hash))) {
        throw new AssertionError("a flow of hash " + hash + " goes elsewhere");
      }
    }
    double even = FLOWS / (double) BACKENDS;
    for (int count : flows) {
      // One percent is the table's; the rest is what a million random flows differ by (3 sigma).
      assertThat((double) count).isBetween(even * 0.96, even * 1.04);
    }
    for (int slots : one.spread()) {
      assertThat(slots * BACKENDS / (double) one.size()).isBetween(0.99, 1.01);
    }
  }

  @Test
  @Tag("INV-MAG-2")
  void removingOrAddingOneOfAHundredMovesAtMostOnePercentOfTheRest() {
    int[] hashes = hashes();
    List<Backend> all = backends(BACKENDS);
    for (int gone : new int[] {0, 41, BACKENDS - 1}) {
      List<Backend> rest = new ArrayList<>(all);
      Backend removed = rest.remove(gone);
      Lut with = table(all, 1);
      Lut without = table(rest, 2);
      int owned = 0;
      int moved = 0;
      for (int hash : hashes) {
        Lut.Member before = backend(with, hash);
        if (before.address().equals(removed.address())) {
          owned++; // these must go, when it is removed, and come, when it is added
        } else if (!before.equals(backend(without, hash))) {
          moved++;
        }
      }
      assertThat(owned / (double) FLOWS).isBetween(0.009, 0.011);
      assertThat(moved / (double) FLOWS).as("moved without need").isLessThan(0.01);
    }
  }
}
