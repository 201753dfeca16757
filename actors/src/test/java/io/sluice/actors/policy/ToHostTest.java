// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static io.sluice.actors.policy.World.calico;
import static io.sluice.actors.policy.World.document;
import static io.sluice.actors.policy.World.pod;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.settings.Choices.HostAction;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Verdict;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a workload sends to its own node, with defaultEndpointToHostAction: Return. */
class ToHostTest {
  private static final String ALLOWS_80 =
      "types: [Ingress]\ningress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]";
  private static final String POLICY = "GlobalNetworkPolicy p";

  /** Of both families. */
  private static final String[] NODE = {"192.0.2.1", "2001:db8::1"};

  private static World world(HostAction action, String... manifests) {
    World world = new World(action).host("eth0", "192.0.2.1").host("eth1", "198.51.100.1");
    world.put(pod("x", "a", World.NODE, "10.0.0.1", "app: a"));
    for (String manifest : manifests) {
      world.put(manifest);
    }
    return world.update();
  }

  private static String host(String name, String spec) {
    return document("projectcalico.org/v3", "HostEndpoint", "", name, "node: node1\n" + spec)
        .replace("metadata: {name: " + name, "metadata: {name: " + name + ", labels: {host: h}");
  }

  private static String general() {
    return host("all", "interfaceName: '*'");
  }

  private static String policy(String spec) {
    return calico("", "p", "selector: has(host)\n" + spec);
  }

  private static Verdict toHost(World world, String node, int port) {
    return leaving(world, node, port, PktFlags.PKT_DST_HOST);
  }

  private static Verdict leaving(World world, String to, int port, int flags) {
    String from = to.contains(":") ? "fd00::1" : "10.0.0.1";
    PacketView packet = PacketView.of(World.TCP, Ip.parse(from), 40000, Ip.parse(to), port);
    return world.leaving("x", "a", packet.withFlags(flags));
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1", "2001:db8::1"})
  @Tag("INV-POL-1")
  @Tag("INV-POL-3")
  void theHostEndpointForAllInterfacesIsAsked(String node) {
    World world = world(HostAction.RETURN, general(), policy(ALLOWS_80));
    Verdict allowed = toHost(world, node, 80);
    assertThat(allowed.allowed()).isTrue();
    assertThat(allowed.step()).isEqualTo(1);
    assertThat(allowed.policy()).isEqualTo(POLICY);
    Verdict denied = toHost(world, node, 81);
    assertThat(denied.allowed()).isFalse();
    assertThat(denied.tier()).isEqualTo("default");
    assertThat(toHost(world, node, 22).tier()).isEqualTo(PlanMaker.FAILSAFE);
    assertThat(leaving(world, node, 81, 0).allowed()).as("to others").isTrue();
    for (Verdict verdict : List.of(allowed, denied)) {
      assertThat(verdict.hits()).as("its own, and the host's").hasSize(2);
      assertThat(world.policy.rules().keySet()).containsAll(verdict.hits());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1", "2001:db8::1"})
  void itsOwnEgressComesFirst(String node) {
    World world = world(HostAction.RETURN, general(), policy(ALLOWS_80));
    String own = "selector: app == 'a'\ntypes: [Egress]\negress: [{action: %s}]";
    world.put(calico("x", "own", own.formatted("Deny"))).update();
    Verdict denied = toHost(world, node, 80);
    assertThat(denied.allowed()).isFalse();
    assertThat(denied.step()).isZero();
    assertThat(toHost(world, node, 22).allowed()).as("failsafes are the host's").isFalse();
    world.put(calico("x", "own", own.formatted("Allow"))).update();
    assertThat(toHost(world, node, 80).allowed()).isTrue();
    assertThat(toHost(world, node, 81).allowed()).isFalse();
  }

  @ParameterizedTest
  @EnumSource(HostAction.class)
  void onlyReturnAsks(HostAction action) {
    World world = world(action, general(), policy(ALLOWS_80));
    for (String node : NODE) {
      assertThat(toHost(world, node, 80).allowed()).isEqualTo(action != HostAction.DROP);
      assertThat(toHost(world, node, 81).allowed()).isEqualTo(action == HostAction.ACCEPT);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1", "2001:db8::1"})
  void otherHostEndpointsAndOtherPoliciesAreNotAsked(String node) {
    String named = host("named", "interfaceName: eth0");
    World world = world(HostAction.RETURN, named, policy("types: [Ingress]"));
    assertThat(toHost(world, node, 81).allowed()).as("no host endpoint for all").isTrue();
    world.put(named.replace("eth0", "'*'").replace("node1", "node2")).update();
    assertThat(toHost(world, node, 81).allowed()).as("another node's").isTrue();
    world.put(host("all", "interfaceName: '*'\nprofiles: [projectcalico-default-allow]"));
    world.put(policy("preDNAT: true\napplyOnForward: true\ningress: [{action: Deny}]")).update();
    assertThat(toHost(world, node, 81).allowed()).as("its profile, not preDNAT").isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1", "2001:db8::1"})
  void itFollowsWhatChanges(String node) {
    World world = world(HostAction.RETURN, policy(ALLOWS_80));
    Plan without = world.of("x", "a").in().orElseThrow();
    world.put(general()).update();
    assertThat(toHost(world, node, 81).allowed()).isFalse();
    world.put(policy(ALLOWS_80.replace("[80]", "[81]"))).update();
    assertThat(toHost(world, node, 81).allowed()).isTrue();
    assertThat(toHost(world, node, 80).allowed()).isFalse();
    world.put(general().replace("host: h", "other: h")).update();
    assertThat(toHost(world, node, 81).allowed()).as("no policy is for it").isFalse();
    world.put(host("first", "interfaceName: eth0")).put(host("second", "interfaceName: eth1"));
    world.put(general()).update();
    assertThat(toHost(world, node, 81).allowed()).as("also where it has no interface").isTrue();
    world.remove("hep", "", "all").update();
    assertThat(world.of("x", "a").in()).contains(without);
    assertThat(world.policy).isEqualTo(world.fromScratch());
  }
}
