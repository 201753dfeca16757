// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import java.util.Optional;
import java.util.Set;

/**
 * A network interface as the kernel describes it.
 *
 * @param index ifindex, unique in its namespace while the interface lives
 * @param name its name, at most 15 bytes
 * @param kind "veth", "vxlan", "bridge"…; empty for hardware and loopback
 * @param mac its address; {@link Mac#ZERO} if it has none of Ethernet's length
 * @param mtu in bytes
 * @param flags IFF_* bits
 * @param operState IF_OPER_* (RFC 2863): 6 is up
 * @param linkIndex ifindex of the peer or the device below, in the namespace {@code linkNetnsId}
 *     tells; 0 for none
 * @param linkNetnsId the kernel's ID of the peer's namespace, -1 if it is the same one
 * @param masterIndex ifindex of the bridge, bond or VRF that it belongs to; 0 for none
 * @param alias the free text that ifalias shows; empty for none
 * @param vxlan the shape of a VXLAN device, null for all others
 */
public record Link(
    int index,
    String name,
    String kind,
    Mac mac,
    int mtu,
    int flags,
    int operState,
    int linkIndex,
    int linkNetnsId,
    int masterIndex,
    String alias,
    Vxlan vxlan) {

  /** IFF_UP: administratively up. */
  public static final int FLAG_UP = 1;

  /** IFF_LOOPBACK. */
  public static final int FLAG_LOOPBACK = 1 << 3;

  /** IFF_RUNNING: operational. */
  public static final int FLAG_RUNNING = 1 << 6;

  /** IFF_NOARP: neighbours are not asked for, each has the device's own address. */
  public static final int FLAG_NOARP = 1 << 7;

  /** IFF_LOWER_UP: has a carrier. */
  public static final int FLAG_LOWER_UP = 1 << 16;

  /**
   * The shape of a VXLAN device: what cannot be changed while it lives.
   *
   * @param vni its network identifier; 0 when it takes it from each packet
   * @param port UDP destination port, host order
   * @param collectMetadata whether each packet brings its tunnel key ("external", flow-based)
   * @param learning whether it learns where addresses are from what arrives
   * @param zeroChecksum6 whether it takes UDP over IPv6 without a checksum
   * @param others further options that are set, by iproute2's names: a remote, a VNI filter…
   */
  public record Vxlan(
      int vni,
      int port,
      boolean collectMetadata,
      boolean learning,
      boolean zeroChecksum6,
      Set<String> others) {
    public Vxlan {
      others = Set.copyOf(others);
    }

    /** What {@link Netlink#createVxlan} makes. */
    public static Vxlan flowBased(int port) {
      return new Vxlan(0, port, true, false, true, Set.of());
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("port ").append(port);
      text.append(collectMetadata ? ", flow-based" : ", vni " + vni);
      text.append(learning ? ", learning" : "");
      text.append(zeroChecksum6 ? "" : ", noudp6zerocsumrx");
      others.stream().sorted().forEach(option -> text.append(", ").append(option));
      return text.toString();
    }
  }

  /** Administratively up. */
  public boolean isUp() {
    return (flags & FLAG_UP) != 0;
  }

  /** Up and operational: what is sent on it can arrive. */
  public boolean isRunning() {
    return (flags & FLAG_RUNNING) != 0;
  }

  public boolean isLoopback() {
    return (flags & FLAG_LOOPBACK) != 0;
  }

  /** Whether it has neighbours to ask for. */
  public boolean isArp() {
    return (flags & FLAG_NOARP) == 0;
  }

  public boolean isVeth() {
    return kind.equals("veth");
  }

  /** The shape, if it is a VXLAN device. */
  public Optional<Vxlan> asVxlan() {
    return Optional.ofNullable(vxlan);
  }
}
