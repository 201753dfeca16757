// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tunnel;

import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Settings;

/**
 * The settings of the overlay. All of them apply at once; port and number must be the same on all
 * nodes.
 *
 * @param mtu of what is carried, IPv4, bytes; 0: what fits into the underlay
 * @param mtu6 likewise IPv6
 * @param underlay the pattern of the interfaces that the underlay is made of
 * @param tunnelSource whether this host sends from an address of the overlay; else from its own
 */
public record TunnelSettings(
    int port, int vni, int mtu, int mtu6, String underlay, boolean tunnelSource) {
  public static TunnelSettings of(Settings settings) {
    return new TunnelSettings(
        settings.get(FelixSettings.VXLAN_PORT),
        settings.get(FelixSettings.VXLAN_VNI),
        settings.get(FelixSettings.VXLAN_MTU),
        settings.get(FelixSettings.VXLAN_MTU_V6),
        settings.get(FelixSettings.MTU_IFACE_PATTERN).pattern(),
        settings.get(FelixSettings.OVERLAY_SOURCE) == Choices.OverlaySource.TUNNEL_ADDRESS);
  }
}
