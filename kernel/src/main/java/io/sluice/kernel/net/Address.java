// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;

/**
 * An address of an interface.
 *
 * @param ifindex whose it is
 * @param address the local address
 * @param prefix length of the subnet's prefix in bits
 * @param scope RT_SCOPE_*: how far the address is valid
 * @param flags IFA_F_* bits
 * @param protocol who set it, {@link Route#PROTOCOL_SLUICE} for us; 0 if unknown, and always before
 *     Linux 5.18, which neither stores nor tells it
 */
public record Address(int ifindex, Ip address, int prefix, int scope, int flags, int protocol) {
  /** IFA_F_NODAD: usable at once, without looking for duplicates (IPv6). */
  public static final int FLAG_NODAD = 0x02;

  /** IFA_F_PERMANENT: does not expire. The kernel sets it. */
  public static final int FLAG_PERMANENT = 0x80;

  /** IFA_F_TENTATIVE: not usable yet, duplicates are being looked for (IPv6). */
  public static final int FLAG_TENTATIVE = 0x40;

  /** IFA_F_NOPREFIXROUTE: the kernel makes no route for the subnet. */
  public static final int FLAG_NOPREFIXROUTE = 0x200;

  /**
   * One of ours, permanent, with no search for duplicates and the scope that the address implies.
   */
  public static Address of(int ifindex, Ip address, int prefix) {
    boolean six = address.family() == Family.IPV6;
    boolean linkLocal =
        six ? address.high() >>> 54 == 0xfe80 >>> 6 : address.low() >>> 16 == 0xa9fe;
    return new Address(
        ifindex,
        address,
        prefix,
        linkLocal ? Route.SCOPE_LINK : Route.SCOPE_UNIVERSE,
        six ? FLAG_PERMANENT | FLAG_NODAD : FLAG_PERMANENT,
        Route.PROTOCOL_SLUICE);
  }

  @Override
  public String toString() {
    return address + "/" + prefix + " on interface " + ifindex;
  }
}
