// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.FakeInterfaceHost;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.routes.TunnelNeed;
import io.sluice.actors.testing.FakeDataplane;
import io.sluice.actors.testing.FakeHostNet;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.net.Link;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class TunnelKeeperTest {
  private static final TunnelSettings SETTINGS = new TunnelSettings(4789, 4096, 0, 0, "^eth", true);
  private static final Map<Family, Ip> ADDRESSES =
      Map.of(Family.IPV4, Ip.parse("10.244.1.0"), Family.IPV6, Ip.parse("fd00:244:1::"));
  private static final TunnelNeed NEED =
      new TunnelNeed(Set.of(Family.values()), Set.of(Family.values()), ADDRESSES, Set.of(2));
  private static final TunnelNeed NO_OVERLAY =
      new TunnelNeed(Set.of(Family.values()), Set.of(), Map.of(), Set.of(2));
  private static final TunnelKeeper.Times TIMES =
      new TunnelKeeper.Times(
          Duration.ofMillis(100),
          Duration.ofSeconds(100),
          Duration.ofMillis(10),
          Duration.ofMillis(20));

  private final ActorTestKit kit = ActorTestKit.create();
  private final FakeDataplane dataplane = new FakeDataplane(10);
  private final FakeHostNet net = new FakeHostNet();
  private final FakeInterfaceHost host = new FakeInterfaceHost();
  private final TestProbe<RouteKeeper.Command> routes = kit.createTestProbe();
  private ActorRef<TunnelKeeper.Command> keeper;
  private ActorRef<TunnelNeed> needs;

  private void start() {
    if (net.links.isEmpty()) {
      net.links.add(FakeHostNet.link(2, "eth0", "", 1500, Link.FLAG_UP, null));
    }
    NodeElement node =
        new NodeElement(
            kit.system(), kit.spawn(MapActor.create(dataplane.node(), MapActor.Options.KEEPING)));
    keeper = kit.spawn(TunnelKeeper.create(SETTINGS, net, host, node, routes.getRef(), TIMES));
    needs = routes.expectMessageClass(RouteKeeper.SubscribeTunnel.class).listener();
  }

  @AfterEach
  void tearDown() {
    kit.shutdownTestKit();
  }

  private RouteKeeper.Tunnel told() {
    RouteKeeper.Command message = routes.receiveMessage();
    while (message instanceof RouteKeeper.Refresh) {
      message = routes.receiveMessage();
    }
    return ((RouteKeeper.TunnelIs) message).tunnel().orElse(null);
  }

  private TunnelKeeper.Status status() {
    TestProbe<TunnelKeeper.Status> probe = kit.createTestProbe();
    keeper.tell(new TunnelKeeper.GetStatus(probe.getRef()));
    return probe.receiveMessage();
  }

  private Link device() {
    return net.link(TunnelDevice.NAME).orElseThrow();
  }

  private NodeState node() {
    return dataplane.node().entries.getOrDefault(0, new NodeState(0, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
  }

  @Test
  @Tag("INV-ENC-1")
  @Tag("INV-PROG-6")
  void makesTheDeviceAndItsProgramsBeforeItIsUpAndBeforeAnybodyIsTold() {
    start();
    needs.tell(NEED);
    assertThat(told()).isEqualTo(new RouteKeeper.Tunnel(101, ADDRESSES));
    assertThat(net.linkChanges)
        .containsExactly("create vxlan.sluice 4789 1450", "alias sluice", "noarp", "up");
    assertThat(host.changes)
        .containsExactly("element vxlan.sluice@101", "attach vxlan.sluice", "prepare-tunnel 1430");
    assertThat(host.elements.get(101).flags())
        .isEqualTo(IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_TUNNEL);
    assertThat(net.addresses(101))
        .extracting(a -> a.address() + "/" + a.prefix())
        .containsExactlyInAnyOrder("10.244.1.0/32", "fd00:244:1::/128");
    assertThat(node()).isEqualTo(new NodeState(1, 101, 4096, 1450, 1430, Ip.ANY4, Ip.ANY6));
    TunnelKeeper.Up up = status().up().orElseThrow();
    assertThat(List.of(up.port(), up.vni(), up.mtu4(), up.mtu6()))
        .containsExactly(4789, 4096, 1450, 1430);
    assertThat(up.problems()).isEmpty();
  }

  @Test
  @Tag("INV-AG-1")
  void whatIsRightIsNotTouched() {
    start();
    needs.tell(NEED);
    told();
    net.linkChanges.clear();
    host.changes.clear();
    NodeState before = node();
    net.hint();
    assertThat(told().ifindex()).isEqualTo(101);
    assertThat(net.linkChanges).isEmpty();
    assertThat(host.changes).isEmpty();
    assertThat(node()).isEqualTo(before);
  }

  @Test
  void aDeviceThatIsDeletedOrSetDownIsRepaired() {
    start();
    needs.tell(NEED);
    told();
    net.deleteLink(101);
    net.hint();
    assertThat(told().ifindex()).isEqualTo(102);
    assertThat(host.elements).containsOnlyKeys(102);
    assertThat(node().tunnelIfindex()).isEqualTo(102);
    assertThat(node().routeEpoch()).isEqualTo(2);
    net.setUp(102, false);
    net.hint();
    told();
    routes.expectMessageClass(RouteKeeper.Refresh.class);
    assertThat(device().isUp()).isTrue();
  }

  @Test
  @Tag("INV-ENC-1")
  void aDeviceOfAnotherShapeIsReplacedAndToldOnce() {
    net.links.add(FakeHostNet.link(2, "eth0", "", 1500, Link.FLAG_UP, null));
    Link.Vxlan foreign = new Link.Vxlan(7, 8472, false, true, false, Set.of("group"));
    net.links.add(FakeHostNet.link(9, TunnelDevice.NAME, "vxlan", 1450, Link.FLAG_UP, foreign));
    start();
    LoggingTestKit.warn(
            "vxlan.sluice was somebody else's vxlan with port 8472, vni 7, learning,"
                + " noudp6zerocsumrx, group: replaced")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              needs.tell(NEED);
              told();
              net.hint();
              return told();
            });
    assertThat(device().vxlan()).isEqualTo(Link.Vxlan.flowBased(4789));
    assertThat(net.links).extracting(Link::index).containsExactly(2, 101);
  }

  @Test
  void settingsApplyAtOnce() {
    start();
    needs.tell(NEED);
    told();
    keeper.tell(
        new TunnelKeeper.Configure(new TunnelSettings(4790, 4097, 1400, 1600, "^eth", false)));
    assertThat(told()).isEqualTo(new RouteKeeper.Tunnel(102, Map.of()));
    assertThat(device().vxlan()).isEqualTo(Link.Vxlan.flowBased(4790));
    assertThat(node()).isEqualTo(new NodeState(2, 102, 4097, 1400, 1400, Ip.ANY4, Ip.ANY6));
    assertThat(net.addresses(102)).isEmpty();
  }

  @Test
  void theMtuFollowsTheUnderlay() {
    start();
    needs.tell(NEED);
    told();
    net.setMtu(2, 1400);
    net.hint();
    told();
    assertThat(device().mtu()).isEqualTo(1350);
    assertThat(node().tunnelMtu6()).isEqualTo(1330);
    net.setMtu(2, 1340);
    net.hint();
    told();
    assertThat(status().up().orElseThrow().problems())
        .containsExactly(
            "the tunnel's MTU for IPv6 is 1270, and IPv6 needs 1280: the underlay (MTU 1340) is"
                + " too small");
    keeper.tell(new TunnelKeeper.Configure(new TunnelSettings(4789, 4096, 1450, 0, "^none", true)));
    told();
    assertThat(status().up().orElseThrow().problems())
        .contains(
            "vxlanMTU is 1450, but the underlay (MTU 1340) takes packets of 1290 bytes at most:"
                + " larger ones are lost");
  }

  @Test
  @Tag("INV-AG-3")
  void goesAWhileAfterItIsNotNeededAnyMore() {
    start();
    needs.tell(NEED);
    told();
    needs.tell(TunnelNeed.NONE);
    needs.tell(NEED);
    told();
    host.changes.clear();
    needs.tell(TunnelNeed.NONE);
    assertThat(told()).isNull();
    assertThat(net.link(TunnelDevice.NAME)).isEmpty();
    assertThat(host.elements).isEmpty();
    assertThat(host.changes).contains("detach vxlan.sluice", "zero vxlan.sluice@101");
    assertThat(node()).isEqualTo(new NodeState(2, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
    assertThat(status())
        .isEqualTo(new TunnelKeeper.Status(false, Optional.empty(), Optional.empty()));
  }

  @Test
  @Tag("INV-ENC-1")
  void isThereWithoutAnOverlayAndWithoutItsNumberAndAddresses() {
    start();
    needs.tell(NO_OVERLAY);
    assertThat(told()).isEqualTo(new RouteKeeper.Tunnel(101, Map.of()));
    assertThat(node()).isEqualTo(new NodeState(1, 101, 0, 1450, 1430, Ip.ANY4, Ip.ANY6));
    assertThat(net.addresses(101)).isEmpty();
    needs.tell(NEED);
    assertThat(told()).isEqualTo(new RouteKeeper.Tunnel(101, ADDRESSES));
    assertThat(node().tunnelVni()).isEqualTo(4096);
  }

  /** Other nodes may learn later that there is none any more. */
  @Test
  @Tag("INV-AG-3")
  void anOverlayThatGoesIsServedForAWhileAndTheDeviceStays() {
    start();
    needs.tell(NEED);
    told();
    needs.tell(NO_OVERLAY);
    assertThat(told()).isEqualTo(new RouteKeeper.Tunnel(101, ADDRESSES));
    assertThat(node().tunnelVni()).isEqualTo(4096);
    assertThat(told()).isEqualTo(new RouteKeeper.Tunnel(101, Map.of()));
    assertThat(node()).isEqualTo(new NodeState(2, 101, 0, 1450, 1430, Ip.ANY4, Ip.ANY6));
    assertThat(device().isUp()).isTrue();
  }

  @Test
  void somebodyElsesDeviceIsNotRemovedWhenNoneIsNeeded() {
    net.links.add(FakeHostNet.link(9, TunnelDevice.NAME, "dummy", 1500, Link.FLAG_UP, null));
    start();
    needs.tell(TunnelNeed.NONE);
    assertThat(told()).isNull();
    assertThat(net.links).extracting(Link::index).contains(9);
  }

  @Test
  void aFailureIsToldOnceTriedAgainAndShown() {
    host.failures.put("attach", 100_000);
    start();
    LoggingTestKit.warn("vxlan.sluice: no attach today; trying again")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              needs.tell(NEED);
              await().until(() -> status().failure().isPresent());
              assertThat(device().isUp()).as("without its programs").isFalse();
              host.failures.clear();
              return told();
            });
    assertThat(device().isUp()).isTrue();
    assertThat(status().failure()).isEmpty();
  }

  @Test
  void anIndexThatWasAWorkloadsIsTakenOver() {
    host.elements.put(
        101,
        new Iface(
            IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD,
            1,
            1,
            0,
            0,
            Ip.parse("10.244.1.2"),
            Ip.any(Family.IPV6),
            "cali1",
            0));
    host.admit(new io.sluice.actors.host.HostNet.Nic(101, "cali1", true));
    start();
    needs.tell(NEED);
    told();
    assertThat(host.changes).containsSubsequence("expel cali1", "element vxlan.sluice@101");
  }
}
