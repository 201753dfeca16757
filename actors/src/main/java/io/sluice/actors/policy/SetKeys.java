// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.IpSetBits;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.IpSet.Member;
import io.sluice.kernel.policy.IpSet.NetMember;
import io.sluice.kernel.policy.IpSet.PortMember;
import java.util.HashSet;
import java.util.Set;

/** Members of IP sets as keys of {@code ip_sets4/6}. */
final class SetKeys {
  private SetKeys() {}

  static IpSetKey of(long set, Member member) {
    if (member instanceof PortMember port) {
      Ip address = port.address();
      int bits = IpSetBits.IP_SET_ID_BITS + address.family().bits() + IpSetBits.IP_SET_PORT_BITS;
      return key(set, bits, address, port.port(), port.protocol());
    }
    NetMember net = (NetMember) member;
    int bits = IpSetBits.IP_SET_ID_BITS + net.net().prefix();
    return key(set, bits, net.net().address(), 0, 0);
  }

  private static IpSetKey key(long set, int bits, Ip address, int port, int protocol) {
    return new IpSetKey(bits, (int) (set >>> Integer.SIZE), (int) set, address, port, protocol);
  }

  /** The set that a key is of. */
  static long set(IpSetKey key) {
    return (long) key.set0() << Integer.SIZE | Integer.toUnsignedLong(key.set1());
  }

  static Family family(Member member) {
    return member instanceof PortMember port
        ? port.address().family()
        : ((NetMember) member).net().family();
  }

  /** The keys of all members. */
  static Set<IpSetKey> all(IpSet set) {
    Set<IpSetKey> keys = new HashSet<>();
    set.members().forEach(member -> keys.add(of(set.id(), member)));
    return keys;
  }
}
