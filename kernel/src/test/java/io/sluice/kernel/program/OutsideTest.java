// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceReason;
import io.sluice.kernel.layout.TunnelVni;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.List;
import java.util.Map;

/**
 * Tests of what comes from outside and from other nodes: a node with a host interface, loopback,
 * and the forwarding network. Clients speak to {@link #NODE_PORT} or to a service's address.
 */
abstract class OutsideTest extends OverlayTest {
  static final String FAMILIES_AND_TRAFFIC = "io.sluice.kernel.program.Traffic#inFamilies";
  static final int SERVICE = 7;
  static final int NODE_PORT = 30_080;
  static final int CLIENT_PORT = 1000;
  static final int FORWARD = TunnelVni.TUNNEL_VNI_FORWARD;
  static final int BOUNCE = TunnelVni.TUNNEL_VNI_BOUNCE;
  static final int LINK_MTU = 1500;
  private static final int LOOPBACK_IFINDEX = 1;

  /** The host's interface to the outside. */
  Pod up;

  Pod loopback;
  OutsideMaps maps;

  @Override
  void use(ChainHarness shared) {
    super.use(shared);
    maps = OutsideMaps.of(shared);
    maps.reset();
    up = maps.up();
    loopback = new Pod("lo", LOOPBACK_IFINDEX, Ip.ANY4, Ip.ANY6);
    int host = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_HOST | ChainHarness.READY;
    configureHost(up, host, LINK_MTU);
    configureHost(loopback, host | IfaceFlags.IFACE_LOOPBACK, 0);
    NodeState now = harness.node.get(0).orElseThrow();
    harness.node.put(
        0,
        new NodeState(
            now.routeEpoch(),
            now.tunnelIfindex(),
            now.tunnelVni(),
            now.tunnelMtu4(),
            now.tunnelMtu6(),
            self(Family.IPV4),
            self(Family.IPV6)));
  }

  void configureHost(Pod iface, int flags, int mtu) {
    harness.ifaces.put(
        iface.ifindex(), new Iface(flags, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6, iface.name(), mtu));
  }

  static Ip self(Family family) {
    return Overlay.host(family, 1);
  }

  static Ip node(Family family, int number) {
    return Overlay.host(family, number);
  }

  static Target at(Ip address) {
    // An ID of its own for each address of these tests.
    return new Target(
        address, 8080, 20 + (int) (Integer.toUnsignedLong(address.hashCode()) % 1000));
  }

  boolean isHere(Ip address) {
    return harness.pods().stream().anyMatch(pod -> pod.addr(address.family()).equals(address))
        || address.equals(self(address.family()));
  }

  /** A service of these backends; this node's part of its span are those of them that are here. */
  void service(int id, Family family, int flags, int affinitySeconds, Target... targets) {
    List<Target> here = List.of(targets).stream().filter(t -> isHere(t.addr())).toList();
    int base = 100 * id;
    int at = base;
    for (Target target : targets) {
      put(family, at++, id, target);
    }
    for (Target target : here) {
      put(family, at++, id, target);
    }
    int all =
        ServiceFlags.SERVICE_IN_USE
            | (family == Family.IPV6 ? ServiceFlags.SERVICE_IPV6 : 0)
            | flags;
    harness.services.put(
        id, new Service(base, targets.length, here.size(), all, affinitySeconds, 0x1000L + id));
  }

  private void put(Family family, int index, int service, Target target) {
    int gen = harness.backendGen.get(target.id()).orElseThrow().gen();
    int flags = isHere(target.addr()) ? BackendFlags.BACKEND_LOCAL : 0;
    harness
        .backends
        .get(family)
        .put(index, new Backend(target.addr(), target.port(), flags, service, target.id(), gen));
  }

  void frontend(int id, Ip address, int port, int proto, int flags) {
    harness
        .frontends
        .get(address.family())
        .put(new FrontendKey(address, port, proto), new Frontend(id, flags));
    harness.bumpGeneration(0);
  }

  /** A service with a node port, by its one frontend. */
  void nodePort(Family family, Traffic traffic, Target... targets) {
    service(SERVICE, family, 0, 0, targets);
    frontend(SERVICE, Ip.any(family), NODE_PORT, traffic.proto(), FrontendFlags.FRONTEND_NODE_PORT);
  }

  /** A packet comes in by the host's interface, and goes as far as the programs bring it. */
  Life enter(byte[] frame) {
    return harness.follow(harness.run(SluiceHook.HOOK_IN, up, frame, 0), up);
  }

  /** The host stack sends a packet out by an interface of the host. */
  Life leave(Pod iface, byte[] frame, int mark) {
    Outcome out = harness.run(SluiceHook.HOOK_OUT, iface, frame, mark);
    return out.verdict() == Outcome.UNSPEC
        ? new Life(List.of(out), iface.name())
        : harness.follow(out, iface);
  }

  Life leave(byte[] frame) {
    return leave(up, frame, 0);
  }

  /** Another node forwards a packet to this one. */
  Life forwarded(byte[] frame, Ip from) {
    return harness.follow(overlay.in(frame, from, FORWARD), overlay.device);
  }

  Overlay.Key to(Family family, int node, int vni) {
    return new Overlay.Key(vni, node(family, node), 0, 0);
  }

  static String reason(Outcome out) {
    return SluiceReason.name(out.reason());
  }

  static void assertTuple(Life life, Ip from, int fromPort, Ip to, int toPort) {
    Packet packet = life.packet();
    assertThat(packet.problems()).as(packet.summary()).isEmpty();
    assertThat(packet.source()).isEqualTo(from);
    assertThat(packet.destination()).isEqualTo(to);
    assertThat(packet.sourcePort()).isEqualTo(fromPort);
    assertThat(packet.destinationPort()).isEqualTo(toPort);
  }

  static void assertUnchanged(byte[] sent, Life life, String but) {
    assertThat(life.packet().problems()).as(life.packet().summary()).isEmpty();
    assertThat(Packet.difference(Packet.parse(sent), life.packet())).isEqualTo(but);
  }

  /** An entry, seen from who opened its flow. */
  record Seen(CtKey key, CtValue value) {
    private int side() {
      return (value.c().state() & CtState.CT_OPENER_B) != 0 ? 1 : 0;
    }

    /** Whether the opener's side has this bit; given as of side A. */
    boolean opener(int bitOfA) {
      return (value.c().state() & bitOfA << side()) != 0;
    }

    boolean other(int bitOfA) {
      return (value.c().state() & bitOfA << 1 - side()) != 0;
    }

    boolean has(int bit) {
      return (value.c().state() & bit) != 0;
    }

    int openerIfindex() {
      return side() == 0 ? value.c().ifindex0() : value.c().ifindex1();
    }

    int otherIfindex() {
      return side() == 0 ? value.c().ifindex1() : value.c().ifindex0();
    }
  }

  /** The one entry of a kind; 0: the one that is not translated. */
  Seen entry(Family family, int kind) {
    int nat = CtState.CT_NAT_FORWARD | CtState.CT_NAT_REVERSE;
    Map<CtKey, CtValue> all = harness.entries(family);
    List<Seen> found =
        all.entrySet().stream()
            .filter(e -> (e.getValue().c().state() & nat) == kind)
            .map(e -> new Seen(e.getKey(), e.getValue()))
            .toList();
    assertThat(found).as(all.toString()).hasSize(1);
    return found.get(0);
  }
}
