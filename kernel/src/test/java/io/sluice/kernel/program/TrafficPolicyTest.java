// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.BackendFlags;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SourceRangeKey;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may speak to a service, and which of its backends who gets. */
class TrafficPolicyTest extends OutsideTest {
  private static final int AFFINITY_SECONDS = 60;

  private static Ip other(Family family) {
    return Ip.parse(family == Family.IPV4 ? "192.168.99.77" : "fd00:99::77");
  }

  private void external(Family family, Traffic traffic, int flags, Target... targets) {
    service(SERVICE, family, 0, 0, targets);
    frontend(SERVICE, Net.of(family).service(), 80, traffic.proto(), flags);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-10")
  void externalTrafficPolicyLocalIsForClientsFromOutside(Family family, Traffic traffic) {
    Net net = Net.of(family);
    int flags = FrontendFlags.FRONTEND_LOAD_BALANCER | FrontendFlags.FRONTEND_LOCAL;
    external(family, traffic, flags, at(net.remotePod()), at(net.b()));
    TreeSet<String> places = new TreeSet<>();
    for (int port = 1000; port < 1030; port++) {
      assertThat(enter(traffic.first(net.client(), port, net.service(), 80)).place())
          .isEqualTo("b");
      places.add(harness.send(a, traffic.first(net.a(), port, net.service(), 80)).place());
      places.add(leave(traffic.first(self(family), port, net.service(), 80)).place());
    }
    assertThat(places).containsExactly("b", "tunnel");
    external(family, traffic, flags, at(net.remotePod()));
    assertThat(enter(traffic.first(net.client(), 2000, net.service(), 80)).story())
        .isEqualTo("nowhere: no_local_backend");
    assertThat(harness.send(a, traffic.first(net.a(), 2000, net.service(), 80)).place())
        .isEqualTo("tunnel");
    external(family, traffic, flags);
    assertThat(enter(traffic.first(net.client(), 2000, net.service(), 80)).place())
        .as("refused, as there are none at all")
        .isEqualTo("up");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-10")
  void internalTrafficPolicyLocalIsForAll(Family family, Traffic traffic) {
    Net net = Net.of(family);
    int flags = FrontendFlags.FRONTEND_CLUSTER_IP | FrontendFlags.FRONTEND_LOCAL;
    external(family, traffic, flags, at(net.remotePod()), at(net.b()));
    for (int port = 1000; port < 1030; port++) {
      assertThat(harness.send(a, traffic.first(net.a(), port, net.service(), 80)).place())
          .isEqualTo("b");
      assertThat(leave(traffic.first(self(family), port, net.service(), 80)).place())
          .isEqualTo("b");
      assertThat(enter(traffic.first(net.client(), port, net.service(), 80)).place())
          .isEqualTo("b");
    }
    external(family, traffic, flags, at(net.remotePod()));
    assertThat(harness.send(a, traffic.first(net.a(), 2000, net.service(), 80)).story())
        .isEqualTo("nowhere: no_local_backend");
  }

  private void addRange(int service, Ip network, int prefix) {
    maps.ranges
        .get(network.family())
        .put(new SourceRangeKey(32 + prefix, service, network.masked(prefix)), 1);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-10")
  void sourceRangesAreOfTheServiceAlone(Family family, Traffic traffic) {
    Net net = Net.of(family);
    int flags = FrontendFlags.FRONTEND_LOAD_BALANCER | FrontendFlags.FRONTEND_SOURCE_RANGES;
    external(family, traffic, flags, at(net.b()));
    byte[] first = traffic.first(net.client(), 1000, net.service(), 80);
    assertThat(enter(first).story()).isEqualTo("nowhere: source_range");
    addRange(SERVICE + 1, net.client(), 8);
    assertThat(enter(first).story()).as("another's").isEqualTo("nowhere: source_range");
    addRange(SERVICE, net.client(), family.bits());
    assertThat(enter(first).place()).isEqualTo("b");
    assertThat(enter(traffic.first(other(family), 1000, net.service(), 80)).story())
        .isEqualTo("nowhere: source_range");
    assertThat(harness.send(a, traffic.first(net.a(), 1000, net.service(), 80)).story())
        .as("pods are asked, too")
        .isEqualTo("nowhere: source_range");
    // The node where it entered has asked.
    assertThat(
            forwarded(traffic.first(other(family), 1000, net.service(), 80), node(family, 2))
                .place())
        .isEqualTo("b");
    // Other frontends of the service are open to all.
    frontend(SERVICE, Ip.any(family), NODE_PORT, traffic.proto(), FrontendFlags.FRONTEND_NODE_PORT);
    assertThat(enter(traffic.first(other(family), 2000, self(family), NODE_PORT)).place())
        .isEqualTo("b");
    addRange(SERVICE, other(family), family == Family.IPV4 ? 24 : 64);
    assertThat(enter(traffic.first(other(family), 3000, net.service(), 80)).place()).isEqualTo("b");
  }

  private AffinityKey keyOf(Net net) {
    return new AffinityKey(net.client(), SERVICE);
  }

  private Affinity affinity(Net net) {
    return maps.affinity.get(net.family()).get(keyOf(net)).orElseThrow();
  }

  private void setAffinity(Net net, Target to, int flags, int lastUsed) {
    int gen = harness.backendGen.get(to.id()).orElseThrow().gen();
    maps.affinity
        .get(net.family())
        .put(keyOf(net), new Affinity(to.addr(), to.port(), flags, to.id(), gen, lastUsed));
  }

  private Ip chosen(Life life) {
    return life.packet().destination();
  }

  private byte[] first(Traffic traffic, Net net, int port) {
    return traffic.first(net.client(), port, net.service(), 80);
  }

  private void sticky(Family family, Traffic traffic, Target... targets) {
    service(SERVICE, family, 0, AFFINITY_SECONDS, targets);
    frontend(
        SERVICE, Net.of(family).service(), 80, traffic.proto(), FrontendFlags.FRONTEND_EXTERNAL_IP);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-4")
  void affinityIsAskedFirst(Family family, Traffic traffic) {
    Net net = Net.of(family);
    sticky(family, traffic, at(net.a()), at(net.b()), at(net.c()));
    Ip before = chosen(enter(first(traffic, net, 1000)));
    assertThat(affinity(net).addr()).isEqualTo(before);
    assertThat(affinity(net).id()).isEqualTo(at(before).id());
    assertThat(affinity(net).flags()).isEqualTo(BackendFlags.BACKEND_LOCAL);
    for (int port = 1001; port < 1010; port++) {
      assertThat(chosen(enter(first(traffic, net, port)))).isEqualTo(before);
    }
    // What is noted decides, not the hash that chose it.
    Ip noted = before.equals(net.b()) ? net.c() : net.b();
    setAffinity(net, at(noted), BackendFlags.BACKEND_LOCAL, affinity(net).lastUsed());
    for (int port = 1010; port < 1020; port++) {
      assertThat(chosen(enter(first(traffic, net, port)))).isEqualTo(noted);
      assertThat(chosen(forwarded(first(traffic, net, port + 1000), node(family, 2))))
          .isEqualTo(noted);
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-4")
  void aDeadBackendIsAMiss(Family family, Traffic traffic) {
    Net net = Net.of(family);
    sticky(family, traffic, at(net.b()), at(net.c()));
    Ip before = chosen(enter(first(traffic, net, 1000)));
    Ip left = before.equals(net.b()) ? net.c() : net.b();
    harness.bumpGeneration(at(before).id());
    sticky(family, traffic, at(left));
    assertThat(chosen(enter(first(traffic, net, 1001)))).isEqualTo(left);
    assertThat(affinity(net).addr()).isEqualTo(left);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-4")
  void itLastsForItsTimeSinceTheLastNewFlow(Family family, Traffic traffic) {
    Net net = Net.of(family);
    sticky(family, traffic, at(net.b()), at(net.c()));
    Ip before = chosen(enter(first(traffic, net, 1000)));
    Ip noted = before.equals(net.b()) ? net.c() : net.b();
    int now = affinity(net).lastUsed();
    int time = AFFINITY_SECONDS * Chain.HZ;
    setAffinity(net, at(noted), BackendFlags.BACKEND_LOCAL, now - time + 10 * Chain.HZ);
    assertThat(chosen(enter(first(traffic, net, 1001)))).isEqualTo(noted);
    assertThat(affinity(net).lastUsed() - now).as("renewed").isNotNegative();
    setAffinity(net, at(noted), BackendFlags.BACKEND_LOCAL, now - time);
    assertThat(chosen(enter(first(traffic, net, 1002)))).as("too old").isEqualTo(before);
    assertThat(affinity(net).addr()).isEqualTo(before);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-4")
  void aClientsFirstChoiceIsTheSameOnEachNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    sticky(family, traffic, at(net.a()), at(net.b()), at(net.c()));
    TreeSet<Ip> reached = new TreeSet<>();
    for (int i = 1; i <= 20; i++) {
      Ip client = Ip.parse((family == Family.IPV4 ? "192.168.99." : "fd00:99::") + i);
      Ip here = chosen(enter(traffic.first(client, 1000, net.service(), 80)));
      maps.reset();
      Ip there = chosen(forwarded(traffic.first(client, 2000, net.service(), 80), node(family, 2)));
      maps.reset();
      assertThat(there).isEqualTo(here);
      reached.add(here);
    }
    assertThat(reached).hasSize(3);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-DSR-2")
  void whatIsNotedOfAnotherNodeIsNotForForwardedPackets(Family family, Traffic traffic) {
    Net net = Net.of(family);
    sticky(family, traffic, at(net.remotePod()), at(net.b()));
    enter(first(traffic, net, 1000));
    int now = affinity(net).lastUsed();
    setAffinity(net, at(net.remotePod()), 0, now);
    assertThat(enter(first(traffic, net, 1001)).story()).isEqualTo("tunnel: forward");
    Life life = forwarded(first(traffic, net, 1002), node(family, 3));
    assertThat(chosen(life)).isEqualTo(net.b());
  }
}
