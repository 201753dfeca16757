// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import static io.sluice.actors.testing.Resources.endpoint;
import static io.sluice.actors.testing.Resources.node;
import static io.sluice.actors.testing.Resources.pod;
import static io.sluice.actors.testing.Resources.snapshot;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.testkit.typed.javadsl.TestProbe;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Pod;
import io.sluice.config.model.Resource;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeSourceKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What pods of other nodes may send from besides their own addresses. */
@Tag("INV-RPF-1")
class OtherNodesSourcesTest extends RouteKeeperRig {
  private static final Resource NODE2 = node("node2", "192.168.102.2", "10.244.2.0/24");

  private static Resource router(String node, String... networks) {
    return endpoint(
        ObjectMeta.of("default", "router-" + node), node, "cali9", List.of(networks), "10.244.9.9");
  }

  private void sources(boolean inSync, Resource... routers) {
    List<Resource> all = new ArrayList<>(List.of(routers));
    all.add(node("node1", "192.168.101.2"));
    all.add(node("node2", List.of("192.168.102.2", "fd00:100:2::2"), List.of()));
    all.add(node("node3", "192.168.103.2"));
    keeper.tell(
        new RouteKeeper.Update(
            ClusterRoutes.of(snapshot(inSync, all.toArray(Resource[]::new)), "node1", true)));
    if (inSync) {
      keeper.tell(new RouteKeeper.WorkloadsKnown(Set.of()));
    }
  }

  private static NodeSourceKey source(String node, String network, int prefix) {
    Ip address = Ip.parse(network);
    return new NodeSourceKey(address.family().bits() + prefix, Ip.parse(node), address);
  }

  private Set<NodeSourceKey> sourcesInMaps() {
    return Arrays.stream(Family.values())
        .flatMap(family -> Set.copyOf(dataplane.nodeSources(family).entries.keySet()).stream())
        .collect(Collectors.toSet());
  }

  private void awaitSources(NodeSourceKey... expected) {
    await().untilAsserted(() -> assertThat(sourcesInMaps()).containsExactlyInAnyOrder(expected));
  }

  @Test
  void whatPodsOfOtherNodesMaySendFromIsInTheMapsByNodeAndNoRouteLeadsThere() {
    start();
    sources(
        true,
        router("node1", "10.7.0.0/16"),
        router("node2", "10.9.0.0/16", "fd09::/32"),
        router("node3", "10.9.0.0/16", "fd09::/32"));
    // Node 3 has no address of IPv6: none of its packets can come out of the tunnel.
    awaitSources(
        source("192.168.102.2", "10.9.0.0", 16),
        source("fd00:100:2::2", "fd09::", 32),
        source("192.168.103.2", "10.9.0.0", 16));
    assertThat(map(Family.IPV4).keySet()).doesNotContain(key("10.9.0.0", 16));
    assertThat(map(Family.IPV6).keySet()).doesNotContain(key("fd09::", 32));
    assertThat(net.changes).noneMatch(change -> change.contains("10.9.0.0"));
    int before = epoch();
    sources(true, router("node2", "10.9.0.0/16", "10.8.0.0/16"), router("node3", "10.9.0.0/16"));
    awaitSources(
        source("192.168.102.2", "10.9.0.0", 16),
        source("192.168.102.2", "10.8.0.0", 16),
        source("192.168.103.2", "10.9.0.0", 16));
    await("flows look again").until(() -> epoch() > before);
    sources(true);
    awaitSources();
  }

  @Test
  @Tag("INV-AG-1")
  @Tag("INV-AG-3")
  void aNewKeeperTakesOthersSourcesAwayOnlyWhenAllIsKnown() {
    NodeSourceKey kept = source("192.168.102.2", "10.9.0.0", 16);
    NodeSourceKey gone = source("192.168.104.2", "10.9.0.0", 16);
    dataplane.nodeSources(Family.IPV4).entries.put(kept, 1);
    dataplane.nodeSources(Family.IPV4).entries.put(gone, 1);
    List<String> batches = new CopyOnWriteArrayList<>();
    dataplane.nodeSources(Family.IPV4).batches = batches::add;
    start();
    sources(false, router("node3", "10.8.0.0/16"));
    NodeSourceKey added = source("192.168.103.2", "10.8.0.0", 16);
    awaitSources(kept, gone, added);
    sources(true, router("node2", "10.9.0.0/16"), router("node3", "10.8.0.0/16"));
    awaitSources(kept, added);
    assertThat(batches).containsExactly("+node_sources4 1", "-node_sources4 1");
  }

  @Test
  void othersSourcesForWhichThereIsNoRoomAreToldAndComeLater() {
    start();
    String[] many =
        IntStream.range(0, 101).mapToObj(i -> "10." + i + ".0.0/16").toArray(String[]::new);
    sources(true, router("node2", many));
    await().until(() -> sourcesInMaps().size() == 100);
    TestProbe<RouteKeeper.Status> status = kit.createTestProbe();
    await()
        .untilAsserted(
            () -> {
              keeper.tell(new RouteKeeper.GetStatus(status.getRef()));
              assertThat(status.receiveMessage().problems())
                  .anyMatch(line -> line.contains("map node_sources4 is full"));
            });
    List<String> refused = new ArrayList<>(List.of(many));
    sourcesInMaps().forEach(key -> refused.remove(key.addr() + "/16"));
    assertThat(refused).hasSize(1);
    sources(true, router("node2", "10.200.0.0/16", refused.get(0)));
    awaitSources(
        source("192.168.102.2", "10.200.0.0", 16),
        source("192.168.102.2", refused.get(0).split("/")[0], 16));
  }

  @Test
  void aPodsWorkloadEndpointSaysWhatItMaySendFrom() {
    Resource annotated = withSources(pod("nat", "node2", "10.244.2.3"), "10.9.0.0/16");
    Resource endpoint =
        endpoint(
            ObjectMeta.of("default", "nat"), "node2", "cali9", List.of("10.8.0.0/16"), "10.9.9.1");
    Resource unborn = withSources(pod("unborn", "node2"), "10.7.0.0/16");
    Resource elsewhere = withSources(pod("lost", "node7", "10.9.9.3"), "10.6.0.0/16");
    NodeSourceKey eight = source("192.168.102.2", "10.8.0.0", 16);
    NodeSourceKey nine = source("192.168.102.2", "10.9.0.0", 16);
    assertThat(ClusterRoutes.of(snapshot(true, NODE2, annotated, unborn, elsewhere), "node1", true))
        .extracting(ClusterRoutes::sources)
        .isEqualTo(Set.of(nine));
    assertThat(ClusterRoutes.of(snapshot(true, NODE2, annotated, endpoint), "node1", true))
        .extracting(ClusterRoutes::sources)
        .isEqualTo(Set.of(eight));
    assertThat(ClusterRoutes.of(snapshot(true, NODE2, annotated, endpoint), "node1", false))
        .as("workloadSourceSpoofing is Disabled")
        .extracting(ClusterRoutes::sources)
        .isEqualTo(Set.of());
    assertThat(ClusterRoutes.of(snapshot(true, NODE2, annotated), "node2", true))
        .as("its own node")
        .extracting(ClusterRoutes::sources)
        .isEqualTo(Set.of());
  }

  private static Pod withSources(Pod pod, String... networks) {
    return new Pod(
        pod.meta(),
        pod.nodeName(),
        pod.hostNetwork(),
        pod.podIps(),
        pod.ports(),
        pod.serviceAccountName(),
        pod.finished(),
        Arrays.stream(networks).map(Cidr::parse).toList(),
        pod.qos());
  }
}
