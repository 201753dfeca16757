// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.actors.host.HostLedger;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.NetlinkHostNet;
import io.sluice.actors.host.Uninstaller;
import io.sluice.actors.tables.LibNftables;
import io.sluice.actors.testing.PodLab;
import io.sluice.actors.testing.Resources;
import io.sluice.config.model.Resource;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The host side as a whole, with real programs, interfaces, routes and tables. */
@RequiresKernel
class InterfacesInKernelTest {
  private static final List<String> POD2 = List.of("10.244.1.3", "fd00:244:1::3");
  private static final List<String> HOST = List.of("192.168.101.2", "fd00:100:1::2");

  @TempDir private Path dataDir;
  private final NodeRig.Slots slots = new NodeRig.Slots();
  private PodLab lab;
  private TestBpffs bpffs;
  private NodeRig rig;

  @BeforeEach
  void setUp() {
    lab = new PodLab();
    bpffs = TestBpffs.mount();
    rig = new NodeRig(lab, bpffs.path(), dataDir, slots);
  }

  @AfterEach
  void tearDown() {
    rig.close();
    bpffs.close();
    lab.close();
  }

  private static Resource endpoint(String nic, int number) {
    return Resources.endpoint(
        "wep-" + number, "node1", nic, "10.244.1." + number, "fd00:244:1::" + number);
  }

  private static Snapshot snapshot(boolean inSync, Resource... more) {
    List<Resource> all = new ArrayList<>(List.of(more));
    all.add(Resources.node("node1", "192.168.101.2", "10.244.1.0/24"));
    all.add(Resources.pool("pool", "10.244.0.0/16", true));
    return Resources.snapshot(inSync, all.toArray(Resource[]::new));
  }

  private static final Resource ONE = endpoint(PodLab.NIC1, 2);
  private static final Resource TWO = endpoint(PodLab.NIC2, 3);

