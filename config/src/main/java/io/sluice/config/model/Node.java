// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

/**
 * v1 Node.
 *
 * @param addresses {@code status.addresses} that are IP addresses, in order
 * @param podCidrs what the node's pods get their addresses from
 * @param leaving it is being deleted, or about to be: new traffic from outside should go elsewhere
 */
public record Node(
    ObjectMeta meta, List<NodeAddress> addresses, List<Cidr> podCidrs, boolean leaving)
    implements Resource {
  /** The cluster autoscaler's taint of a node that it is about to delete. */
  public static final String LEAVING_TAINT = "ToBeDeletedByClusterAutoscaler";

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

  /** One that stays. */
  public Node(ObjectMeta meta, List<NodeAddress> addresses, List<Cidr> podCidrs) {
    this(meta, addresses, podCidrs, false);
  }

  @Override
  public Kind kind() {
    return Kind.NODE;
  }
}
