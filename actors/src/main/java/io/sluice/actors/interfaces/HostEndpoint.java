// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.config.settings.Choices;
import io.sluice.kernel.layout.IfaceFlags;

/**
 * A host endpoint as its interface is to be set up: a link to the world, or loopback.
 *
 * @param more flags of its element beside those of every host endpoint
 * @param mtu of the link, bytes
 * @param policedIn whether there is policy for what enters the host by it
 * @param policedOut whether there is policy for what leaves the host by it
 * @param untracked whether XDP has a policy to ask before that for what enters
 */
public record HostEndpoint(
    int more, int mtu, boolean policedIn, boolean policedOut, boolean untracked)
    implements Endpoint {
  private static final int ALWAYS =
      IfaceFlags.IFACE_CONFIGURED
          | IfaceFlags.IFACE_HOST
          | IfaceFlags.IFACE_READY4
          | IfaceFlags.IFACE_READY6;

  /** Without policy. */
  public HostEndpoint(int more, int mtu) {
    this(more, mtu, false, false, false);
  }

  /** XDP says nothing of those whose packets the kernel is to track, whatever it would (XDP-2). */
  HostEndpoint withPolicy(boolean in, boolean out, boolean beforehand) {
    boolean forced = (more & IfaceFlags.IFACE_FORCE_TRACK) != 0;
    return new HostEndpoint(more, mtu, in, out, in && beforehand && !forced);
  }

  boolean isPoliced() {
    return policedIn || policedOut;
  }

  /** All flags of its element. */
  int flags() {
    return ALWAYS | more | (untracked ? IfaceFlags.IFACE_UNTRACKED : 0);
  }

  public boolean isLoopback() {
    return (more & IfaceFlags.IFACE_LOOPBACK) != 0;
  }

  /** How sources of what comes in by it are checked. */
  public Choices.Rpf rpf() {
    if ((more & IfaceFlags.IFACE_RPF_STRICT) != 0) {
      return Choices.Rpf.STRICT;
    }
    return (more & IfaceFlags.IFACE_RPF_LOOSE) != 0 ? Choices.Rpf.LOOSE : Choices.Rpf.DISABLED;
  }

  @Override
  public int kind() {
    return IfaceFlags.IFACE_HOST;
  }

  @Override
  public String ofWhom() {
    return "";
  }
}
