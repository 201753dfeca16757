// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Netns;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Interfaces, addresses, routes and neighbours of one network namespace, over rtnetlink.
 *
 * <p>Thread-safe: requests are made one after the other. Every method waits for the kernel's
 * answer. A refusal is a {@link KernelException} with errno, what was asked, and the kernel's own
 * words about the cause where it has any. Interfaces are named by their index, which no renaming
 * changes.
 */
public final class Netlink implements AutoCloseable {
  private static final int NAME_BYTES = 15;

  private final NetlinkSocket socket;

  private Netlink(NetlinkSocket socket) {
    this.socket = socket;
  }

  /** For the calling thread's network namespace. */
  public static Netlink open() {
    return new Netlink(new NetlinkSocket(0, 0));
  }

  /** For another network namespace, which may be closed afterwards. */
  public static Netlink open(Netns netns) {
    return netns.run(Netlink::open);
  }

  /** All interfaces. */
  public List<Link> links() {
    return socket.dump("list interfaces", LinkCodec.dump(), LinkCodec::parse);
  }

  /**
   * The interface of that name now, if there is one. Kernels from 5.5 also know it by its
   * alternative names; what is returned has the first.
   */
  public Optional<Link> link(String name) {
    if (name.isEmpty() || name.getBytes(StandardCharsets.UTF_8).length > NAME_BYTES) {
      return Optional.empty(); // the kernel takes no such name
    }
    return unless(
        Errno.ENODEV,
        () -> socket.get("get interface " + name, LinkCodec.get(name), LinkCodec::parse));
  }

  /** The interface of that index, if there is one. */
  public Optional<Link> link(int index) {
    return unless(
        Errno.ENODEV,
        () -> socket.get("get interface " + index, LinkCodec.get(index), LinkCodec::parse));
  }

  /**
   * Creates a pair of virtual Ethernet interfaces, both down.
   *
   * @param name one end, here
   * @param mtu in bytes, 0 for the default
   * @param peer the other end
   * @return the end that is here
   * @throws KernelException with EEXIST if a name is taken
   */
  public Link createVeth(String name, int mtu, String peer) {
    return create(name, LinkCodec.createVeth(name, mtu, peer, -1));
  }

  /** Like the other, with the peer in another namespace from its first moment. */
  public Link createVeth(String name, int mtu, String peer, Netns peerNetns) {
    return create(name, LinkCodec.createVeth(name, mtu, peer, peerNetns.fd()));
  }

  /**
   * Creates a flow-based VXLAN device, down: VNI and peer come with each packet, for both families.
   * It learns nothing, and takes UDP without checksum over IPv6, too, as it always does over IPv4:
   * the sender decides, by the packet's tunnel key.
   *
   * @param port UDP port
   * @param mtu of what it carries, in bytes, 0 for the default
   * @throws KernelException with EEXIST if the name, or on a device that is up the port, is taken
   */
  public Link createVxlan(String name, int port, int mtu) {
    return create(name, LinkCodec.createVxlan(name, port, mtu));
  }

  private Link create(String name, MessageWriter message) {
    socket.request("create interface " + name, message);
    return link(name).orElseThrow(() -> Errno.failure("get new interface " + name, Errno.ENODEV));
  }

  /**
   * Deletes an interface, and with it its peer, addresses, routes, neighbours and programs.
   *
   * @return false if there was none
   */
  public boolean deleteLink(int index) {
    return unless(
            Errno.ENODEV,
            () -> {
              socket.request("delete interface " + index, LinkCodec.delete(index));
              return true;
            })
        .orElse(false);
  }

  /** Sets an interface up or down. */
  public void setUp(int index, boolean up) {
    socket.request(
        "set interface " + index + (up ? " up" : " down"),
        LinkCodec.change(index, up ? Link.FLAG_UP : 0, Link.FLAG_UP));
  }

  public void setMtu(int index, int mtu) {
    socket.request(
        "set MTU of interface " + index + " to " + mtu,
        LinkCodec.change(index, 0, 0).attribute(LinkCodec.IFLA_MTU, mtu));
  }

  /**
   * Sets whether an interface asks for neighbours. Without, each packet goes to the interface's own
   * address, in both families (IFF_NOARP).
   */
  public void setArp(int index, boolean arp) {
    socket.request(
        "set interface " + index + " arp " + (arp ? "on" : "off"),
        LinkCodec.change(index, arp ? 0 : Link.FLAG_NOARP, Link.FLAG_NOARP));
  }

  public void setMac(int index, Mac mac) {
    socket.request(
        "set address of interface " + index + " to " + mac,
        LinkCodec.change(index, 0, 0).attribute(LinkCodec.IFLA_ADDRESS, mac.bytes()));
  }

  /** Renames an interface, which older kernels (before 6.2) allow only while it is down. */
  public void rename(int index, String name) {
    socket.request(
        "rename interface " + index + " to " + name,
        LinkCodec.change(index, 0, 0).attribute(LinkCodec.IFLA_IFNAME, name));
  }

  /** Sets the free text (ifalias) that says whose the interface is. */
  public void setAlias(int index, String alias) {
    socket.request(
        "set alias of interface " + index,
        LinkCodec.change(index, 0, 0).attribute(LinkCodec.IFLA_IFALIAS, alias));
  }

