// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.actors.host.HostNet.HostRoute;
import io.sluice.actors.testing.PodLab;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.testing.RequiresKernel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tunnel's device and its routes in a kernel. */
@RequiresKernel
class TunnelDeviceTest {
  private static final int PORT = 4789;

  @TempDir private Path dataDir;
  private PodLab lab;
  private HostNet net;

  @BeforeEach
  void setUp() {
    lab = new PodLab();
    net = NetlinkHostNet.open(lab.node().netns());
  }

  @AfterEach
  void tearDown() {
    net.close();
    lab.close();
  }

  private Link ensure(int mtu) {
    TunnelDevice.Ensured ensured = TunnelDevice.ensure(net, PORT, mtu);
    assertThat(ensured.replaced()).isEmpty();
    return ensured.link();
  }

  private Link device() {
    return net.link(TunnelDevice.NAME).orElseThrow();
  }

  @Test
  @Tag("INV-ENC-1")
  @Tag("INV-AG-1")
  void isMadeOnceAndKeptInShape() {
    Link made = ensure(1450);
    assertThat(made.isUp()).isFalse();
    TunnelDevice.up(net, made, PORT);
    Link up = device();
    assertThat(ensure(1450)).isEqualTo(up);
    assertThat(up.isArp()).isFalse();
    lab.node().sh("ip link set vxlan.sluice arp on mtu 1300");
    ensure(1450);
    assertThat(device().isArp()).isFalse();
    assertThat(device().mtu()).isEqualTo(1450);
    assertThat(device().index()).isEqualTo(made.index());
  }

  @Test
  @Tag("INV-ENC-1")
  void whatHasItsNameAndAnotherShapeIsReplaced() {
    lab.node().sh("ip link add vxlan.sluice type veth peer name other");
    assertThat(TunnelDevice.ensure(net, PORT, 1450).replaced()).contains("somebody else's veth");
    assertThat(TunnelDevice.ensure(net, 4790, 1450).replaced())
        .contains("vxlan with port 4789, flow-based");
    assertThat(device().vxlan()).isEqualTo(Link.Vxlan.flowBased(4790));
  }

  @Test
  void aPortThatIsTakenIsExplained() {
    lab.node().sh("ip link add flannel.1 type vxlan id 1 dstport 4789 local 192.168.101.2");
    lab.node().sh("ip link set flannel.1 up");
    assertThatThrownBy(() -> TunnelDevice.up(net, ensure(1450), PORT))
        .hasMessage(
            "UDP port 4789 is taken by the VXLAN device flannel.1: remove that, or set vxlanPort"
                + " to another on all nodes");
  }

  @Test
  @Tag("INV-AG-4")
  void onlyWhatAnAgentMadeIsRemoved() {
    lab.node().sh("ip link add vxlan.sluice type veth peer name other");
    assertThat(TunnelDevice.remove(net)).isFalse();
    TunnelDevice.ensure(net, PORT, 1450);
    assertThat(TunnelDevice.remove(net)).isTrue();
    assertThat(net.link(TunnelDevice.NAME)).isEmpty();
  }

  @Test
  @Tag("INV-HOST-2")
  void itsSettingsAreRecordedFirstAndTheMtuOfIpv6IsItsOwn() {
    Link made = ensure(1450);
    TunnelDevice.up(net, made, PORT);
    Sysctls sysctls = PodLab.sysctlsOf(lab.node().netns());
    sysctls.write("net/ipv4/conf/vxlan.sluice/rp_filter", "1");
    try (HostLedger ledger = HostLedger.open(dataDir)) {
      HostSettings settings = new HostSettings(net, sysctls, ledger);
      settings.prepareTunnel(TunnelDevice.NAME, 1430);
      assertThat(ledger.sysctl("net/ipv4/conf/vxlan.sluice/rp_filter"))
          .contains(new HostLedger.SavedSysctl("net/ipv4/conf/vxlan.sluice/rp_filter", "1", "0"));
      assertThat(sysctls.read("net/ipv4/conf/vxlan.sluice/rp_filter")).contains("0");
      assertThat(sysctls.read("net/ipv6/conf/vxlan.sluice/mtu")).contains("1430");
      TunnelDevice.remove(net);
      assertThat(settings.restoreAll()).isEmpty();
    }
  }

  @Test
  void routesToOtherNodesAreReadAsTheyWereWritten() {
    Link made = ensure(1450);
    TunnelDevice.up(net, made, PORT);
    net.addAddress(made.index(), Ip.parse("10.244.1.0"), 32);
    net.addAddress(made.index(), Ip.parse("fd00:244:1::"), 128);
    int eth0 = lab.nic(net, "eth0").index();
    List<HostRoute> routes =
        List.of(
            new HostRoute(
                Ip.parse("10.244.2.0"), 24, made.index(), Optional.of(Ip.parse("10.244.1.0"))),
            new HostRoute(
                Ip.parse("fd00:244:2::"), 64, made.index(), Optional.of(Ip.parse("fd00:244:1::"))),
            new HostRoute(
                Ip.parse("10.244.3.0"),
                24,
                eth0,
                Optional.of(Ip.parse("192.168.101.3")),
                Optional.of(Ip.parse("192.168.101.2"))),
            new HostRoute(
                Ip.parse("fd00:244:3::"),
                64,
                eth0,
                Optional.of(Ip.parse("fd00:100:1::3")),
                Optional.empty()));
    routes.forEach(route -> assertThat(net.addRoute(route, false)).isTrue());
    assertThat(net.routes()).containsExactlyInAnyOrderElementsOf(routes);
    // From one way to the other in one step.
    HostRoute moved = new HostRoute(Ip.parse("fd00:244:3::"), 64, made.index(), Optional.empty());
    assertThat(net.addRoute(moved, true)).isTrue();
    assertThat(net.routes()).hasSize(4).contains(moved);
    routes.subList(0, 3).forEach(route -> assertThat(net.removeRoute(route)).isTrue());
    assertThat(net.removeRoute(moved)).isTrue();
    assertThat(net.routes()).isEmpty();
  }
}
