// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.actors.policy.NodePolicy;
import io.sluice.agent.dump.FlowRow;
import io.sluice.agent.dump.MemoryDataplane;
import io.sluice.agent.dump.Names;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SourceBits;
import io.sluice.kernel.layout.SourceKey;
import java.util.List;
import java.util.Optional;

/**
 * A node with two pods, a host interface and a tunnel to a second node with two pods; one service
 * over a pod of each.
 */
final class Node {
  static final int TCP = 6;
  static final int SERVICE = 7;
  static final int PORT = 80;
  static final int NODE_PORT = 30_080;
  static final int BASE = 10;
  private static final int POD1 = 2;
  private static final int POD2 = 3;
  static final int ETH0 = 4;
  private static final int TUNNEL = 5;

  final Family family;
  final MemoryDataplane dataplane = new MemoryDataplane();
  Optional<Boolean> dsr = Optional.of(false);
  int sourcePort;
  String device = "";
  KernelPaths paths = KernelPaths.UNKNOWN;

  Node(Family family) {
    this.family = family;
    int pod = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD;
    int ready = IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6;
    iface(POD1, "cali1", pod | ready, pod(1), 0);
    iface(POD2, "cali2", pod | ready, pod(2), 0);
    int host = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_HOST;
    iface(ETH0, "eth0", host | ready, Ip.any(family), 1500);
    iface(TUNNEL, "vxlan", IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_TUNNEL, pod(0), 0);
    dataplane.node().put(0, new NodeState(1, TUNNEL, 4096, 1450, 1430, Ip.ANY4, Ip.ANY6));
    int local = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL;
    route(pod(1), local, POD1, Ip.any(family));
    route(pod(2), local, POD2, Ip.any(family));
    int remote = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_TUNNELED;
    route(pod(101), remote, 0, host(2));
    route(pod(102), remote, 0, host(2));
    route(host(1), RouteFlags.ROUTE_LOCAL, 0, Ip.any(family));
    route(host(2), 0, 0, host(2));
    service(0, 0);
    frontend(service(), PORT, FrontendFlags.FRONTEND_CLUSTER_IP);
    frontend(balancer(), PORT, FrontendFlags.FRONTEND_LOAD_BALANCER);
    frontend(Ip.any(family), NODE_PORT, FrontendFlags.FRONTEND_NODE_PORT);
    element(0, 1, true);
    element(1, 101, false);
    element(2, 1, true);
  }

  private Ip ip(String four, String six) {
    return Ip.parse(family == Family.IPV4 ? four : six);
  }

  Ip pod(int number) {
    return ip("10.1.0." + number, "fd00:1::" + number);
  }

  Ip host(int number) {
    return ip("192.168.1." + number, "fd00:f::" + number);
  }

  Ip service() {
    return ip("10.96.0.10", "fd00:96::10");
  }

  Ip balancer() {
    return ip("198.51.100.1", "2001:db8:1::1");
  }

  Ip client() {
    return ip("203.0.113.7", "2001:db8:2::7");
  }

  void iface(int index, String name, int flags, Ip address, int mtu) {
    Ip four = family == Family.IPV4 ? address : Ip.ANY4;
    Ip six = family == Family.IPV6 ? address : Ip.ANY6;
    dataplane.ifaces().put(index, new Iface(flags, 0, 0, 0, 0, four, six, name, mtu));
  }

  /** Makes the interface of pod 1 what it is not. */
  void changePod1(int flags) {
    iface(POD1, "cali1", flags, pod(1), 0);
  }

  /** Lets pod 1 send from a network. */
  void allowPod1(Ip network, int prefix) {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD;
    changePod1(
        flags | IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6 | IfaceFlags.IFACE_SOURCES);
    dataplane
        .sources(family)
        .put(new SourceKey(SourceBits.SOURCE_IFINDEX_BITS + prefix, POD1, network), 1);
  }

  void rpf(int flags) {
    int host = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_HOST;
    iface(ETH0, "eth0", host | flags, Ip.any(family), 1500);
  }

  void route(Ip address, int flags, int ifindex, Ip hop) {
    dataplane
        .routes(family)
        .put(new RouteKey(family.bits(), address), new Route(flags, ifindex, hop));
  }

  void frontend(Ip address, int port, int flags) {
    dataplane
        .frontends(family)
        .put(new FrontendKey(address, port, TCP), new Frontend(SERVICE, flags));
  }

  /** Two backends in the cluster's window, one in this node's. */
  void service(int flags, int affinity) {
    service(2, 1, flags, affinity);
  }

  void service(int count, int local, int flags, int affinity) {
    int six = family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0;
    dataplane
        .services()
        .put(
            SERVICE,
            new Service(
                BASE, count, local, flags | six | ServiceFlags.SERVICE_IN_USE, affinity, 1L));
  }

  /** An element of the span, whose ID is the pod's number. */
  void element(int position, int pod, boolean here) {
    int flags = here ? BackendFlags.BACKEND_LOCAL : 0;
    dataplane
        .backends(family)
        .put(BASE + position, new Backend(pod(pod), 8080, flags, SERVICE, pod, 3));
    dataplane.backendGen().put(pod, new BackendGen(3));
  }

  void kill(int pod) {
    dataplane.backendGen().put(pod, new BackendGen(4));
  }

  String backend(int pod) {
    return FlowRow.endpoint(pod(pod), 8080);
  }

  Optional<NodePolicy> policy = Optional.empty();

  Explanation explain(Ip from, Ip to, int port) {
    return new Explainer(dataplane, Names.UNKNOWN, dsr, paths, policy)
        .explain(new Question(from, to, TCP, port, sourcePort, device));
  }

  static List<String> said(Explanation explanation, String topic) {
    return explanation.steps().stream()
        .filter(step -> step.topic().equals(topic))
        .map(Explanation.Step::found)
        .toList();
  }
}
