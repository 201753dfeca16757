// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import static io.sluice.actors.testing.Resources.endpoint;
import static io.sluice.actors.testing.Resources.node;
import static io.sluice.actors.testing.Resources.pod;
import static io.sluice.actors.testing.Resources.pool;
import static io.sluice.actors.testing.Resources.snapshot;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.host.HostNet.HostAddress;
import io.sluice.actors.routes.Ways.Way;
import io.sluice.config.model.IpPool.VxlanMode;
import io.sluice.config.model.Resource;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WaysTest {
  private static final List<HostAddress> HOST =
      List.of(
          new HostAddress(2, Ip.parse("192.168.1.1"), 24, true),
          new HostAddress(3, Ip.parse("fd00:1::1"), 64, true),
          new HostAddress(9, Ip.parse("192.168.2.1"), 24, true));

  private static final Resource OWN =
      node(
          "node1",
          List.of("192.168.1.1", "fd00:1::1"),
          List.of("10.244.1.0/24", "fd00:244:1::/64"));

  private static ClusterRoutes cluster(Resource... resources) {
    Resource[] all = Stream.concat(Stream.of(OWN), Stream.of(resources)).toArray(Resource[]::new);
    return ClusterRoutes.of(snapshot(true, all), "node1");
  }

  private static Map<String, Way> ways(ClusterRoutes cluster) {
    return Ways.of(cluster, HOST).paths().stream()
        .collect(
            Collectors.toMap(
                p -> p.remote().net().addr() + "/" + p.remote().net().prefixlen(), Ways.Path::way));
  }

  @ParameterizedTest
  @CsvSource({
    "Never,       192.168.1.2, DIRECT",
    "Never,       192.168.3.2, UNDERLAY",
    "CrossSubnet, 192.168.1.2, DIRECT",
    "CrossSubnet, 192.168.3.2, TUNNEL",
    "Always,      192.168.1.2, TUNNEL",
    "Always,      192.168.3.2, TUNNEL",
    // A subnet of this host, but not the one that its node address is in.
    "CrossSubnet, 192.168.2.2, TUNNEL",
    "CrossSubnet, fd00:1::2,   DIRECT",
    "CrossSubnet, fd00:2::2,   TUNNEL",
  })
  void thePoolsModeAndTheSubnetDecide(String modeName, String address, Way way) {
    VxlanMode mode =
        Stream.of(VxlanMode.values()).filter(m -> m.toString().equals(modeName)).findFirst().get();
    boolean six = address.contains(":");
    String net = six ? "fd00:244:2::/64" : "10.244.2.0/24";
    ClusterRoutes cluster =
        cluster(
            node("node2", address, net),
            pool("all", six ? "fd00:244::/32" : "10.244.0.0/16", mode, false));
    Ways.Path path = Ways.of(cluster, HOST).paths().get(0);
    assertThat(path.way()).isEqualTo(way);
    assertThat(path.ifindex()).isEqualTo(way == Way.DIRECT ? (six ? 3 : 2) : 0);
    assertThat(Ways.of(cluster, HOST).problems()).isEmpty();
  }

  @Test
  void theSmallestPoolAroundANetworkCounts() {
    ClusterRoutes cluster =
        cluster(
            node("node2", "192.168.3.2", "10.244.2.0/24"),
            node("node3", "192.168.3.3", "10.244.3.0/24"),
            pool("outer", "10.244.0.0/16", VxlanMode.ALWAYS, false),
            pool("middle", "10.244.2.0/23", VxlanMode.NEVER, false),
            pool("exact", "10.244.3.0/24", VxlanMode.CROSS_SUBNET, false),
            pool("within", "10.244.2.0/25", VxlanMode.ALWAYS, false));
    assertThat(ways(cluster))
        .isEqualTo(Map.of("10.244.2.0/24", Way.UNDERLAY, "10.244.3.0/24", Way.TUNNEL));
    assertThat(cluster.problems())
        .containsExactly(
            "pool within lies within the pod network 10.244.2.0/24 of node2, which it does not"
                + " cover: its vxlanMode Always does not count there");
  }

  @Test
  void strayPodsTakeTheirOwnPoolsWay() {
    ClusterRoutes cluster =
        cluster(
            node("node2", "192.168.3.2", "10.244.2.0/24"),
            pool("pods", "10.244.0.0/16", VxlanMode.NEVER, false),
            pool("other", "10.9.0.0/16", VxlanMode.ALWAYS, false),
            pod("inside", "node2", "10.244.2.9"),
            pod("stray", "node2", "10.9.9.9"),
            pod("nowhere", "node7", "10.9.9.8"),
            endpoint("local", "node1", "cali1", "10.9.9.7"));
    assertThat(ways(cluster))
        .isEqualTo(Map.of("10.244.2.0/24", Way.UNDERLAY, "10.9.9.9/32", Way.TUNNEL));
  }

  @Test
  void aNodeWithoutAddressOfTheFamilyIsAProblemIfItIsToBeEncapsulated() {
    ClusterRoutes cluster =
        cluster(
            node("node2", List.of("192.168.3.2"), List.of("10.244.2.0/24", "fd00:244:2::/64")),
            pool("four", "10.244.0.0/16", VxlanMode.ALWAYS, false),
            pool("six", "fd00:244::/32", VxlanMode.ALWAYS, false));
    Ways ways = Ways.of(cluster, HOST);
    assertThat(ways.problems())
        .containsExactly(
            "fd00:244:2::/64 of node2: the node has no IPv6 address (Node, status.addresses):"
                + " its pods cannot be reached by VXLAN");
    assertThat(ways.need(cluster).families()).containsExactly(Family.IPV4);
    assertThat(ways.nodes()).isEqualTo(Map.of(Way.TUNNEL, 1, Way.NOWHERE, 1));
    ClusterRoutes never =
        cluster(
            node("node2", List.of("192.168.3.2"), List.of("fd00:244:2::/64")),
            pool("six", "fd00:244::/32", VxlanMode.NEVER, false));
    assertThat(Ways.of(never, HOST).problems()).isEmpty();
  }

  @Test
  void aHostWithoutItsNodesAddressIsAProblem() {
    ClusterRoutes cluster =
        cluster(
            node("node2", "192.168.1.2", "10.244.2.0/24"),
            pool("four", "10.244.0.0/16", VxlanMode.CROSS_SUBNET, false));
    Ways ways = Ways.of(cluster, List.of(new HostAddress(9, Ip.parse("10.0.0.1"), 8, true)));
    assertThat(ways.paths()).extracting(Ways.Path::way).containsExactly(Way.TUNNEL);
    assertThat(ways.problems())
        .containsExactly(
            "this host has no IPv4 address of its Node resource: other nodes refuse what comes"
                + " from here by VXLAN");
  }

  @Test
  void networksThatTwoNodesClaimAreTheOlderOnes() {
    ClusterRoutes cluster =
        cluster(
            node("node2", "192.168.3.2", "10.244.2.0/24"),
            node("node3", "192.168.3.3", "10.244.2.0/24", "10.244.1.0/24"));
    assertThat(cluster.remotes()).extracting(Remote::node).containsExactly("node2");
    assertThat(cluster.problems())
        .containsExactly(
            "pod network 10.244.2.0/24 of node3 is that of node2, which is older",
            "pod network 10.244.1.0/24 of node3 is this node's own");
  }

  @Test
  void whatTwoNodesClaimAndANodeWithoutAddressAreTold() {
    ClusterRoutes cluster =
        cluster(
            node("node2", "192.168.3.2"),
            node("node3", List.of("192.168.3.2", "192.168.3.3", "192.168.3.3"), List.of()),
            node("node4", List.of(), List.of("10.244.4.0/24")));
    assertThat(cluster.problems())
        .containsExactly(
            "address 192.168.3.2 of node3 is that of node2, which is older",
            "node4 has no address (Node, status.addresses): traffic from outside is not forwarded"
                + " to its pods");
  }

  @Test
  void theTunnelsAddressIsTheFirstOfThePodNetworkUnlessAPodHasIt() {
    assertThat(cluster().tunnelAddresses())
        .isEqualTo(
            Map.of(Family.IPV4, Ip.parse("10.244.1.0"), Family.IPV6, Ip.parse("fd00:244:1::")));
    assertThat(cluster(pod("odd", "node1", "10.244.1.0")).tunnelAddresses())
        .containsOnlyKeys(Family.IPV6);
  }

  @Test
  void theUnderlayIsWhereTheNodesAddressesAre() {
    ClusterRoutes cluster =
        cluster(
            node("node2", "192.168.3.2", "10.244.2.0/24"),
            pool("four", "10.244.0.0/16", VxlanMode.ALWAYS, false));
    assertThat(Ways.of(cluster, HOST).need(cluster))
        .isEqualTo(
            new TunnelNeed(
                Set.of(Family.IPV4),
                Set.of(Family.IPV4),
                Map.of(Family.IPV4, Ip.parse("10.244.1.0")),
                Set.of(2, 3)));
  }
}
