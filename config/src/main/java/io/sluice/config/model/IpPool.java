// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

/**
 * projectcalico.org/v3 IPPool.
 *
 * @param natOutgoing whether traffic from the pool to outside all pools gets the node's address
 * @param nodeSelector which nodes take addresses from it
 * @param blockSize prefix length of the blocks that nodes take
 */
public record IpPool(
    ObjectMeta meta,
    Cidr cidr,
    VxlanMode vxlanMode,
    boolean natOutgoing,
    boolean disabled,
    String nodeSelector,
    int blockSize)
    implements Resource {
  /** When traffic to the pool is encapsulated. */
  public enum VxlanMode {
    NEVER("Never"),
    CROSS_SUBNET("CrossSubnet"),
    ALWAYS("Always");

    private final String wireName;

    VxlanMode(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String toString() {
      return wireName;
    }
  }

  @Override
  public Kind kind() {
    return Kind.IP_POOL;
  }
}
