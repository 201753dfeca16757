// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import static io.sluice.actors.testing.Resources.endpoint;
import static io.sluice.actors.testing.Resources.node;
import static io.sluice.actors.testing.Resources.pod;
import static io.sluice.actors.testing.Resources.pool;
import static io.sluice.actors.testing.Resources.snapshot;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.Done;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.pattern.StatusReply;
import io.sluice.actors.host.HostNet.HostAddress;
import io.sluice.actors.host.HostNet.HostRoute;
import io.sluice.config.model.IpPool;
import io.sluice.config.model.Resource;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class RouteKeeperTest extends RouteKeeperRig {
  private static final int LOCAL_WORKLOAD = RouteFlags.ROUTE_LOCAL | RouteFlags.ROUTE_WORKLOAD;

  private final TestProbe<StatusReply<Done>> done = kit.createTestProbe();
  private final TestProbe<StatusReply<Boolean>> changed = kit.createTestProbe();

  private static Set<Ip> ips(String... addresses) {
    return Arrays.stream(addresses).map(Ip::parse).collect(Collectors.toSet());
  }

  private void putKernel(String nic, int ifindex, String... addresses) {
    keeper.tell(new RouteKeeper.PutKernel(nic, ifindex, ips(addresses), done.getRef()));
    assertThat(done.receiveMessage().isSuccess()).isTrue();
  }

  private boolean putBpf(String nic, int ifindex, String... addresses) {
    keeper.tell(new RouteKeeper.PutBpf(nic, ifindex, ips(addresses), changed.getRef()));
    return changed.receiveMessage().getValue();
  }

  private static Route route(int flags, int ifindex, String nextHop) {
    return new Route(flags, ifindex, Ip.parse(nextHop));
  }

  @Test
  void aWorkloadIsRoutedByKernelAndProgramsAndForgotten() {
    start();
    putKernel("cali1", 7, "10.244.1.2", "fd00:244:1::2");
    assertThat(net.changes)
        .containsExactlyInAnyOrder(
            "+ 169.254.1.1/32 dev 1", "+ 10.244.1.2/32 dev 7", "+ fd00:244:1::2/128 dev 7");
    assertThat(putBpf("cali1", 7, "10.244.1.2", "fd00:244:1::2")).isTrue();
    assertThat(putBpf("cali1", 7, "10.244.1.2", "fd00:244:1::2")).isFalse();
    assertThat(map(Family.IPV4))
        .containsOnly(Map.entry(key("10.244.1.2", 32), route(LOCAL_WORKLOAD, 7, "0.0.0.0")));
    assertThat(map(Family.IPV6))
        .containsOnly(Map.entry(key("fd00:244:1::2", 128), route(LOCAL_WORKLOAD, 7, "::")));
    keeper.tell(new RouteKeeper.RemoveBpf("cali1", 7, changed.getRef()));
    assertThat(changed.receiveMessage().getValue()).isTrue();
    assertThat(map(Family.IPV4)).isEmpty();
    keeper.tell(new RouteKeeper.RemoveKernel("cali1", 7, done.getRef()));
    done.receiveMessage();
    assertThat(net.routes()).extracting(HostRoute::ifindex).containsExactly(1);
  }

  @Test
  void aViewThatSaysTheSameReadsNothing() {
    start();
    Resource[] resources = {
      node("node1", "192.168.101.2", "10.244.1.0/24"), pod("a", "node1", "10.244.1.2")
    };
    keeper.tell(new RouteKeeper.Update(ClusterRoutes.of(snapshot(true, resources), "node1")));
    keeper.tell(new RouteKeeper.WorkloadsKnown(ips("10.244.1.2")));
    putKernel("cali1", 7, "10.244.1.2");
    int dumps = net.routeDumps.get();
    keeper.tell(new RouteKeeper.Update(ClusterRoutes.of(snapshot(true, resources), "node1")));
    keeper.tell(new RouteKeeper.WorkloadsKnown(ips("10.244.1.2")));
    putKernel("cali1", 7, "10.244.1.2");
    assertThat(net.routeDumps).hasValue(dumps);
    keeper.tell(new RouteKeeper.WorkloadsKnown(ips("10.244.1.2", "10.244.1.3")));
    putKernel("cali1", 7, "10.244.1.2");
    assertThat(net.routeDumps).hasValueGreaterThan(dumps);
  }

  @Test
  void theClusterIsInTheMapsWithTheFlagsOfItsPools() {
    net.addresses.add(new HostAddress(2, Ip.parse("192.168.101.2"), 24, true));
    net.addresses.add(new HostAddress(1, Ip.parse("127.0.0.1"), 8, true));
    net.addresses.add(new HostAddress(2, Ip.parse("fe80::1"), 64, true));
    start();
    keeper.tell(
        new RouteKeeper.Update(
            ClusterRoutes.of(
                snapshot(
                    true,
                    node("node1", "192.168.101.2", "10.244.1.0/24"),
                    node("node2", "192.168.102.2", "10.244.2.0/24"),
                    pool("outer", "10.244.0.0/16", true),
                    pool("inner", "10.244.2.0/25", false),
                    pod("inside", "node2", "10.244.2.9"),
                    pod("stray", "node2", "10.9.9.9"),
                    endpoint("stray2", "node2", "cali9", "10.244.7.7")),
                "node1")));
    putBpf("cali1", 7, "10.244.1.2");
    int nat = RouteFlags.ROUTE_IN_POOL | RouteFlags.ROUTE_NAT_OUTGOING;
    assertThat(map(Family.IPV4))
        .containsOnly(
            Map.entry(key("10.244.0.0", 16), route(nat, 0, "0.0.0.0")),
            Map.entry(
                key("10.244.2.0", 25),
                route(RouteFlags.ROUTE_IN_POOL | RouteFlags.ROUTE_WORKLOAD, 0, "192.168.102.2")),
            Map.entry(
                key("10.244.2.0", 24), route(nat | RouteFlags.ROUTE_WORKLOAD, 0, "192.168.102.2")),
            Map.entry(key("10.9.9.9", 32), route(RouteFlags.ROUTE_WORKLOAD, 0, "192.168.102.2")),
            Map.entry(
                key("10.244.7.7", 32), route(nat | RouteFlags.ROUTE_WORKLOAD, 0, "192.168.102.2")),
            Map.entry(key("192.168.102.2", 32), route(0, 0, "192.168.102.2")),
            Map.entry(key("192.168.101.2", 32), route(RouteFlags.ROUTE_LOCAL, 0, "0.0.0.0")),
            Map.entry(key("10.244.1.2", 32), route(nat | LOCAL_WORKLOAD, 7, "0.0.0.0")));
    putKernel("cali1", 7, "10.244.1.2");
    assertThat(net.routes())
        .contains(
            new HostRoute(Ip.parse("10.244.1.2"), 32, 7, Optional.of(Ip.parse("192.168.101.2"))));
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  void whatWasFoundStaysUntilAllWorkloadsAreKnown() {
    Route found = route(LOCAL_WORKLOAD, 7, "0.0.0.0");
    dataplane.routes(Family.IPV4).entries.put(key("10.244.1.2", 32), found);
    dataplane.routes(Family.IPV4).entries.put(key("10.244.1.3", 32), found);
    dataplane.routes(Family.IPV4).entries.put(key("10.9.0.0", 16), route(0, 0, "0.0.0.0"));
    net.addRoute(new HostRoute(Ip.parse("10.244.1.2"), 32, 7, Optional.empty()), false);
    net.addRoute(new HostRoute(Ip.parse("10.244.1.3"), 32, 7, Optional.empty()), false);
    net.changes.clear();
    start();
    keeper.tell(new RouteKeeper.Update(ClusterRoutes.EMPTY));
    assertThat(putBpf("cali1", 7, "10.244.1.2")).isFalse();
    assertThat(map(Family.IPV4)).hasSize(3);
    assertThat(net.changes).isEmpty();
    keeper.tell(new RouteKeeper.WorkloadsKnown(ips("10.244.1.2")));
    await().until(() -> map(Family.IPV4).size() == 1);
    assertThat(map(Family.IPV4)).containsOnlyKeys(key("10.244.1.2", 32));
    await().untilAsserted(() -> assertThat(net.changes).containsExactly("- 10.244.1.3/32 dev 7"));
  }

  @Test
  void routesThatWentWithTheirLinkComeBack() {
    start();
    putKernel("cali1", 7, "10.244.1.2");
    net.loseRoutes(7);
    keeper.tell(new RouteKeeper.Refresh());
    await().until(() -> net.routes().stream().anyMatch(route -> route.ifindex() == 7));
  }

  @Test
  void aRouteOfSomebodyElseStaysAndIsTold() {
    net.foreign.add(Ip.parse("10.244.1.2"));
    start();
    LoggingTestKit.warn("10.244.1.2")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              putKernel("cali1", 7, "10.244.1.2");
              putKernel("cali1", 7, "10.244.1.2");
              return null;
            });
    assertThat(net.changes).containsExactly("+ 169.254.1.1/32 dev 1");
  }

  @Test
  void anAddressThatMovesIsReplacedAndSurvivesItsOldInterface() {
    start();
    putKernel("cali1", 7, "10.244.1.2");
    putBpf("cali1", 7, "10.244.1.2");
    putKernel("cali2", 9, "10.244.1.2");
    keeper.tell(new RouteKeeper.RemoveKernel("cali1", 7, done.getRef()));
    done.receiveMessage();
    assertThat(net.routes())
        .filteredOn(route -> route.destination().equals(Ip.parse("10.244.1.2")))
        .extracting(HostRoute::ifindex)
        .containsExactly(9);
    keeper.tell(new RouteKeeper.RemoveBpf("cali1", 7, changed.getRef()));
    changed.receiveMessage();
    assertThat(putBpf("cali2", 9, "10.244.1.2")).isTrue();
    assertThat(map(Family.IPV4).get(key("10.244.1.2", 32)).ifindex()).isEqualTo(9);
  }

  private final TestProbe<TunnelNeed> needs = kit.createTestProbe();

  private void overlay(IpPool.VxlanMode mode, Resource... more) {
    List<Resource> all = new ArrayList<>(List.of(more));
    all.add(node("node1", "192.168.101.2", "10.244.1.0/24"));
    all.add(pool("pods", "10.244.0.0/16", mode, false));
    keeper.tell(
        new RouteKeeper.Update(
            ClusterRoutes.of(snapshot(true, all.toArray(Resource[]::new)), "node1")));
    keeper.tell(new RouteKeeper.WorkloadsKnown(Set.of()));
  }

  private static final Resource NODE2 = node("node2", "192.168.102.2", "10.244.2.0/24");

  private Route way(String nextHop, int more) {
    int flags = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_IN_POOL | more;
    return route(flags, 0, nextHop);
  }

  private void tunnelIs(int ifindex) {
    Map<Family, Ip> sources = Map.of(Family.IPV4, Ip.parse("10.244.1.0"));
    keeper.tell(new RouteKeeper.TunnelIs(Optional.of(new RouteKeeper.Tunnel(ifindex, sources))));
  }

  private void startOnSubnet() {
    net.addresses.add(new HostAddress(2, Ip.parse("192.168.101.2"), 24, true));
    start();
    keeper.tell(new RouteKeeper.SubscribeTunnel(needs.getRef()));
  }

  @Test
  @Tag("INV-ENC-1")
  void nothingLeadsThroughATunnelThatIsNotThere() {
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    assertThat(needs.receiveMessage().families()).containsExactly(Family.IPV4);
    await().until(() -> map(Family.IPV4).containsKey(key("192.168.102.2", 32)));
    assertThat(map(Family.IPV4)).doesNotContainKey(key("10.244.2.0", 24));
    assertThat(net.changes).isEmpty();
    int before = epoch();
    tunnelIs(101);
    await().until(() -> map(Family.IPV4).containsKey(key("10.244.2.0", 24)));
    assertThat(map(Family.IPV4).get(key("10.244.2.0", 24)))
        .isEqualTo(way("192.168.102.2", RouteFlags.ROUTE_TUNNELED));
    assertThat(net.changes).containsExactly("+ 10.244.2.0/24 dev 101 src 10.244.1.0");
    await().until(() -> epoch() == before + 1);
  }

  @Test
  @Tag("INV-AG-3")
  void theTunnelIsGivenUpOnlyWhenNothingLeadsThroughIt() {
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    needs.receiveMessage();
    tunnelIs(101);
    await().until(() -> map(Family.IPV4).containsKey(key("10.244.2.0", 24)) && epoch() == 1);
    overlay(IpPool.VxlanMode.NEVER, NODE2);
    TunnelNeed forwarding = needs.receiveMessage();
    assertThat(forwarding.overlay()).isEmpty();
    assertThat(forwarding.families()).containsExactly(Family.IPV4);
    assertThat(map(Family.IPV4).get(key("10.244.2.0", 24))).isEqualTo(way("192.168.102.2", 0));
    assertThat(net.routes()).isEmpty();
    assertThat(epoch()).isEqualTo(2);
    overlay(IpPool.VxlanMode.NEVER);
    assertThat(needs.receiveMessage()).isEqualTo(TunnelNeed.NONE);
  }

  @Test
  void aClusterOfOneNodeNeedsNoTunnel() {
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS);
    assertThat(needs.receiveMessage()).isEqualTo(TunnelNeed.NONE);
  }

  /** Traffic from outside is handed over by the tunnel, to the node that the routes name. */
  @Test
  @Tag("INV-ENC-1")
  void nodesAndPodsHaveTheirNodeInBothFamiliesWithoutAnOverlay() {
    net.addresses.add(new HostAddress(2, Ip.parse("192.168.101.2"), 24, true));
    net.addresses.add(new HostAddress(2, Ip.parse("fd00:100:1::2"), 64, true));
    start();
    keeper.tell(new RouteKeeper.SubscribeTunnel(needs.getRef()));
    keeper.tell(
        new RouteKeeper.Update(
            ClusterRoutes.of(
                snapshot(
                    true,
                    node("node1", List.of("192.168.101.2", "fd00:100:1::2"), List.of()),
                    node(
                        "node2",
                        List.of("192.168.102.2", "fd00:100:2::2", "198.51.100.2"),
                        List.of("10.244.2.0/24", "fd00:244:2::/64")),
                    pod("stray", "node2", "10.9.9.9", "fd00:9::9")),
                "node1")));
    keeper.tell(new RouteKeeper.WorkloadsKnown(Set.of()));
    TunnelNeed need = needs.receiveMessage();
    assertThat(need.families()).containsExactlyInAnyOrder(Family.values());
    assertThat(need.overlay()).isEmpty();
    assertThat(need.addresses()).isEmpty();
    assertThat(need.underlay()).containsExactly(2);
    int pod = RouteFlags.ROUTE_WORKLOAD;
    assertThat(map(Family.IPV4))
        .containsOnly(
            Map.entry(key("192.168.101.2", 32), route(RouteFlags.ROUTE_LOCAL, 0, "0.0.0.0")),
            Map.entry(key("192.168.102.2", 32), route(0, 0, "192.168.102.2")),
            Map.entry(key("198.51.100.2", 32), route(0, 0, "192.168.102.2")),
            Map.entry(key("10.244.2.0", 24), route(pod, 0, "192.168.102.2")),
            Map.entry(key("10.9.9.9", 32), route(pod, 0, "192.168.102.2")));
    assertThat(map(Family.IPV6))
        .containsOnly(
            Map.entry(key("fd00:100:1::2", 128), route(RouteFlags.ROUTE_LOCAL, 0, "::")),
            Map.entry(key("fd00:100:2::2", 128), route(0, 0, "fd00:100:2::2")),
            Map.entry(key("fd00:244:2::", 64), route(pod, 0, "fd00:100:2::2")),
            Map.entry(key("fd00:9::9", 128), route(pod, 0, "fd00:100:2::2")));
    await()
        .untilAsserted(
            () ->
                assertThat(dataplane.node().entries.get(0))
                    .extracting(NodeState::addr4, NodeState::addr6)
                    .containsExactly(Ip.parse("192.168.101.2"), Ip.parse("fd00:100:1::2")));
  }

  @Test
  @Tag("INV-AG-3")
  void anOverlayIsNotMissedBeforeTheSourceIsInSync() {
    startOnSubnet();
    keeper.tell(new RouteKeeper.Update(ClusterRoutes.of(snapshot(false, NODE2), "node1")));
    keeper.tell(new RouteKeeper.Refresh());
    needs.expectNoMessage(Duration.ofMillis(100));
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    assertThat(needs.receiveMessage().overlay()).containsExactly(Family.IPV4);
  }

  @Test
  @Tag("INV-AG-3")
  void beforeTheSourceIsInSyncTheTunnelIsNotGivenUp() {
    startOnSubnet();
    keeper.tell(new RouteKeeper.Update(ClusterRoutes.EMPTY));
    keeper.tell(new RouteKeeper.Refresh());
    needs.expectNoMessage(Duration.ofMillis(100));
    keeper.tell(new RouteKeeper.WorkloadsKnown(Set.of()));
    assertThat(needs.receiveMessage()).isEqualTo(TunnelNeed.NONE);
  }

  @Test
  @Tag("INV-AG-1")
  void aRestartWithTheSameResourcesWritesNothing() {
    Route tunneled = way("192.168.102.2", RouteFlags.ROUTE_TUNNELED);
    Map<RouteKey, Route> found = dataplane.routes(Family.IPV4).entries;
    found.put(key("10.244.0.0", 16), route(RouteFlags.ROUTE_IN_POOL, 0, "0.0.0.0"));
    found.put(key("10.244.2.0", 24), tunneled);
    found.put(key("192.168.102.2", 32), route(0, 0, "192.168.102.2"));
    found.put(key("192.168.101.2", 32), route(RouteFlags.ROUTE_LOCAL, 0, "0.0.0.0"));
    Map<RouteKey, Route> before = Map.copyOf(found);
    net.addRoute(
        new HostRoute(Ip.parse("10.244.2.0"), 24, 101, Optional.of(Ip.parse("10.244.1.0"))), false);
    net.changes.clear();
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    needs.receiveMessage();
    keeper.tell(new RouteKeeper.Refresh());
    tunnelIs(101);
    assertThat(status().nodes()).isEqualTo(Map.of(Ways.Way.TUNNEL, 1));
    assertThat(map(Family.IPV4)).isEqualTo(before);
    assertThat(net.changes).isEmpty();
    assertThat(epoch()).isZero();
  }

  private RouteKeeper.Status status() {
    TestProbe<RouteKeeper.Status> probe = kit.createTestProbe();
    keeper.tell(new RouteKeeper.GetStatus(probe.getRef()));
    return probe.receiveMessage();
  }

  @Test
  void aNodeOnOurSubnetIsItselfTheGateway() {
    startOnSubnet();
    overlay(IpPool.VxlanMode.CROSS_SUBNET, node("node2", "192.168.101.9", "10.244.2.0/24"));
    await()
        .untilAsserted(
            () ->
                assertThat(net.changes)
                    .containsExactly("+ 10.244.2.0/24 via 192.168.101.9 dev 2 src 192.168.101.2"));
    await().until(() -> map(Family.IPV4).containsKey(key("10.244.2.0", 24)));
    assertThat(map(Family.IPV4).get(key("10.244.2.0", 24))).isEqualTo(way("192.168.101.9", 0));
    assertThat(needs.receiveMessage().overlay()).isEmpty();
  }

  @Test
  void aNodesNewAddressIsTakenUpAndANodeThatLeftIsForgotten() {
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    tunnelIs(101);
    await().until(() -> map(Family.IPV4).containsKey(key("10.244.2.0", 24)) && epoch() == 1);
    overlay(IpPool.VxlanMode.ALWAYS, node("node2", "192.168.102.77", "10.244.2.0/24"));
    await().until(() -> epoch() == 2);
    assertThat(map(Family.IPV4).get(key("10.244.2.0", 24)))
        .isEqualTo(way("192.168.102.77", RouteFlags.ROUTE_TUNNELED));
    overlay(IpPool.VxlanMode.ALWAYS);
    await().until(() -> epoch() == 3);
    assertThat(map(Family.IPV4)).doesNotContainKey(key("10.244.2.0", 24));
    assertThat(net.routes()).isEmpty();
  }

  @Test
  void somebodyElsesRouteToAnotherNodesPodsIsAProblem() {
    net.foreign.add(Ip.parse("10.244.2.0"));
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    tunnelIs(101);
    assertThat(status().problems())
        .containsExactly("route to 10.244.2.0/24: somebody else has one, which stays");
  }

  @Test
  void aDeviceThatWasMadeAnewGetsItsRoutesAgain() {
    startOnSubnet();
    overlay(IpPool.VxlanMode.ALWAYS, NODE2);
    tunnelIs(101);
    await().until(() -> !net.routes().isEmpty());
    net.loseRoutes(101);
    tunnelIs(102);
    await().until(() -> net.routes().stream().anyMatch(route -> route.ifindex() == 102));
  }
}
