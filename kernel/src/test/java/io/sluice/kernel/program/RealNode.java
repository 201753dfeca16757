// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.util.Map;

/**
 * A node in a namespace of its own with one pod in another, a real tunnel device, and programs that
 * are attached: what agents set up, by hand. Node 1 and node 2 share a link.
 */
final class RealNode implements AutoCloseable {
  static final int MTU4 = 1450;
  static final int MTU6 = 1430;
  private static final int SLOT = 1;
  private static final int VNI = 4096;

  final TestNetns host = TestNetns.create("tunnel-node");
  final TestNetns pod = TestNetns.create("tunnel-pod");
  private final TestBpffs bpffs = TestBpffs.mount();
  private final int number;
  private final DataplaneLoader dataplane;

  RealNode(int number) {
    this.number = number;
    host.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    host.sh("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
    addPod();
    host.sh(
        ("ip link add vxlan.sluice type vxlan external nolearning dstport 4789;"
                + "ip link set vxlan.sluice arp off mtu %d up")
            .formatted(MTU4));
    DataplaneOptions options =
        DataplaneOptions.defaults(bpffs.path())
            .withMapSizes(Map.of("ct4", 4096, "ct6", 4096, "backends4", 1024, "backends6", 1024));
    dataplane = host.netns().run(() -> DataplaneLoader.open(options));
    configure();
  }

  private void addPod() {
    host.sh(
        ("ip link add p address 02:00:00:00:%1$d:01 type veth"
                + " peer name eth0 address 02:00:00:00:%1$d:02 netns %2$s; ip link set p up")
            .formatted(number, pod.name()));
    pod.sh(
        ("ip link set eth0 up; ip address add 10.244.%1$d.2/32 dev eth0;"
                + "ip address add fd00:244:%1$d::2/128 dev eth0 nodad;"
                + "ip neigh add 169.254.1.1 lladdr 02:00:00:00:%1$d:01 dev eth0;"
                + "ip neigh add fe80::1 lladdr 02:00:00:00:%1$d:01 dev eth0;"
                + "ip route add 169.254.1.1 dev eth0; ip route add default via 169.254.1.1;"
                + "ip -6 route add default via fe80::1 dev eth0")
            .formatted(number));
    host.sh(
        ("ip route add 10.244.%1$d.2 dev p; ip -6 route add fd00:244:%1$d::2 dev p;"
                + "ip neigh add 10.244.%1$d.2 lladdr 02:00:00:00:%1$d:02 dev p;"
                + "ip neigh add fd00:244:%1$d::2 lladdr 02:00:00:00:%1$d:02 dev p")
            .formatted(number));
  }

  /** Links the node with another, and tells either where the other's pods are. */
  void join(RealNode other) {
    host.sh("ip link add u type veth peer name u netns " + other.host.name());
    for (RealNode node : new RealNode[] {this, other}) {
      int peer = 3 - node.number;
      node.host.sh(
          ("ip address add 192.168.100.%1$d/24 dev u;"
                  + "ip address add fd00:100::%1$d/64 dev u nodad; ip link set u up;"
                  + "ip route add 10.244.%2$d.0/24 dev vxlan.sluice;"
                  + "ip -6 route add fd00:244:%2$d::/64 dev vxlan.sluice mtu %3$d")
              .formatted(node.number, peer, MTU6));
      for (Family family : Family.values()) {
        boolean v4 = family == Family.IPV4;
        Ip self = hostAddress(family, node.number);
        node.put(self, family.bits(), RouteFlags.ROUTE_LOCAL, 0, Ip.any(family));
        Ip there = hostAddress(family, peer);
        node.put(there, family.bits(), 0, 0, there);
        int tunneled = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_TUNNELED;
        node.put(podAddress(family, peer), v4 ? 24 : 64, tunneled, 0, there);
      }
    }
  }

  static Ip podAddress(Family family, int node) {
    return Overlay.pod(family, node);
  }

  private static Ip hostAddress(Family family, int node) {
    return Ip.parse((family == Family.IPV4 ? "192.168.100." : "fd00:100::") + node);
  }

  private int index(String name) {
    return Integer.parseInt(host.sh("cat /sys/class/net/" + name + "/ifindex").strip());
  }

  private void put(Ip address, int prefix, int flags, int ifindex, Ip nextHop) {
    dataplane
        .routes(address.family())
        .put(new RouteKey(prefix, address.masked(prefix)), new Route(flags, ifindex, nextHop));
  }

  private void configure() {
    PolicyProgram allow = PolicyProgram.of("allow", PolicyPrograms.allowAll());
    dataplane.setPolicy(SluiceHook.HOOK_IN, SLOT, allow);
    dataplane.setPolicy(SluiceHook.HOOK_OUT, SLOT, allow);
    int p = index("p");
    int tunnel = index("vxlan.sluice");
    Ip pod4 = podAddress(Family.IPV4, number);
    Ip pod6 = podAddress(Family.IPV6, number);
    dataplane
        .ifaces()
        .put(p, new Iface(ChainHarness.USUAL_FLAGS, SLOT, SLOT, 0, 0, pod4, pod6, "p", 0));
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_TUNNEL;
    dataplane
        .ifaces()
        .put(tunnel, new Iface(flags, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6, "vxlan.sluice", 0));
    int local = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL;
    put(pod4, 32, local, p, Ip.ANY4);
    put(pod6, 128, local, p, Ip.ANY6);
    dataplane.node().put(0, new NodeState(1, tunnel, VNI, MTU4, MTU6, Ip.ANY4, Ip.ANY6));
    host.netns()
        .run(
            () -> {
              dataplane.attach("p", p);
              return dataplane.attach("vxlan.sluice", tunnel);
            });
  }

  /** Packets so far, by hook and reason. */
  long counted(int hook, int reason) {
    return dataplane.counters().stream()
        .filter(row -> row.hook() == hook && row.reason() == reason)
        .mapToLong(row -> row.value().packets())
        .sum();
  }

  @Override
  public void close() {
    dataplane.close();
    host.close();
    pod.close();
    bpffs.close();
  }
}
