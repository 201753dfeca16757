// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@RequiresKernel
class LinkTest {
  private TestNetns here;
  private Netlink netlink;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-link");
    netlink = Netlink.open(here.netns());
  }

  @AfterEach
  void close() {
    netlink.close();
    here.close();
  }

  @Test
  void listsWhatIpMade() {
    here.sh("ip link add dev a address 02:00:00:00:00:01 mtu 1400 type veth peer name b");
    here.sh("ip link set dev a up alias ours; ip link set dev b up");

    assertThat(netlink.links()).extracting(Link::name).contains("lo", "a", "b");
    Link lo = netlink.link("lo").orElseThrow();
    assertThat(lo.isLoopback()).isTrue();
    assertThat(lo.index()).isEqualTo(1);
    Link a = netlink.link("a").orElseThrow();
    Link b = netlink.link("b").orElseThrow();
    assertThat(a.kind()).isEqualTo("veth");
    assertThat(a.mac()).hasToString("02:00:00:00:00:01");
    assertThat(a.mtu()).isEqualTo(1400);
    assertThat(a.isUp()).isTrue();
    assertThat(a.linkIndex()).isEqualTo(b.index());
    assertThat(a.linkNetnsId()).isEqualTo(-1);
    assertThat(a.alias()).isEqualTo("ours");
    assertThat(netlink.link(a.index())).contains(a);
  }

  @Test
  void whatIsAbsentIsEmpty() {
    assertThat(netlink.link("nosuch")).isEmpty();
    assertThat(netlink.link("a-name-of-16-chr")).isEmpty();
    assertThat(netlink.link("")).isEmpty();
    assertThat(netlink.link(4711)).isEmpty();
    assertThat(netlink.deleteLink(4711)).isFalse();
  }

  @Test
  void makesVethChangesItAndDeletesIt() {
    Link a = netlink.createVeth("a", 1300, "b");
    Link b = netlink.link("b").orElseThrow();
    assertThat(a.isUp()).isFalse();
    assertThat(a.mtu()).isEqualTo(1300);
    assertThat(b.mtu()).isEqualTo(1300);

    netlink.setUp(a.index(), true);
    netlink.setMtu(a.index(), 1200);
    netlink.setMac(a.index(), Mac.parse("ee:ee:ee:ee:ee:ee"));
    netlink.setAlias(a.index(), "sluice");
    assertThat(here.sh("ip -d link show a"))
        .contains("UP")
        .contains("mtu 1200")
        .contains("ee:ee:ee:ee:ee:ee")
        .contains("alias sluice");
    netlink.setUp(a.index(), false);
    netlink.rename(a.index(), "renamed");
    Link renamed = netlink.link(a.index()).orElseThrow();
    assertThat(renamed.name()).isEqualTo("renamed");
    assertThat(renamed.isUp()).isFalse();

    assertThat(netlink.deleteLink(a.index())).isTrue();
    assertThat(netlink.link("b")).as("the peer goes too").isEmpty();
  }

  @Test
  void aTakenNameIsExplained() {
    netlink.createVeth("a", 0, "b");
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.createVeth("a", 0, "c"))
        .withMessage("create interface a: EEXIST (File exists)")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    assertThat(netlink.link("c")).as("nothing half done").isEmpty();
  }

  @Test
  void anAbsentInterfaceIsExplained() {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.setUp(4711, true))
        .withMessageStartingWith("set interface 4711 up: ENODEV (No such device)")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
  }

  @Test
  void theKernelsOwnWordsAreInTheError() {
    Link a = netlink.createVeth("a", 0, "b");
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.setMtu(a.index(), 10))
        .withMessage(
            "set MTU of interface "
                + a.index()
                + " to 10: EINVAL (Invalid argument): mtu less than device minimum");
  }

  @Test
  void vethEndsLiveInTwoNamespaces() {
    try (TestNetns there = TestNetns.create("knet-link");
        Netlink other = Netlink.open(there.netns())) {
      Link a = netlink.createVeth("a", 0, "eth0", there.netns());
      Link peer = other.link("eth0").orElseThrow();
      assertThat(netlink.link("eth0")).isEmpty();
      assertThat(a.linkIndex()).isEqualTo(peer.index());
      assertThat(a.linkNetnsId()).isNotNegative();

      Link c = netlink.createVeth("c", 0, "d");
      netlink.moveTo(c.index(), there.netns());
      assertThat(netlink.link("c")).isEmpty();
      assertThat(other.link("c")).isPresent();
    }
  }

  @Test
  @Tag("INV-ENC-1")
  void makesOneFlowBasedVxlanForBothFamilies() {
    Link vxlan = netlink.createVxlan("vx", 4789, 1450);
    assertThat(vxlan.asVxlan()).contains(Link.Vxlan.flowBased(4789));
    assertThat(vxlan.mtu()).isEqualTo(1450);
    assertThat(vxlan.isArp()).isTrue();
    netlink.setArp(vxlan.index(), false);
    netlink.setUp(vxlan.index(), true);
    assertThat(netlink.link("vx").orElseThrow().isArp()).isFalse();
    assertThat(here.sh("ip -d link show vx"))
        .contains("external", "nolearning", "udp6zerocsumrx", "NOARP");
    assertThat(here.sh("ss -lun; ss -lun6")).contains("0.0.0.0:4789").contains("[::]:4789");
    netlink.setArp(vxlan.index(), true);
    assertThat(netlink.link("vx").orElseThrow().isArp()).isTrue();
  }

  @Test
  @Tag("INV-ENC-1")
  void theShapeOfAForeignVxlanIsReadWhole() {
    here.sh("ip link add fx1 type vxlan id 7 dstport 8472 remote 192.0.2.1 dev lo");
    here.sh("ip link add fx2 type vxlan external dstport 4789 vnifilter");
    here.sh("ip link add fx3 type vxlan external nolearning udp6zerocsumrx dstport 4790 gbp");
    assertThat(shape("fx1"))
        .isEqualTo(new Link.Vxlan(7, 8472, false, true, false, Set.of("group", "dev")))
        .hasToString("port 8472, vni 7, learning, noudp6zerocsumrx, dev, group");
    assertThat(shape("fx2"))
        .isEqualTo(new Link.Vxlan(0, 4789, true, false, false, Set.of("vnifilter")));
    assertThat(shape("fx3")).isEqualTo(new Link.Vxlan(0, 4790, true, false, true, Set.of("gbp")));
  }

  private Link.Vxlan shape(String name) {
    return netlink.link(name).orElseThrow().asVxlan().orElseThrow();
  }
}
