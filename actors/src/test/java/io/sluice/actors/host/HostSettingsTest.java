// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.actors.testing.PodLab;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.RequiresKernel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresKernel
class HostSettingsTest {
  /** Everything about the network that an uninstalled host must have back. */
  private static final String EVERYTHING =
      "cd /proc/sys/net; for f in $(find ipv4 ipv6 -type f ! -name '*stable_secret'"
          + " ! -name '*tcp_*' ! -name '*fib_notify*'); do"
          + " v=$(cat $f 2>/dev/null) && echo $f=$v; done | sort;"
          + " ip route show table all | sort; ip -6 route show table all | sort;"
          + " ip -o addr show | sed 's/valid_lft.*//'; nft list ruleset";

  @TempDir private Path dataDir;
  private PodLab lab;
  private HostNet net;
  private HostLedger ledger;
  private HostSettings settings;

  @BeforeEach
  void setUp() {
    lab = new PodLab();
    net = NetlinkHostNet.open(lab.node().netns());
    reopen();
  }

  /** As an agent that starts again, or an uninstaller, would. */
  private void reopen() {
    ledger = HostLedger.open(dataDir);
    settings = new HostSettings(net, PodLab.sysctlsOf(lab.node().netns()), ledger);
  }

  @AfterEach
  void tearDown() {
    ledger.close();
    net.close();
    lab.close();
  }

  private void route(String address, String nic) {
    Ip ip = Ip.parse(address);
    net.addRoute(
        new HostNet.HostRoute(ip, ip.family().bits(), lab.nic(net, nic).index(), Optional.empty()),
        false);
  }

  private void prepareAll() {
    settings.prepareHost(name -> name.startsWith("cali"));
    for (String nic : List.of(PodLab.NIC1, PodLab.NIC2)) {
      settings.prepareNic(lab.nic(net, nic), true, true);
    }
    net.addRoute(new HostNet.HostRoute(HostSettings.GATEWAY4, 32, 1, Optional.empty()), false);
    route("10.244.1.2", PodLab.NIC1);
    route("10.244.1.3", PodLab.NIC2);
    route("fd00:244:1::2", PodLab.NIC1);
    route("fd00:244:1::3", PodLab.NIC2);
  }

  /** Addresses that the kernel makes for itself must have come before anything is compared. */
  private void settle() {
    await().until(() -> !lab.node().sh("ip -6 addr").contains("tentative"));
  }

  @Test
  void podsReachTheirGatewaysWithoutADefaultRouteOnTheNode() {
    prepareAll();
    assertThat(lab.node().sh("ip route show default")).isEmpty();
    assertThat(PodLab.pings(lab.pod1(), "192.168.101.2")).isTrue();
    assertThat(PodLab.pings(lab.pod1(), "10.244.1.3")).isTrue();
    assertThat(PodLab.pings(lab.pod1(), "fd00:100:1::2")).isTrue();
    assertThat(PodLab.pings(lab.pod1(), "fd00:244:1::3")).isTrue();
    assertThat(PodLab.pings(lab.node(), "10.244.1.2")).isTrue();
    assertThat(PodLab.pings(lab.node(), "fd00:244:1::2")).isTrue();
  }

  @Test
  void theGatewayIsAnsweredWhereTheHostAnswersForItsOwnAddressesOnly() {
    lab.node().sh("echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore");
    prepareAll();
    assertThat(PodLab.pings(lab.pod1(), "192.168.101.2")).isTrue();
  }

  @Test
  @Tag("INV-AG-4")
  @Tag("INV-TAB-3")
  void uninstallLeavesTheHostAsItWas() {
    lab.node()
        .sh(
            "echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter;"
                + " echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter;"
                + " echo 1 > /proc/sys/net/ipv4/conf/all/accept_redirects;"
                + " echo 1 > /proc/sys/net/ipv4/conf/up0/forwarding;"
                + " nft 'table inet other { chain c { type filter hook input priority 0; }; }'");
    settle();
    String before = lab.node().sh(EVERYTHING);
    prepareAll();
    lab.node().sh("nft 'table inet sluice { }'");
    assertThat(lab.node().sh(EVERYTHING)).isNotEqualTo(before);
    ledger.close();
    reopen();
    Uninstaller uninstaller =
        new Uninstaller(net, settings, () -> lab.node().sh("nft delete table inet sluice"));
    assertThat(uninstaller.run()).isEmpty();
    assertThat(lab.node().sh(EVERYTHING).lines().toList())
        .containsExactlyElementsOf(before.lines().toList());
    assertThat(ledger.sysctls()).isEmpty();
    assertThat(ledger.addresses()).isEmpty();
  }

  @Test
  @Tag("INV-HOST-2")
  void theReversePathFilterOfAllGoesAndOtherInterfacesKeepTheirs() {
    lab.node().sh("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter");
    settings.prepareHost(name -> name.startsWith("cali"));
    assertThat(sysctl("all/rp_filter")).isEqualTo("0");
    assertThat(sysctl("eth0/rp_filter")).isEqualTo("1");
    assertThat(sysctl("cali1/rp_filter")).isEqualTo("0");
  }

