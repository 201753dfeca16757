// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class NeighbourTest {
  private TestNetns here;
  private Netlink netlink;
  private int a;
  private int b;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-neigh");
    netlink = Netlink.open(here.netns());
    a = netlink.createVeth("x0", 0, "x1").index();
    b = netlink.link("x1").orElseThrow().index();
    netlink.setUp(a, true);
    netlink.setUp(b, true);
  }

  @AfterEach
  void close() {
    netlink.close();
    here.close();
  }

  private static Ip ip(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.65.0.2" : "fd00:65::2");
  }

  @ParameterizedTest
  @EnumSource
  void neighboursComeAreReplacedAndGo(Family family) {
    Neighbour first = Neighbour.permanent(a, ip(family), Mac.parse("02:00:00:00:00:01"));
    Neighbour second = Neighbour.permanent(a, ip(family), Mac.parse("02:00:00:00:00:02"));
    netlink.replaceNeighbour(first);
    assertThat(netlink.neighbours(family, a)).contains(first);
    netlink.replaceNeighbour(second);
    assertThat(netlink.neighbours(family, a)).contains(second).doesNotContain(first);
    assertThat(netlink.neighbours(family, 0)).contains(second);
    assertThat(netlink.neighbours(family, b)).doesNotContain(second);
    assertThat(second.isOurs()).isTrue();
    assertThat(here.sh("ip neigh show dev x0"))
        .contains(ip(family) + " lladdr 02:00:00:00:00:02 PERMANENT proto 83");

    assertThat(netlink.deleteNeighbour(second)).isTrue();
    assertThat(netlink.deleteNeighbour(second)).isFalse();
    assertThat(netlink.neighbours(family, a)).doesNotContain(second);
  }

  @ParameterizedTest
  @EnumSource
  void anAbsentInterfaceIsExplained(Family family) {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.replaceNeighbour(Neighbour.permanent(4711, ip(family), Mac.ZERO)))
        .withMessageContaining("ENODEV (No such device)")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
    assertThat(netlink.neighbours(family, 4711)).isEmpty();
  }
}
