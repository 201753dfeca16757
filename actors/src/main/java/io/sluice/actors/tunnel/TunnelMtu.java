// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tunnel;

import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.routes.TunnelNeed;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.net.Link;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;

/**
 * How large packets in the tunnel may be. Pure.
 *
 * @param underlay the smallest MTU of the interfaces below
 * @param mtu4 of IPv4 packets, and of the device
 * @param mtu6 of IPv6 packets, not more than the other: the device has one MTU only
 */
record TunnelMtu(int underlay, int mtu4, int mtu6) {
  /** Outer IPv4, UDP, VXLAN and inner Ethernet header. */
  static final int OVERHEAD4 = 20 + 8 + 8 + 14;

  /** The same with outer IPv6, in which IPv6 packets travel. */
  static final int OVERHEAD6 = 40 + 8 + 8 + 14;

  /** The smallest MTU with which there is IPv6. */
  static final int LEAST6 = 1280;

  private static final int USUAL = 1500;

  /**
   * The underlay is what the setting's pattern names and what bears this node's addresses.
   *
   * @param links of this host
   */
  static TunnelMtu of(TunnelSettings settings, TunnelNeed need, Collection<Link> links) {
    Pattern pattern = Pattern.compile(settings.underlay());
    int underlay =
        links.stream()
            .filter(link -> link.isUp() && !link.name().equals(TunnelDevice.NAME))
            .filter(
                link ->
                    pattern.matcher(link.name()).find() || need.underlay().contains(link.index()))
            .mapToInt(Link::mtu)
            .min()
            .orElse(USUAL);
    int mtu4 = settings.mtu() > 0 ? settings.mtu() : underlay - OVERHEAD4;
    int mtu6 = settings.mtu6() > 0 ? settings.mtu6() : underlay - OVERHEAD6;
    return new TunnelMtu(underlay, mtu4, Math.min(mtu4, mtu6));
  }

  /** What the device is given for IPv6: the kernel takes no less. */
  int device6() {
    return Math.max(LEAST6, mtu6);
  }

  /** What of it does not work out, a line each. */
  List<String> problems(TunnelNeed need) {
    List<String> problems = new ArrayList<>();
    check("vxlanMTU", mtu4, underlay - OVERHEAD4, need.families().contains(Family.IPV4), problems);
    check(
        "vxlanMTUV6", mtu6, underlay - OVERHEAD6, need.families().contains(Family.IPV6), problems);
    if (mtu6 < LEAST6 && need.families().contains(Family.IPV6)) {
      problems.add(
          "the tunnel's MTU for IPv6 is %d, and IPv6 needs %d: the underlay (MTU %d) is too small"
              .formatted(mtu6, LEAST6, underlay));
    }
    return problems;
  }

  private void check(String setting, int mtu, int most, boolean needed, List<String> problems) {
    if (needed && mtu > most) {
      problems.add(
          "%s is %d, but the underlay (MTU %d) takes packets of %d bytes at most: larger ones are lost"
              .formatted(setting, mtu, underlay, most));
    }
  }
}
