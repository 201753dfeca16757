// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.NetlinkHostNet;
import io.sluice.actors.testing.PodLab;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.RequiresKernel;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table against real packets. Programs are played by rules that leave their marks. */
@RequiresKernel
class RulesetTest {
  private static final String SEEN = "0x00100000";
  private static final String FALLTHROUGH = "0x00500000";

  private PodLab lab;
  private HostNet net;
  private LibNftables nft;
  private int nic1;
  private int nic2;

  @BeforeEach
  void setUp() {
    lab = new PodLab();
    net = NetlinkHostNet.open(lab.node().netns());
    nft = LibNftables.in(lab.node().netns());
    nic1 = lab.nic(net, PodLab.NIC1).index();
    nic2 = lab.nic(net, PodLab.NIC2).index();
    lab.node()
        .sh(
            "cd /proc/sys/net; echo 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding;"
                + " for i in cali1 cali2; do echo 1 > ipv4/conf/$i/proxy_arp;"
                + " echo 0 > ipv4/neigh/$i/proxy_delay;"
                + " ip addr del fe80::ecee:eeff:feee:eeee/64 dev $i;"
                + " ip addr add fe80::ecee:eeff:feee:eeee/64 dev $i nodad; done");
    net.addRoute(new HostNet.HostRoute(HostSettings.GATEWAY4, 32, 1, Optional.empty()), false);
    route("10.244.1.2", nic1);
    route("fd00:244:1::2", nic1);
    route("10.244.1.3", nic2);
    route("fd00:244:1::3", nic2);
  }

  @AfterEach
  void tearDown() {
    net.close();
    lab.close();
  }

  private void route(String address, int ifindex) {
    Ip ip = Ip.parse(address);
    net.addRoute(new HostNet.HostRoute(ip, ip.family().bits(), ifindex, Optional.empty()), false);
  }

  /** What enters from a workload gets this mark, as if a program had left it. */
  private void markAll(String mark) {
    lab.node()
        .sh(
            "nft 'table inet fake { }; delete table inet fake; table inet fake { chain c {"
                + " type filter hook prerouting priority -400;"
                + " iifname \"cali*\" meta mark set "
                + mark
                + "; }; }'");
  }

  private long drops(String counter) {
    return nft.find().orElseThrow().counters().get(counter);
  }

  @ParameterizedTest
  @CsvSource({"10.244.1.3, 192.168.101.2", "fd00:244:1::3, fd00:100:1::2"})
  @Tag("INV-GAP-1")
  @Tag("INV-POL-1")
  void nothingPassesToOrFromWhatIsNotReady(String otherPod, String host) {
    Ruleset rules = new Ruleset(List.of("cali"), false, false);
    markAll(SEEN);
    nft.run(rules.replace(Set.of(nic1)));
    assertThat(PodLab.pings(lab.pod1(), host)).isTrue();
    assertThat(PodLab.pings(lab.pod1(), otherPod)).isFalse();
    assertThat(PodLab.pings(lab.node(), otherPod)).isFalse();
    assertThat(drops(Ruleset.UNREADY_OUT)).isPositive();
    assertThat(PodLab.pings(lab.pod2(), host)).isFalse();
    assertThat(drops(Ruleset.UNREADY_IN)).isPositive();
    nft.run(Ruleset.add(List.of(nic2)));
    assertThat(PodLab.pings(lab.pod1(), otherPod)).isTrue();
    assertThat(PodLab.pings(lab.pod2(), host)).isTrue();
    nft.run(Ruleset.remove(List.of(nic2)));
    assertThat(PodLab.pings(lab.pod1(), otherPod)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"192.168.101.2", "fd00:100:1::2"})
  @Tag("INV-POL-1")
  void nothingPassesThatNoProgramHasSeen(String host) {
    nft.run(new Ruleset(List.of("cali"), false, false).replace(Set.of(nic1)));
    assertThat(PodLab.pings(lab.pod1(), host)).isFalse();
    assertThat(drops(Ruleset.UNSEEN_IN)).isPositive();
    markAll(SEEN);
    assertThat(PodLab.pings(lab.pod1(), host)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"192.168.101.2", "fd00:100:1::2"})
  @Tag("INV-TAB-1")
  void midflowPassesIfKernelConntrackKnowsIt(String host) throws Exception {
    lab.node()
        .sh(
            "nft 'table inet user { chain c { type filter hook input priority 0;"
                + " ct state new counter; }; }'");
    nft.run(new Ruleset(List.of("cali"), true, false).replace(Set.of(nic1, nic2)));
    markAll(SEEN);
    Process ping =
        new ProcessBuilder(
                "ip",
                "netns",
                "exec",
                lab.pod1().name(),
                "ping",
                "-n",
                "-i",
                "0.1",
                "-c",
                "10",
                "-W",
                "1",
                host)
            .redirectErrorStream(true)
            .start();
    try (var output = ping.inputReader()) {
      skipToFirstAnswer(output);
      markAll(FALLTHROUGH);
      assertThat(output.lines().toList()).anyMatch(line -> line.contains(" 0% packet loss"));
    }
    assertThat(PodLab.pings(lab.pod1(), host)).isFalse();
    assertThat(drops(Ruleset.MIDFLOW)).isPositive();
  }