  /** Moves an interface to another namespace, where it arrives down and maybe with a new index. */
  public void moveTo(int index, Netns netns) {
    socket.request(
        "move interface " + index + " to " + netns,
        LinkCodec.change(index, 0, 0).attribute(LinkCodec.IFLA_NET_NS_FD, netns.fd()));
  }

  /** Every address of every interface, both families. */
  public List<Address> addresses() {
    return addresses(0);
  }

  /** The addresses of an interface, both families; none if there is no such interface. */
  public List<Address> addresses(int ifindex) {
    return unless(
            Errno.ENODEV,
            () -> socket.dump("list addresses", AddressCodec.dump(ifindex), AddressCodec::parse))
        .orElse(List.of());
  }

  /**
   * Adds an address, or gives the one that is there the flags and life time of this.
   *
   * @throws KernelException with ENODEV if there is no such interface
   */
  public void putAddress(Address address) {
    socket.request("put address " + address, AddressCodec.add(address, true));
  }

  /**
   * Removes an address.
   *
   * @return false if it, or the interface, was not there
   */
  public boolean deleteAddress(Address address) {
    return delete("delete address " + address, AddressCodec.delete(address));
  }

  /** Routes of one family, by the kernel's own choice. */
  public List<Route> routes(RouteFilter filter) {
    return unless(
            Errno.ENOENT, // an IPv4 table that was never written
            () -> socket.dump("list routes", RouteCodec.dump(filter), RouteCodec::parse))
        .orElse(List.of());
  }

  /**
   * Adds a route.
   *
   * @throws KernelException with EEXIST if one of the same destination, table and priority is there
   */
  public void addRoute(Route route) {
    socket.request("add route " + route, RouteCodec.add(route, false));
  }

  /**
   * Adds a route, or atomically replaces the one of the same destination, table and priority,
   * whoever set that.
   */
  public void replaceRoute(Route route) {
    socket.request("replace route " + route, RouteCodec.add(route, true));
  }

  /**
   * Removes a route that matches in everything that is given, the protocol included: a route of
   * another owner stays.
   *
   * @return false if there was none
   */
  public boolean deleteRoute(Route route) {
    return delete("delete route " + route, RouteCodec.delete(route));
  }

  /**
   * The neighbours of one family.
   *
   * @param ifindex 0 for those of all interfaces
   */
  public List<Neighbour> neighbours(Family family, int ifindex) {
    return unless(
            Errno.ENODEV,
            () ->
                socket.dump(
                    "list neighbours", NeighbourCodec.dump(family, ifindex), NeighbourCodec::parse))
        .orElse(List.of());
  }

  /** Adds a neighbour, or replaces what is known of it. */
  public void replaceNeighbour(Neighbour neighbour) {
    socket.request("replace neighbour " + neighbour, NeighbourCodec.add(neighbour, true));
  }

  /**
   * Forgets a neighbour.
   *
   * @return false if it was not known
   */
  public boolean deleteNeighbour(Neighbour neighbour) {
    return delete("delete neighbour " + neighbour, NeighbourCodec.delete(neighbour));
  }

  /** Returns false if what is to go is not there. */
  private boolean delete(String what, MessageWriter message) {
    try {
      socket.request(what, message);
      return true;
    } catch (KernelException e) {
      return switch (e.errno()) {
        case Errno.ENOENT, Errno.ESRCH, Errno.ENODEV, Errno.EADDRNOTAVAIL -> false;
        default -> throw e;
      };
    }
  }

  /** The filters on an interface's clsact, in their order; none if it has no clsact. */
  public List<TcFilter> clsactFilters(int index, boolean ingress) {
    return socket.dump(
        "list filters of interface " + index,
        TcFilterCodec.dump(index, ingress),
        message -> TcFilterCodec.parse(message, ingress));
  }

  /** The queueing disciplines at the roots of all interfaces. */
  public List<RootQdisc> rootQdiscs() {
    return socket.dump("list queueing disciplines", QdiscCodec.dump(), QdiscCodec::parse);
  }

  /**
   * Puts a token bucket filter at an interface's root, or changes the one of this handle.
   *
   * @param rate bytes a second
   * @param burst bytes
   * @param limit bytes that may wait
   * @throws KernelException EEXIST or EINVAL, if another discipline is there
   */
  public void putTbf(int ifindex, int handle, long rate, long burst, long limit) {
    socket.request(
        "put a token bucket filter on interface " + ifindex,
        QdiscCodec.putTbf(ifindex, handle, rate, burst, limit));
  }

  /**
   * Has the kernel's default take the place of a discipline at an interface's root.
   *
   * @return false if none of this handle is there
   */
  public boolean deleteRootQdisc(int ifindex, int handle) {
    // Another handle is there, or the kernel's own: EINVAL.
    return unless(
            Errno.EINVAL,
            () ->
                delete(
                    "delete the queueing discipline of interface " + ifindex,
                    QdiscCodec.delete(ifindex, handle)))
        .orElse(false);
  }

  private static <T> Optional<T> unless(int errno, Supplier<T> call) {
    try {
      return Optional.of(call.get());
    } catch (KernelException e) {
      if (e.errno() == errno) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
