// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.settings.Choices;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Mac;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostEndpointsTest {
  private static final String PATTERN = "^((en|wl|ww|sl|ib)[Popsx].*|(eth|wlan|wwan|bond).*)";

  private static InterfaceSettings settings(Choices.Rpf rpf) {
    return new InterfaceSettings(List.of("cali", "ethpod"), false, PATTERN, rpf);
  }

  private static Link link(int index, String name, int master) {
    Mac mac = name.equals("lo") || name.equals("slx0") ? Mac.ZERO : Mac.parse("02:00:00:00:00:01");
    return new Link(index, name, "", mac, 1500 + index, 1, 6, 0, -1, master, "", null);
  }

  private static HostEndpoints of(Link... links) {
    return HostEndpoints.of(List.of(links), settings(Choices.Rpf.LOOSE));
  }

  @Test
  void thePatternAndLoopbackCount() {
    HostEndpoints found =
        of(
            link(1, "lo", 0),
            link(2, "eth0", 0),
            link(3, "ens3", 0),
            link(4, "docker0", 0),
            link(5, "cali1", 0),
            link(6, "ethpod7", 0),
            link(7, "vxlan.sluice", 0));
    assertThat(found.byNic()).containsOnlyKeys("lo", "eth0", "ens3");
    assertThat(found.byNic().get("eth0").mtu()).isEqualTo(1502);
    assertThat(found.refusals()).isEmpty();
  }

  @Test
  void theTunnelIsNoneWhateverThePatternSays() {
    InterfaceSettings all =
        new InterfaceSettings(List.of("cali"), false, ".*", Choices.Rpf.DISABLED);
    assertThat(HostEndpoints.of(List.of(link(7, "vxlan.sluice", 0)), all).byNic()).isEmpty();
  }

  @Test
  void aBondStandsForItsLinksAndABridgeForNone() {
    HostEndpoints found =
        of(
            link(2, "eth0", 4),
            link(3, "eth1", 4),
            link(4, "bond0", 0),
            link(5, "eth2", 6),
            link(6, "br0", 0));
    assertThat(found.byNic()).containsOnlyKeys("bond0", "eth2");
  }

  @Test
  void aLinkWithoutEthernetHeaderIsRefused() {
    HostEndpoints found = of(link(2, "slx0", 0));
    assertThat(found.byNic()).isEmpty();
    assertThat(found.refusals()).singleElement().asString().contains("slx0 has no Ethernet header");
  }

  @Test
  @Tag("INV-XDP-2")
  void whatTheKernelIsToTrackIsNamedOrBeginsSo() {
    InterfaceSettings forcing =
        new InterfaceSettings(
            List.of("cali"), false, ".*", Choices.Rpf.DISABLED, List.of("docker+", "eth1"));
    HostEndpoints found =
        HostEndpoints.of(
            List.of(
                link(2, "docker0", 0), link(3, "dock", 0), link(4, "eth1", 0), link(5, "eth10", 0)),
            forcing);
    assertThat(
            found.byNic().entrySet().stream()
                .filter(e -> (e.getValue().flags() & IfaceFlags.IFACE_FORCE_TRACK) != 0)
                .map(java.util.Map.Entry::getKey))
        .containsExactly("docker0", "eth1");
  }

  @ParameterizedTest
  @CsvSource({"DISABLED, 0", "STRICT, 1024", "LOOSE, 2048"})
  void theCheckOfSourcesIsAFlagAndNotOfLoopback(Choices.Rpf rpf, int flag) {
    HostEndpoints found =
        HostEndpoints.of(List.of(link(1, "lo", 0), link(2, "eth0", 0)), settings(rpf));
    int always =
        IfaceFlags.IFACE_CONFIGURED
            | IfaceFlags.IFACE_HOST
            | IfaceFlags.IFACE_READY4
            | IfaceFlags.IFACE_READY6;
    assertThat(found.byNic().get("eth0").flags()).isEqualTo(always | flag);
    assertThat(found.byNic().get("lo").flags()).isEqualTo(always | IfaceFlags.IFACE_LOOPBACK);
  }
}
