// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Ip;
import java.util.Set;

/**
 * Many addresses, or many (address, protocol, port), under an ID in the map {@code ip_sets4/6}.
 *
 * @param id never 0; made from {@code definition} alone, so that it is the same after a restart,
 *     and never another set's
 * @param definition what it is a set of, for people: {@code selector ...}
 * @param members of both families
 */
public record IpSet(long id, String definition, Set<Member> members) {
  /** One element. */
  public sealed interface Member {}

  /** All addresses of a network. */
  public record NetMember(Net net) implements Member {}

  /** One port of one address. */
  public record PortMember(Ip address, int protocol, int port) implements Member {}

  public IpSet {
    members = Set.copyOf(members);
  }
}
