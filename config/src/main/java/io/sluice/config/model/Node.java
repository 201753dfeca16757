// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

/**
 * v1 Node.
 *
 * @param addresses {@code status.addresses} that are IP addresses, in order
 * @param podCidrs what the node's pods get their addresses from
 */
public record Node(ObjectMeta meta, List<NodeAddress> addresses, List<Cidr> podCidrs)
    implements Resource {
  /** What an address of a node is for. */
  public enum AddressType {
    INTERNAL_IP("InternalIP"),
    EXTERNAL_IP("ExternalIP");

    private final String wireName;

    AddressType(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  /** One address of a node. */
  public record NodeAddress(AddressType type, IpAddress address) {}

  public Node {
    addresses = List.copyOf(addresses);
    podCidrs = List.copyOf(podCidrs);
  }

  @Override
  public Kind kind() {
    return Kind.NODE;
  }
}
