// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Ip;

/**
 * What is known of the way to a neighbour on a link (ARP, NDP).
 *
 * @param ifindex the link
 * @param address the neighbour's address
 * @param mac its Ethernet address; {@link Mac#ZERO} if not known
 * @param state NUD_* bits
 * @param flags NTF_* bits
 * @param protocol who set it, {@link Route#PROTOCOL_SLUICE} for us; 0 for the kernel
 */
public record Neighbour(int ifindex, Ip address, Mac mac, int state, int flags, int protocol) {
  /** NUD_INCOMPLETE: being asked for. */
  public static final int STATE_INCOMPLETE = 0x01;

  /** NUD_REACHABLE: answered lately. */
  public static final int STATE_REACHABLE = 0x02;

  /** NUD_STALE: answered once. */
  public static final int STATE_STALE = 0x04;

  /** NUD_FAILED: asked for in vain. */
  public static final int STATE_FAILED = 0x20;

  /** NUD_NOARP: needs no asking. */
  public static final int STATE_NOARP = 0x40;

  /** NUD_PERMANENT: set by hand, never expires. */
  public static final int STATE_PERMANENT = 0x80;

  /** One of ours that never expires and is never asked for. */
  public static Neighbour permanent(int ifindex, Ip address, Mac mac) {
    return new Neighbour(ifindex, address, mac, STATE_PERMANENT, 0, Route.PROTOCOL_SLUICE);
  }

  public boolean isPermanent() {
    return (state & STATE_PERMANENT) != 0;
  }

  /** Set by an agent, of this or an earlier run. */
  public boolean isOurs() {
    return protocol == Route.PROTOCOL_SLUICE;
  }

  @Override
  public String toString() {
    return address + " at " + mac + " on interface " + ifindex;
  }
}
