// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static io.sluice.actors.policy.World.calico;
import static io.sluice.actors.policy.World.document;
import static io.sluice.actors.policy.World.namespace;
import static io.sluice.actors.policy.World.pod;
import static io.sluice.actors.policy.World.tcp;
import static io.sluice.actors.policy.World.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.Protocol;
import io.sluice.config.settings.FailsafePort;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.PacketView;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Verdict;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Host endpoints: which interface is whose, and what is asked where. */
class HostSemanticsTest {
  private static final int TO_HOST = PktFlags.PKT_DST_HOST;
  private static final int FROM_HOST = PktFlags.PKT_SRC_HOST;
  private static final int PRE_DNAT = PktFlags.PKT_PRE_DNAT;

  private static World world(String... manifests) {
    World world = new World().host("eth0", "192.0.2.1").host("eth1", "198.51.100.1").host("lo");
    for (String manifest : manifests) {
      world.put(manifest);
    }
    return world.update();
  }

  private static String host(String name, String spec) {
    return document("projectcalico.org/v3", "HostEndpoint", "", name, "node: node1\n" + spec)
        .replace("metadata: {name: " + name, "metadata: {name: " + name + ", labels: {host: h}");
  }

  private static String policy(String name, String spec) {
    return calico("", name, "selector: has(host)\n" + spec);
  }

  private static Plan in(World world, String nic) {
    return world.policy.byNic().get(nic).in().orElseThrow();
  }

  private static Plan out(World world, String nic) {
    return world.policy.byNic().get(nic).out().orElseThrow();
  }

  private static PacketView packet(int flags, int port) {
    return tcp("203.0.113.1", "192.0.2.1", port).withFlags(flags);
  }

  @Test
  void withoutHostEndpointNothingIsAsked() {
    assertThat(world().policy.byNic()).isEmpty();
    World other = world(host("other", "interfaceName: eth0").replace("node1", "node2"));
    assertThat(other.policy.byNic()).isEmpty();
    assertThat(other.policy.problems()).isEmpty();
  }

  @Test
  void aNameWinsOverAnAddressAndThatOverAll() {
    World world = world(host("all", "interfaceName: '*'"), host("ip", "expectedIPs: [192.0.2.1]"));
    assertThat(world.policy.byNic().keySet()).as("not loopback").containsExactly("eth0", "eth1");
    assertThat(world.policy.byNic().get("eth0").owner().name()).isEqualTo("ip");
    assertThat(world.policy.byNic().get("eth1").owner().name()).isEqualTo("all");
    world.put(host("name", "interfaceName: eth0")).update();
    assertThat(world.policy.byNic().get("eth0").owner().name()).isEqualTo("name");
    world.put(host("second", "interfaceName: eth0")).put(host("lost", "interfaceName: eth7"));
    world.update();
    assertThat(world.policy.byNic().get("eth0").owner().name()).isEqualTo("name");
    assertThat(world.policy.problems())
        .containsExactly(
            "HostEndpoint lost: this node has no host interface eth7 (bpfDataIfacePattern): it is not enforced",
            "HostEndpoint second: its interface is that of HostEndpoint name, which is older");
  }

  @Test
  void withoutPolicyItDeniesAllButFailsafesAndWhatIsForwarded() {
    World world = world(host("h", "interfaceName: eth0"));
    Plan in = in(world, "eth0");
    assertThat(world.judge(in, packet(TO_HOST, 80)).allowed()).isFalse();
    assertThat(world.judge(in, packet(TO_HOST, 22)).allowed()).isTrue();
    assertThat(world.judge(in, packet(0, 80)).allowed()).as("forwarded").isTrue();
    assertThat(world.judge(in, packet(PRE_DNAT, 80)).allowed()).isTrue();
    Plan out = out(world, "eth0");
    assertThat(world.judge(out, packet(FROM_HOST, 80)).allowed()).isFalse();
    PacketView dns = udp("192.0.2.1", "203.0.113.1", 53).withFlags(FROM_HOST);
    assertThat(world.judge(out, dns).allowed()).isTrue();
    assertThat(world.judge(out, packet(0, 80)).allowed()).isTrue();
    assertThat(world.policy.byNic().get("eth0").untracked()).isEmpty();
  }

