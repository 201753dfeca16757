// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.explain;

import io.sluice.agent.dump.RouteTable;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Where a packet comes into the dataplane, which decides which rules it meets.
 *
 * @param refusal the reason to drop it there; empty: it comes in
 * @param found in words
 * @param mtu of the host interface that it comes by; 0: not known, or none
 * @param peer the node that sends it, if it is another's pod's
 */
record Entrance(Kind kind, String refusal, List<String> found, int mtu, Optional<Ip> peer) {
  /** Who sends. */
  enum Kind {
    /** A pod of this node: host-ingress of its interface. */
    POD,
    /** This node itself: host-egress of a host interface, or loopback. */
    HOST,
    /** Somebody beyond a host interface. */
    OUTSIDE,
    /** Another node's pod. */
    POD_ELSEWHERE
  }

  static final int WORKLOAD_HERE = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL;

  static boolean isLocalWorkload(Optional<Route> route) {
    return route.filter(r -> (r.flags() & WORKLOAD_HERE) == WORKLOAD_HERE).isPresent();
  }

  static boolean isLocalHost(Optional<Route> route) {
    return route.filter(r -> (r.flags() & WORKLOAD_HERE) == RouteFlags.ROUTE_LOCAL).isPresent();
  }

  /** An address of the cluster's hosts, whichever node's. */
  static boolean isClusterHost(Optional<Route> route) {
    return route
        .filter(r -> (r.flags() & RouteFlags.ROUTE_WORKLOAD) == 0)
        .filter(r -> (r.flags() & RouteFlags.ROUTE_LOCAL) != 0 || !r.nextHop().isAny())
        .isPresent();
  }

  static boolean isRemote(Optional<Route> route) {
    return route
        .filter(r -> (r.flags() & RouteFlags.ROUTE_LOCAL) == 0 && !r.nextHop().isAny())
        .isPresent();
  }

  private static boolean isLoopback(Ip address) {
    byte[] bytes = address.bytes();
    return bytes.length == 4 ? bytes[0] == 127 : address.equals(Ip.parse("::1"));
  }

  private static boolean isLinkLocal(Ip address) {
    byte[] b = address.bytes();
    return b.length == 16 && (b[0] & 0xff) == 0xfe && (b[1] & 0xc0) == 0x80;
  }

  static Entrance of(Question question, Dataplane dataplane, RouteTable routes, KernelPaths paths) {
    Map<Integer, Iface> ifaces = new LinkedHashMap<>();
    dataplane.ifaces().forEach(ifaces::put);
    Ip source = question.source();
    Optional<Route> route = routes.find(source);
    AllowedSources allowed = new AllowedSources(dataplane, source);
    if (!question.device().isEmpty()) {
      return byDevice(question, ifaces, route, allowed, paths);
    }
    if (isLocalWorkload(route)) {
      return fromPod(source, route.orElseThrow().ifindex(), ifaces);
    }
    if (isLocalHost(route) || isLoopback(source)) {
      return new Entrance(
          Kind.HOST,
          "",
          List.of(source + " is this node's own: asked where the host stack sends it out"),
          0,
          Optional.empty());
    }
    if (isRemote(route) && (route.orElseThrow().flags() & RouteFlags.ROUTE_WORKLOAD) != 0) {
      Ip node = route.orElseThrow().nextHop();
      return new Entrance(
          Kind.POD_ELSEWHERE, "", List.of(source + " is another node's pod"), 0, Optional.of(node));
    }
    if (!isRemote(route) && allowed.namedElsewhere().isPresent()) {
      return new Entrance(
          Kind.POD_ELSEWHERE,
          "",
          List.of(
              source
                  + " is no pod's, but a pod of another node may send from it"
                  + " (allowedSourcePrefixes): by the tunnel; otherwise see --in"),
          0,
          allowed.namedElsewhere());
    }
    return outside(source, hosts(ifaces), paths);
  }

  /**
   * The interface of a pod of this node that sends from an address which is nobody's of the
   * cluster.
   */
  static Optional<String> ofAnother(Ip source, Dataplane dataplane, RouteTable routes) {
    Optional<Route> route = routes.find(source);
    if (isLocalWorkload(route) || isLocalHost(route) || isRemote(route)) {
      return Optional.empty();
    }
    Map<Integer, Iface> ifaces = new LinkedHashMap<>();
    dataplane.ifaces().forEach(ifaces::put);
    return new AllowedSources(dataplane, source).named(ifaces);
  }

  private static Map<Integer, Iface> hosts(Map<Integer, Iface> ifaces) {
    return ifaces.entrySet().stream()
        .filter(e -> isHost(e.getValue()))
        .collect(
            Collectors.toMap(
                Map.Entry::getKey, Map.Entry::getValue, (one, other) -> one, LinkedHashMap::new));
  }