  private void settle() {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(rig.status()).matches(InterfaceManager.Status::settled, "settled"));
  }

  private void bothUp() {
    rig.source(snapshot(true, ONE, TWO));
    settle();
  }

  private Map<Integer, Iface> elements() {
    Map<Integer, Iface> all = new HashMap<>();
    rig.dataplane().ifaces().forEach(all::put);
    return all;
  }

  private List<String> workloads() {
    return elements().values().stream()
        .filter(element -> (element.flags() & IfaceFlags.IFACE_WORKLOAD) != 0)
        .map(Iface::name)
        .toList();
  }

  @Test
  void podsAndHostReachEachOtherInBothFamilies() {
    bothUp();
    for (String address : POD2) {
      assertThat(PodLab.pings(lab.pod1(), address)).isTrue();
      assertThat(PodLab.pings(lab.node(), address)).isTrue();
    }
    for (String address : HOST) {
      assertThat(PodLab.pings(lab.pod1(), address)).isTrue();
    }
    assertThat(lab.node().sh("ip route show 10.244.1.3"))
        .contains("dev cali2 proto 83 scope link src 192.168.101.2");
    int nic2 = lab.nic(rig.net(), PodLab.NIC2).index();
    Route route =
        rig.dataplane()
            .routes(Family.IPV4)
            .get(new RouteKey(32, Ip.parse("10.244.1.3")))
            .orElseThrow();
    assertThat(route.ifindex()).isEqualTo(nic2);
    assertThat(route.flags())
        .isEqualTo(
            RouteFlags.ROUTE_LOCAL
                | RouteFlags.ROUTE_WORKLOAD
                | RouteFlags.ROUTE_IN_POOL
                | RouteFlags.ROUTE_NAT_OUTGOING);
    assertThat(rig.scan().families().get(Family.IPV4).entries()).isPositive();
  }

  @Test
  @Tag("INV-RPF-1")
  void aPodCannotSendFromAnotherAddress() {
    bothUp();
    lab.pod1()
        .sh("ip addr add 10.244.1.77/32 dev eth0; ip addr add fd00:244:1::77/128 dev eth0 nodad");
    lab.node().sh("ip route add 10.244.1.77 dev cali1; ip -6 route add fd00:244:1::77 dev cali1");
    assertThat(PodLab.pings(lab.pod1(), "-I 10.244.1.77 192.168.101.2")).isFalse();
    assertThat(PodLab.pings(lab.pod1(), "-I fd00:244:1::77 fd00:100:1::2")).isFalse();
    assertThat(PodLab.pings(lab.pod1(), "-I 10.244.1.2 192.168.101.2")).isTrue();
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  @Tag("INV-PROG-6")
  void anAgentThatStartsAgainAdoptsWithoutLosingAPacket() throws IOException {
    bothUp();
    Map<Integer, Iface> before = elements();
    String routes = lab.node().sh("ip route; ip -6 route; nft list ruleset | grep -v counter");
    Process four = pingFor("10.244.1.3");
    Process six = pingFor("fd00:100:1::2");
    rig.close();
    rig = new NodeRig(lab, bpffs.path(), dataDir, slots);
    await().until(() -> rig.status().begun());
    // Not in sync, and knows nothing: nothing goes.
    rig.source(snapshot(false));
    await()
        .during(Duration.ofMillis(500))
        .until(() -> elements().equals(before) && rig.status().begun());
    bothUp();
    assertThat(elements()).isEqualTo(before);
    assertThat(lab.node().sh("ip route; ip -6 route; nft list ruleset | grep -v counter"))
        .isEqualTo(routes);
    assertLostNothing(four);
    assertLostNothing(six);
  }

  private Process pingFor(String address) throws IOException {
    return new ProcessBuilder(
            "ip",
            "netns",
            "exec",
            lab.pod1().name(),
            "ping",
            "-n",
            "-i",
            "0.01",
            "-w",
            "8",
            address)
        .redirectErrorStream(true)
        .start();
  }

  private static void assertLostNothing(Process ping) throws IOException {
    try (var output = ping.inputReader()) {
      assertThat(output.lines().toList()).anyMatch(line -> line.contains(" 0% packet loss"));
    }
  }

  @Test
  @Tag("INV-POL-1")
  @Tag("INV-GAP-1")
  void aWorkloadThatGoesLosesItsNetworkAndComesBack() {
    bothUp();
    assertThat(PodLab.pings(lab.pod1(), POD2.get(0))).isTrue();
    rig.source(snapshot(true, ONE));
    settle();
    await().until(() -> workloads().size() == 1);
    for (String address : POD2) {
      assertThat(PodLab.pings(lab.pod1(), address)).isFalse();
    }
    assertThat(lab.node().sh("cat /proc/sys/net/ipv4/conf/cali2/proxy_arp").strip()).isEqualTo("0");
    assertThat(lab.node().sh("ip route show dev cali2")).isEmpty();
    // Even a route of somebody else does not get past the tables.
    lab.node().sh("ip route add 10.244.1.3 dev cali2");
    assertThat(PodLab.pings(lab.node(), POD2.get(0))).isFalse();
    lab.node().sh("ip route delete 10.244.1.3 dev cali2");
    bothUp();
    for (String address : POD2) {
      assertThat(PodLab.pings(lab.pod1(), address)).isTrue();
    }
  }

  @Test
  void anInterfaceThatIsMissingComesLaterAndOneThatIsRemadeIsNew() {
    lab.node().sh("ip link delete cali2");
    rig.source(snapshot(true, ONE, TWO));
    settle();
    assertThat(PodLab.pings(lab.pod1(), HOST.get(0))).isTrue();
    lab.replugPod2();
    await()
        .atMost(Duration.ofSeconds(10))
        .until(
            () -> PodLab.pings(lab.pod1(), POD2.get(0)) && PodLab.pings(lab.pod1(), POD2.get(1)));
    int index = lab.nic(rig.net(), PodLab.NIC2).index();
    lab.node().sh("ip link delete cali2");
    await().until(() -> workloads().size() == 1);
    lab.replugPod2();
    await().atMost(Duration.ofSeconds(10)).until(() -> PodLab.pings(lab.pod1(), POD2.get(0)));
    assertThat(lab.nic(rig.net(), PodLab.NIC2).index()).isNotEqualTo(index);
    settle();
    assertThat(workloads()).hasSize(2);
  }

  @Test
  void aLinkThatWentDownAndUpHasItsRoutesBack() {
    bothUp();
    lab.node().sh("ip link set cali2 down");
    lab.node().sh("ip link set cali2 up");
    await()
        .atMost(Duration.ofSeconds(10))
        .until(
            () -> PodLab.pings(lab.node(), POD2.get(0)) && PodLab.pings(lab.node(), POD2.get(1)));
  }

  @Test
  void tablesThatSomebodyFlushesComeBack() {
    bothUp();
    lab.node().sh("nft flush ruleset");
    // Whatever changes next repairs it; else the periodic look does.
    rig.source(snapshot(true, ONE));
    settle();
    await().until(() -> !lab.node().sh("nft list ruleset").contains("cali2"));
    rig.source(snapshot(true, ONE, TWO));
    settle();
    assertThat(lab.node().sh("nft list table inet sluice")).contains("cali1", "cali2");
  }

  @Test
  @Tag("INV-AG-4")
  void whatIsInstalledGoesWithoutAnAgent() {
    await().until(() -> !lab.node().sh("ip -6 addr").contains("tentative"));
    bothUp();
    rig.close();
    try (HostLedger ledger = HostLedger.open(dataDir);
        NetlinkHostNet net = NetlinkHostNet.open(lab.node().netns())) {
      HostSettings settings = new HostSettings(net, PodLab.sysctlsOf(lab.node().netns()), ledger);
      LibNftables nft = LibNftables.in(lab.node().netns());
      assertThat(new Uninstaller(net, settings, nft::drop).run()).isEmpty();
    }
    assertThat(lab.node().sh("ip route show proto 83; ip -6 route show proto 83")).isEmpty();
    assertThat(lab.node().sh("nft list ruleset")).isEmpty();
    assertThat(lab.node().sh("cat /proc/sys/net/ipv4/ip_forward").strip()).isEqualTo("0");
    assertThat(lab.node().sh("cat /proc/sys/net/ipv4/conf/cali1/proxy_arp").strip()).isEqualTo("0");
    rig = new NodeRig(lab, bpffs.path(), dataDir, slots);
  }
}
