// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.agent.dump.FlowRow;
import io.sluice.agent.dump.Names;
import io.sluice.agent.dump.RouteTable;
import io.sluice.agent.explain.Explanation.Candidate;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import java.util.Optional;

/** How a packet gets to where it is to go, as the programs place it. */
final class Placement {
  /** How a packet travels; {@code mtu} 0: no program knows. */
  private record Way(String node, String path, String reply, int mtu, String reason) {
    static Way here(String path, String reply) {
      return new Way("", path, reply, 0, "");
    }

    static Way dropped(String path, String reason) {
      return new Way("", path, "", 0, reason);
    }
  }

  private final Dataplane dataplane;
  private final Names names;
  private final RouteTable routes;
  private final Optional<Boolean> dsr;
  private final Question question;
  private final Entrance entrance;
  private final Optional<NodeState> node;

  /**
   * @param dsr whether bpfExternalServiceMode is DSR; empty: nobody knows
   */
  Placement(
      Dataplane dataplane,
      Names names,
      RouteTable routes,
      Optional<Boolean> dsr,
      Question question,
      Entrance entrance) {
    this.dataplane = dataplane;
    this.names = names;
    this.routes = routes;
    this.dsr = dsr;
    this.question = question;
    this.entrance = entrance;
    this.node = dataplane.node().get(0);
  }

  /** A backend. */
  Candidate backend(Ip address, int port, double share) {
    Way way = toBackend(address);
    return candidate(address, port, share, way);
  }

  /** The destination itself, for no service has it. */
  Candidate destination() {
    return candidate(question.destination(), question.port(), 100, toDestination());
  }

  private static Candidate candidate(Ip address, int port, double share, Way way) {
    return new Candidate(
        FlowRow.endpoint(address, port),
        Math.round(share * 1000) / 1000.0,
        way.node(),
        way.path(),
        way.reply(),
        way.mtu(),
        way.reason());
  }

  private Way toBackend(Ip address) {
    Optional<Route> route = routes.find(address);
    if (entrance.kind() == Entrance.Kind.POD) {
      return fromPod(address, route, true);
    }
    if (Entrance.isRemote(route)) {
      return forwarded(route.orElseThrow());
    }
    if (Entrance.isLocalWorkload(route)) {
      return toPod(route.orElseThrow(), replyFromHere());
    }
    if (Entrance.isLocalHost(route)) {
      return Way.here(
          entrance.kind() == Entrance.Kind.HOST ? "loopback" : "host stack, to this node itself",
          replyFromHere());
    }
    return entrance.kind() == Entrance.Kind.HOST
        ? Way.here("out by the host's routes", "as it went, translated back")
        : Way.here(
            "out by the host's routes, with this node's address: no node of the cluster has it",
            "by way of this node");
  }

  private String replyFromHere() {
    return entrance.kind() == Entrance.Kind.OUTSIDE
        ? "out by the host interface, with the service's address"
        : "translated back on this node";
  }

  /** By the forwarding network: the backend's node translates (DSR-2). */
  private Way forwarded(Route route) {
    String to = names.node(route.nextHop());
    if (node.map(NodeState::tunnelIfindex).orElse(0) == 0) {
      return new Way(to, "by the tunnel, which is not there", "", 0, "no_tunnel_route");
    }
    return new Way(
        to,
        "forwarded by the tunnel, translated there, to one of that node's own backends",
        entrance.kind() == Entrance.Kind.OUTSIDE ? replyToOutside() : "by the tunnel, back to here",
        tunnelMtu(),
        "");
  }

  private String replyToOutside() {
    boolean optedOut = optOut().isPresent();
    boolean direct = !Entrance.isClusterHost(routes.find(question.source())) && !optedOut;
    if (!direct || dsr.filter(on -> !on).isPresent()) {
      return "by the tunnel, and out by this node"
          + (optedOut ? " (bpfDSROptoutCIDRs: " + optOut().get() + ")" : "");
    }
    return dsr.isPresent()
        ? "from that node to the client directly (DSR)"
        : "by the tunnel and this node; directly if bpfExternalServiceMode is DSR";
  }

  private Optional<String> optOut() {
    String[] found = new String[1];
    dataplane
        .dsrOptout(question.source().family())
        .forEach(
            (key, one) -> {
              if (question.source().masked(key.prefixlen()).equals(key.addr())) {
                found[0] = key.addr() + "/" + key.prefixlen();
              }
            });
    return Optional.ofNullable(found[0]);
  }

  private int tunnelMtu() {
    return node.map(
            n -> question.source().family() == Family.IPV4 ? n.tunnelMtu4() : n.tunnelMtu6())
        .orElse(0);
  }

  private Way toPod(Route route, String reply) {
    int ready =
        question.source().family() == Family.IPV4
            ? IfaceFlags.IFACE_READY4
            : IfaceFlags.IFACE_READY6;
    var iface = dataplane.ifaces().get(route.ifindex());
    String name = iface.map(i -> i.name()).orElse("#" + route.ifindex());
    return iface.filter(i -> (i.flags() & ready) != 0).isPresent()
        ? Way.here("redirected to the pod behind " + name, reply)
        : Way.here(
            "left to the host stack: " + name + " is not ready for new flows (not_ready)", reply);
  }

  private Way fromPod(Ip address, Optional<Route> route, boolean translated) {
    String back = translated ? "translated back on this node" : "as it went";
    if (translated && address.equals(question.source())) {
      return Way.here(
          "back to the pod itself, under the service's address (hairpin)",
          "translated back on this node");
    }
    if (Entrance.isLocalWorkload(route)) {
      return toPod(route.orElseThrow(), back);
    }
    if (Entrance.isLocalHost(route)) {
      return Way.here("host stack, to this node itself", back);
    }
    if (Entrance.isRemote(route)
        && (route.orElseThrow().flags() & RouteFlags.ROUTE_TUNNELED) != 0) {
      String to = names.node(route.orElseThrow().nextHop());
      return node.map(NodeState::tunnelIfindex).orElse(0) == 0
          ? new Way(to, "overlay, whose device is not there: left to the host stack", back, 0, "")
          : new Way(to, "overlay, by the tunnel", "by the tunnel", tunnelMtu(), "");
    }
    return new Way(
        route.map(Route::nextHop).filter(hop -> !hop.isAny()).map(names::node).orElse(""),
        "host stack, by the host's routes",
        back,
        0,
        "");
  }

  private Way toDestination() {
    Optional<Route> route = routes.find(question.destination());
    switch (entrance.kind()) {
      case POD:
        return fromPod(question.destination(), route, false);
      case POD_ELSEWHERE:
        if (Entrance.isLocalWorkload(route)) {
          return toPod(route.orElseThrow(), "by the tunnel");
        }
        return Entrance.isLocalHost(route)
            ? Way.here("host stack, to this node itself", "as it came")
            : Way.dropped("from the tunnel, to nobody of this node", "workload_gone");
      default:
        if (!Entrance.isLocalWorkload(route)) {
          return Way.here(
              Entrance.isLocalHost(route)
                  ? "host stack, to this node itself"
                  : "host stack, by the host's routes",
              "as it came");
        }
        return entrance.kind() == Entrance.Kind.HOST
            ? Way.here(
                "host stack, to the pod's interface, whose program asks policy", "as it went")
            : toPod(route.orElseThrow(), "out by the host interface");
    }
  }
}