  private static boolean isHost(Iface iface) {
    int mask = IfaceFlags.IFACE_HOST | IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_LOOPBACK;
    return (iface.flags() & mask) == (IfaceFlags.IFACE_HOST | IfaceFlags.IFACE_CONFIGURED);
  }

  private static Entrance fromPod(Ip source, int ifindex, Map<Integer, Iface> ifaces) {
    Iface iface = ifaces.get(ifindex);
    if (iface == null || (iface.flags() & IfaceFlags.IFACE_CONFIGURED) == 0) {
      return new Entrance(
          Kind.POD,
          "no_iface",
          List.of(source + " is a pod behind interface #" + ifindex + ", which is not configured"),
          0,
          Optional.empty());
    }
    return new Entrance(
        Kind.POD,
        "",
        List.of(source + " is a pod of this node, behind " + iface.name()),
        0,
        Optional.empty());
  }

  private static Entrance byDevice(
      Question question,
      Map<Integer, Iface> ifaces,
      Optional<Route> route,
      AllowedSources allowed,
      KernelPaths paths) {
    Ip source = question.source();
    var named =
        ifaces.entrySet().stream()
            .filter(e -> e.getValue().name().equals(question.device()))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "no program looks at an interface "
                            + question.device()
                            + ": see 'sluice dump ifstate'"));
    Iface iface = named.getValue();
    if (isHost(iface)) {
      return isLocalWorkload(route)
          ? new Entrance(
              Kind.OUTSIDE,
              "host_rpf",
              List.of(source + " is a pod of this node: it does not send from outside"),
              0,
              Optional.empty())
          : outside(source, Map.of(named.getKey(), iface), paths);
    }
    if ((iface.flags() & IfaceFlags.IFACE_WORKLOAD) == 0) {
      throw new IllegalArgumentException(
          question.device() + " is neither a pod's interface nor one to the outside");
    }
    boolean own =
        source.equals(source.bytes().length == 4 ? iface.addr4() : iface.addr6())
            || (iface.flags() & IfaceFlags.IFACE_ANY_SOURCE) != 0
            || isLinkLocal(source)
            || isLocalWorkload(route) && route.orElseThrow().ifindex() == named.getKey();
    if (!own && allowed.at(named.getKey(), iface)) {
      return new Entrance(
          Kind.POD,
          "",
          List.of(
              source
                  + " is not an address of the pod behind "
                  + iface.name()
                  + ", but it may send from it (allowedSourcePrefixes)"),
          0,
          Optional.empty());
    }
    return own
        ? fromPod(source, named.getKey(), ifaces)
        : new Entrance(
            Kind.POD,
            "rpf",
            List.of(source + " is not an address of the pod behind " + iface.name()),
            0,
            Optional.empty());
  }

  private static Entrance outside(Ip source, Map<Integer, Iface> hosts, KernelPaths paths) {
    List<String> found = new ArrayList<>();
    found.add(
        source
            + " is none of this node's: from outside, by "
            + (hosts.isEmpty()
                ? "an interface that no program looks at (bpfDataIfacePattern)"
                : names(hosts)));
    Map<Integer, Iface> passed = new LinkedHashMap<>();
    hosts.forEach(
        (ifindex, iface) -> {
          if (passes(source, ifindex, iface, paths, found)) {
            passed.put(ifindex, iface);
          }
        });
    int mtu = passed.values().stream().mapToInt(Iface::mtu).filter(m -> m > 0).min().orElse(0);
    String refusal = hosts.isEmpty() ? "untouched" : passed.isEmpty() ? "host_rpf" : "";
    return new Entrance(Kind.OUTSIDE, refusal, found, mtu, Optional.empty());
  }

  private static String names(Map<Integer, Iface> ifaces) {
    return ifaces.values().stream().map(Iface::name).collect(Collectors.joining(" or "));
  }

  /** The reverse-path filter of a host interface (rpf.h). */
  private static boolean passes(
      Ip source, int ifindex, Iface iface, KernelPaths paths, List<String> found) {
    boolean strict = (iface.flags() & IfaceFlags.IFACE_RPF_STRICT) != 0;
    boolean loose = (iface.flags() & IfaceFlags.IFACE_RPF_LOOSE) != 0;
    if (!strict && !loose || source.isAny() || isLinkLocal(source)) {
      return true;
    }
    String wanted = "the kernel's routes lead back to " + source + (strict ? " by it" : "");
    Optional<Set<Integer>> back = paths.to(source);
    if (back.isEmpty()) {
      found.add(iface.name() + " drops it (host_rpf) unless " + wanted);
      return true;
    }
    boolean passes = strict ? back.get().contains(ifindex) : !back.get().isEmpty();
    found.add(
        iface.name()
            + (passes
                ? " lets it in: " + wanted
                : " drops it (host_rpf), for it is not so that " + wanted)
            + (strict ? " (strict)" : " (loose)"));
    return passes;
  }
}