  private static void skipToFirstAnswer(java.io.BufferedReader output) throws IOException {
    String line = output.readLine();
    while (line != null && !line.contains("bytes from")) {
      line = output.readLine();
    }
    assertThat(line).isNotNull();
  }

  @Test
  void kernelConntrackIsNotPutToWorkWhereItIsNot() {
    markAll(SEEN);
    nft.run(new Ruleset(List.of("cali"), false, false).replace(Set.of(nic1, nic2)));
    assertThat(PodLab.pings(lab.pod1(), "10.244.1.3")).isTrue();
    assertThat(lab.node().sh("cat /proc/sys/net/netfilter/nf_conntrack_count").strip())
        .isEqualTo("0");
    nft.run(new Ruleset(List.of("cali"), true, false).replace(Set.of(nic1, nic2)));
    assertThat(PodLab.pings(lab.pod1(), "10.244.1.3")).isTrue();
    assertThat(lab.node().sh("cat /proc/sys/net/netfilter/nf_conntrack_count").strip())
        .isNotEqualTo("0");
  }

  @ParameterizedTest
  @CsvSource({"10.244.1.3", "fd00:244:1::3"})
  void whatIsMarkedSoLeavesWithTheHostsAddress(String backend) {
    nft.run(new Ruleset(List.of("cali"), false, true).replace(Set.of(nic1, nic2)));
    // The backend can answer nobody but the host: to others it has no way back.
    lab.pod2()
        .sh(
            "ip route del default; ip -6 route del default; ip route add 192.168.101.2 via"
                + " 169.254.1.1 dev eth0; ip -6 route add fd00:100:1::2 via"
                + " fe80::ecee:eeff:feee:eeee dev eth0");
    markAll(SEEN);
    assertThat(PodLab.pings(lab.pod1(), backend)).as("without the mark").isFalse();
    markAll("0x04100000");
    lab.node().sh("nft 'add rule inet fake c iifname cali2 meta mark set 0x00100000'");
    assertThat(PodLab.pings(lab.pod1(), backend)).isTrue();
    assertThat(nft.find().orElseThrow().counters().get(Ruleset.MASQUERADED)).isPositive();
  }

  @Test
  @Tag("INV-TAB-3")
  void theTableIsFoundAsItWasPutAndGoesWithoutTouchingOthers() {
    assertThat(nft.find()).isEmpty();
    nft.drop();
    lab.node().sh("nft 'table inet other { chain c { type filter hook input priority 0; }; }'");
    String others = lab.node().sh("nft list ruleset");
    Ruleset rules = new Ruleset(List.of("cali", "tap"), true, false);
    nft.run(rules.replace(Set.of(nic1, 4711)));
    Nftables.Found found = nft.find().orElseThrow();
    assertThat(found.build()).isEqualTo(rules.build());
    assertThat(found.ready()).containsExactlyInAnyOrder("cali1", "4711");
    assertThat(found.counters())
        .containsOnlyKeys("unready_in", "unready_out", "unseen_in", "midflow");
    nft.drop();
    assertThat(lab.node().sh("nft list ruleset")).isEqualTo(others);
  }

  @Test
  void rulesDifferByWhatTheySayOnly() {
    Ruleset rules = new Ruleset(List.of("cali"), false, false);
    assertThat(rules.build()).isEqualTo(new Ruleset(List.of("cali"), false, false).build());
    assertThat(rules.build()).isNotEqualTo(new Ruleset(List.of("cali"), true, false).build());
    assertThat(rules.build()).isNotEqualTo(new Ruleset(List.of("tap"), false, false).build());
    assertThat(rules.build()).isNotEqualTo(new Ruleset(List.of("cali"), false, true).build());
    assertThatThrownBy(() -> new Ruleset(List.of("a\"; flush ruleset"), false, false))
        .hasMessageContaining("interfacePrefix");
  }
}
