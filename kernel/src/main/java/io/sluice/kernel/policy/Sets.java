// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.IpSet.NetMember;
import io.sluice.kernel.policy.IpSet.PortMember;
import java.util.Map;

/** Answers what a program would find in {@code ip_sets4/6}. */
@FunctionalInterface
public interface Sets {
  /** Where no set is. */
  Sets NONE = (set, address, protocol, port) -> false;

  /**
   * Whether a set has an end of a packet: its address, by a network, or exactly its address,
   * protocol and port. A set that does not exist has none.
   *
   * @param port 0 for protocols without ports
   */
  boolean has(long set, Ip address, int protocol, int port);

  /** Over values; what one look-up costs grows with the number of prefix lengths alone. */
  static Sets of(Map<Long, IpSet> sets) {
    return (id, address, protocol, port) -> {
      IpSet set = sets.get(id);
      if (set == null) {
        return false;
      }
      if (set.members().contains(new PortMember(address, protocol, port))) {
        return true;
      }
      for (int prefix = address.family().bits(); prefix >= 0; prefix--) {
        if (set.members().contains(new NetMember(new Net(address.masked(prefix), prefix)))) {
          return true;
        }
      }
      return false;
    };
  }
}