  private String sysctl(String key) {
    return lab.node().sh("cat /proc/sys/net/ipv4/conf/" + key).strip();
  }

  @Test
  @Tag("INV-HOST-2")
  void aHostEndpointHasNoFilterOfTheKernelAndLoopbackTakesItsOwnAddresses() {
    lab.node().sh("echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter");
    assertThat(settings.prepareHostEndpoint("eth0"))
        .containsExactly("net/ipv4/conf/eth0/rp_filter");
    assertThat(settings.prepareHostEndpoint("lo")).contains("net/ipv4/conf/lo/accept_local");
    assertThat(List.of(sysctl("eth0/rp_filter"), sysctl("lo/accept_local"), sysctl("lo/rp_filter")))
        .containsExactly("0", "1", "0");
    assertThat(sysctl("eth0/accept_local")).isEqualTo("0");
    assertThat(settings.prepareHostEndpoint("eth0")).isEmpty();
    // Somebody else's change is seen, and put right.
    lab.node().sh("echo 2 > /proc/sys/net/ipv4/conf/eth0/rp_filter");
    lab.node().sh("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter");
    assertThat(settings.prepareHostEndpoint("eth0")).hasSize(1);
    assertThat(settings.prepareHost(name -> name.equals("eth0")))
        .contains("net/ipv4/conf/all/rp_filter");
    assertThat(List.of(sysctl("eth0/rp_filter"), sysctl("all/rp_filter"))).containsOnly("0");
  }

  @Test
  @Tag("INV-HOST-2")
  @Tag("INV-AG-4")
  void anInterfaceThatIsNoHostEndpointAnyMoreIsFilteredAsAllWere() {
    settle();
    lab.node().sh("echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter");
    String before = lab.node().sh(EVERYTHING);
    settings.prepareHost(name -> name.equals("eth0"));
    settings.prepareHostEndpoint("eth0");
    settings.prepareHostEndpoint("lo");
    assertThat(sysctl("eth0/rp_filter")).isEqualTo("0");
    assertThat(sysctl("up0/rp_filter")).isEqualTo("2");
    settings.restoreNic(lab.nic(net, "eth0"), true);
    assertThat(sysctl("eth0/rp_filter")).isEqualTo("2");
    assertThat(settings.restoreAll()).isEmpty();
    assertThat(lab.node().sh(EVERYTHING).lines().toList())
        .containsExactlyElementsOf(before.lines().toList());
  }

  @Test
  @Tag("INV-AG-1")
  void aSecondTimeWritesNothing() throws Exception {
    prepareAll();
    long length = java.nio.file.Files.size(dataDir.resolve(HostLedger.FILE_NAME));
    settings.prepareHost(name -> name.startsWith("cali"));
    settings.prepareNic(lab.nic(net, PodLab.NIC1), true, true);
    assertThat(dataDir.resolve(HostLedger.FILE_NAME)).hasSize(length);
  }

  @Test
  void anInterfaceThatStaysIsPutBackAndOneThatWentIsForgotten() {
    settle();
    String before = lab.node().sh("cat /proc/sys/net/ipv4/conf/cali1/proxy_arp");
    prepareAll();
    settings.restoreNic(lab.nic(net, PodLab.NIC1), false);
    assertThat(lab.node().sh("cat /proc/sys/net/ipv4/conf/cali1/proxy_arp")).isEqualTo(before);
    lab.node().sh("ip link delete cali2");
    settings.forgetNic(PodLab.NIC2);
    assertThat(ledger.sysctls()).noneMatch(saved -> saved.key().contains("cali"));
    assertThat(ledger.addresses()).isEmpty();
  }

  @Test
  void whatSomebodyElseChangedSinceIsLeftAloneAndTold() {
    prepareAll();
    lab.node().sh("echo 12 > /proc/sys/net/ipv4/neigh/cali1/proxy_delay");
    assertThat(settings.restoreAll())
        .singleElement()
        .asString()
        .contains("net/ipv4/neigh/cali1/proxy_delay is 12");
    assertThat(lab.node().sh("cat /proc/sys/net/ipv4/neigh/cali1/proxy_delay").strip())
        .isEqualTo("12");
  }

  @Test
  void theIpv6GatewayIsAddedWhereTheKernelMadeNone() {
    lab.node().sh("ip link set cali1 address 02:00:00:00:00:01; ip addr flush dev cali1");
    settings.prepareNic(lab.nic(net, PodLab.NIC1), false, true);
    assertThat(lab.node().sh("ip -6 addr show dev cali1")).contains("fe80::ecee:eeff:feee:eeee/64");
    assertThat(ledger.addresses()).hasSize(1);
    settings.restoreNic(lab.nic(net, PodLab.NIC1), false);
    assertThat(lab.node().sh("ip -6 addr show dev cali1")).doesNotContain("ecee");
  }
}