  @Test
  void aProfileMayAllow() {
    World world = world(host("h", "interfaceName: eth0\nprofiles: [projectcalico-default-allow]"));
    assertThat(world.judge(in(world, "eth0"), packet(TO_HOST, 80)).allowed()).isTrue();
    assertThat(world.policy.problems()).isEmpty();
  }

  @Tag("INV-POL-3")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "order: 1",
        "order: 1\ningress: [{action: Deny}]\negress: [{action: Deny}]",
        "order: 1\npreDNAT: true\napplyOnForward: true\ningress: [{action: Deny}]",
        "order: 1\ndoNotTrack: true\napplyOnForward: true\ningress: [{action: Deny}]"
      })
  void failsafesStayOpenUnderAnyPolicy(String spec) {
    World world = world(host("h", "interfaceName: eth0"), policy("p", spec));
    EndpointPolicy policy = world.policy.byNic().get("eth0");
    for (int flags : new int[] {PRE_DNAT, TO_HOST}) {
      assertThat(world.judge(policy.in().orElseThrow(), packet(flags, 22)).allowed()).isTrue();
    }
    PacketView dns = udp("192.0.2.1", "203.0.113.1", 53).withFlags(FROM_HOST);
    assertThat(world.judge(policy.out().orElseThrow(), dns).allowed()).isTrue();
    policy
        .untracked()
        .ifPresent(
            plan -> {
              Verdict verdict = world.judge(plan, packet(0, 22));
              assertThat(verdict.allowed()).isTrue();
              assertThat(verdict.index()).as("left to the others").isEqualTo(-1);
            });
  }

  @Test
  void aFailsafeMayHoldForSomePeersAlone() {
    FailsafePort ssh =
        new FailsafePort(Protocol.TCP, Optional.of(Cidr.parse("203.0.113.0/24")), 22);
    World world =
        new World(
            new PolicySettings(true, World.SETTINGS.toHost(), List.of(ssh), List.of()),
            definition -> Ids.of(definition.text()));
    world.host("eth0").put(host("h", "interfaceName: eth0")).update();
    assertThat(world.judge(in(world, "eth0"), packet(TO_HOST, 22)).allowed()).isTrue();
    PacketView other = tcp("198.51.100.9", "192.0.2.1", 22).withFlags(TO_HOST);
    assertThat(world.judge(in(world, "eth0"), other).allowed()).isFalse();
  }

  @Test
  void normalPolicyIsForTheHostItself() {
    World world =
        world(
            host("h", "interfaceName: eth0"),
            policy(
                "p",
                "types: [Ingress]\ningress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]"));
    Plan in = in(world, "eth0");
    assertThat(world.judge(in, packet(TO_HOST, 80)).policy()).isEqualTo("GlobalNetworkPolicy p");
    assertThat(world.judge(in, packet(TO_HOST, 81)).allowed()).isFalse();
    assertThat(world.judge(in, packet(0, 81)).allowed()).as("forwarded").isTrue();
    assertThat(world.judge(out(world, "eth0"), packet(FROM_HOST, 80)).allowed()).isFalse();
  }

  @Test
  void applyOnForwardIsForBoth() {
    World world =
        world(
            host("h", "interfaceName: eth0"),
            policy(
                "p",
                "applyOnForward: true\ntypes: [Ingress]\ningress: [{action: Allow, source: {nets: [203.0.113.1/32]}}]"));
    Plan in = in(world, "eth0");
    PacketView other = tcp("198.51.100.9", "192.0.2.1", 80);
    for (int flags : new int[] {TO_HOST, 0}) {
      assertThat(world.judge(in, packet(flags, 80)).allowed()).isTrue();
      assertThat(world.judge(in, other.withFlags(flags)).allowed()).isFalse();
    }
    assertThat(world.judge(out(world, "eth0"), other).allowed()).as("no egress policy").isTrue();
  }

  @Test
  void preDnatDecidesOnlyWhereARuleDoes() {
    World world =
        world(
            host("h", "interfaceName: eth0\nprofiles: [projectcalico-default-allow]"),
            policy(
                "p",
                "preDNAT: true\napplyOnForward: true\ningress: [{action: Deny, protocol: TCP, destination: {ports: [30080]}}]"));
    Plan in = in(world, "eth0");
    assertThat(world.judge(in, packet(PRE_DNAT, 30080)).allowed()).isFalse();
    assertThat(world.judge(in, packet(PRE_DNAT, 30081)).allowed()).isTrue();
    assertThat(world.judge(in, packet(TO_HOST, 30080)).allowed()).as("asked after").isTrue();
  }

  @Test
  void untrackedPolicyIsAPlanOfItsOwn() {
    World world =
        world(
            host("h", "interfaceName: eth0\nprofiles: [projectcalico-default-allow]"),
            policy(
                "p",
                "doNotTrack: true\napplyOnForward: true\ningress: [{action: Deny, source: {nets: [203.0.113.0/24]}}]"));
    Plan plan = world.policy.byNic().get("eth0").untracked().orElseThrow();
    assertThat(world.judge(plan, packet(0, 80)).allowed()).isFalse();
    PacketView other = tcp("198.51.100.9", "192.0.2.1", 80);
    Verdict verdict = world.judge(plan, other);
    assertThat(verdict.allowed()).isTrue();
    assertThat(verdict.id()).isZero();
    assertThat(world.judge(in(world, "eth0"), packet(TO_HOST, 80)).allowed()).isTrue();
    world.remove("gnp", "", "p").update();
    assertThat(world.policy.byNic().get("eth0").untracked()).isEmpty();
  }

  @Test
  void aLaterFragmentIsAskedAboutItsAddressesAlone() {
    World world =
        world(
            host("h", "interfaceName: eth0"),
            policy(
                "p",
                "doNotTrack: true\napplyOnForward: true\ningress:"
                    + " [{action: Deny, protocol: TCP, destination: {notPorts: [80]}},"
                    + " {action: Deny, source: {nets: [203.0.113.0/24]}}]"));
    Plan plan = world.policy.byNic().get("eth0").untracked().orElseThrow();
    int fragment = PktFlags.PKT_FRAGMENT;
    PacketView other = tcp("198.51.100.9", "192.0.2.1", 81);
    assertThat(world.judge(plan, other).allowed()).isFalse();
    assertThat(world.judge(plan, other.withFlags(fragment)).allowed()).isTrue();
    assertThat(world.judge(plan, packet(fragment, 0)).allowed()).isFalse();
  }

  @Test
  void policiesForHostsOnlyLeaveWorkloadsAlone() {
    World world =
        world(
            namespace("x", ""),
            pod("x", "a", World.NODE, "10.0.0.1", "host: h"),
            policy("p", "preDNAT: true\napplyOnForward: true\ningress: [{action: Deny}]"),
            policy("q", "doNotTrack: true\napplyOnForward: true\ningress: [{action: Deny}]"));
    assertThat(world.enters("x", "a", tcp("10.0.0.2", "10.0.0.1", 80))).isTrue();
  }

  @Test
  void theCaseOfPreDnatIsAlwaysThere() {
    World world = world(host("h", "interfaceName: eth0"));
    Plan.Case first = in(world, "eth0").cases().get(0);
    assertThat(first).isEqualTo(new Plan.Case(PRE_DNAT, PRE_DNAT, Chain.PASS_ALL));
  }
}
