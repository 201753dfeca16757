// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.SkbContext;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Plan;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Policy of host interfaces: before services are looked up, for the host itself, and forwarded. */
class HostPolicyTest extends OutsideTest {
  private static final int SLOT = 9;
  private static final Chain ALL = Chain.ALLOW_ALL;
  private static final Chain NOTHING = Chain.DENY_ALL;

  @AfterEach
  void emptySlots() {
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      harness.chain.policies(hook).clear(SLOT);
    }
  }

  private void slots(int in, int out) {
    Iface now = harness.ifaces.get(up.ifindex()).orElseThrow();
    harness.ifaces.put(
        up.ifindex(),
        new Iface(now.flags(), in, out, 0, 0, Ip.ANY4, Ip.ANY6, up.name(), now.mtu()));
  }

  /** What no preDNAT rule decides on is left to the others. */
  private void ingress(Chain preDnat, Chain normal, Chain forward) {
    Action end = preDnat.end() == Action.ALLOW ? Action.PASS : preDnat.end();
    Chain first = new Chain(preDnat.tiers(), preDnat.profiles(), end, preDnat.endId());
    harness.chain.setPolicy(SluiceHook.HOOK_IN, SLOT, Plans.in(first, normal, forward));
    slots(SLOT, 0);
  }

  private void egress(Chain normal, Chain forward) {
    harness.chain.setPolicy(SluiceHook.HOOK_OUT, SLOT, Plans.out(normal, forward));
    slots(0, SLOT);
  }

  /** The host's own socket sends by its interface. */
  private Life fromHost(Pod iface, byte[] frame) {
    SkbContext context = new SkbContext(0, 0, 0, iface.ifindex(), 0, 0, 0, 0, 0, 0, 0, 0);
    Outcome out = harness.run(SluiceHook.HOOK_OUT, frame, context);
    return out.verdict() == Outcome.UNSPEC
        ? new Life(List.of(out), iface.name())
        : harness.follow(out, iface);
  }

  private Life fromHost(byte[] frame) {
    return fromHost(up, frame);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void preDnatPolicySeesWhatTheClientSpeaksTo(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    Chain noNodePort = Plans.chain(Action.ALLOW, Plans.to(Action.DENY, self(family), NODE_PORT));
    ingress(noNodePort, NOTHING, ALL);
    byte[] first = traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT);
    assertThat(enter(first).story()).isEqualTo("nowhere: pre_dnat");
    assertThat(harness.entries(family)).isEmpty();
    // The backend's address is nothing that it knows of; nor is it asked about another port.
    ingress(Plans.chain(Action.ALLOW, Plans.to(Action.DENY, net.b(), 8080)), NOTHING, ALL);
    assertThat(enter(first).story()).isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void whatAPreDnatRuleAllowsNobodyElseIsAskedAbout(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    ingress(
        Plans.chain(Action.ALLOW, Plans.to(Action.ALLOW, self(family), NODE_PORT)),
        NOTHING,
        NOTHING);
    byte[] first = traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT);
    assertThat(enter(first).story()).isEqualTo("b: redirect to_pod");
    byte[] other = traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT + 1);
    assertThat(enter(other).story()).isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-1")
  void whatIsForwardedIsJudgedByItsBackend(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    ingress(ALL, NOTHING, Plans.chain(Action.DENY, Plans.to(Action.ALLOW, net.b(), 8080)));
    Life there = enter(traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT));
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertThat(harness.send(b, traffic.answer(net.b(), 8080, net.client(), CLIENT_PORT)).story())
        .isEqualTo("out: out");
    // Known to both sides: nobody is asked again, whatever the policy says by now.
    ingress(NOTHING, NOTHING, NOTHING);
    assertThat(enter(traffic.next(net.client(), CLIENT_PORT, self(family), NODE_PORT)).story())
        .isEqualTo("b: peer");
    ingress(ALL, ALL, Plans.chain(Action.DENY, Plans.to(Action.ALLOW, self(family), NODE_PORT)));
    byte[] other = traffic.first(net.client(), 2000, self(family), NODE_PORT);
    assertThat(enter(other).story()).isEqualTo("nowhere: policy");
    // By its own address alike.
    byte[] direct = traffic.first(net.client(), 2001, net.c(), 80);
    assertThat(enter(direct).story()).isEqualTo("nowhere: policy");
    ingress(ALL, NOTHING, Plans.chain(Action.DENY, Plans.to(Action.ALLOW, net.c(), 80)));
    assertThat(enter(direct).story()).isEqualTo("c: redirect to_pod");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-1")
  void aBackendOfAnotherNodeIsJudgedWhereTheClientEnters(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip remote = Overlay.pod(family, 2);
    nodePort(family, traffic, at(remote));
    byte[] first = traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT);
    ingress(ALL, NOTHING, Plans.chain(Action.DENY, Plans.to(Action.ALLOW, net.a(), 8080)));
    assertThat(enter(first).story()).isEqualTo("nowhere: policy");
    assertThat(harness.entries(family)).isEmpty();
    ingress(ALL, NOTHING, Plans.chain(Action.DENY, Plans.to(Action.ALLOW, remote, 8080)));
    Life there = enter(first);
    assertThat(there.story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, first)).isEqualTo(to(family, 2, FORWARD));
    assertThat(there.packet().destination()).isEqualTo(self(family));
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-3")
  void failsafePortsAreOpenUnderAnyPolicy(Family family, Traffic traffic) {
    Net net = Net.of(family);
    ingress(ALL, Plans.normal(Plans.all(Action.DENY)), NOTHING);
    assertThat(enter(traffic.first(net.client(), CLIENT_PORT, self(family), 23)).story())
        .isEqualTo("nowhere: policy");
    byte[] open = traffic.first(net.client(), CLIENT_PORT, self(family), 22);
    Life in = enter(open);
    assertThat(in.story()).isEqualTo("stack: stack");
    assertThat(in.last().frame()).isEqualTo(open);
    egress(Plans.normal(Plans.all(Action.DENY)), NOTHING);
    assertThat(leave(traffic.answer(self(family), 22, net.client(), CLIENT_PORT)).story())
        .isEqualTo("up: stack");
    assertThat(fromHost(traffic.first(self(family), 3000, net.client(), 22)).story())
        .isEqualTo("up: stack");
    assertThat(fromHost(traffic.first(self(family), 3000, net.client(), 23)).story())
        .isEqualTo("nowhere: policy");
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-3")
  void tcpInMidflowIsLetInByPolicyOrLeftToTables(Family family) {
    Net net = Net.of(family);
    ingress(ALL, Plans.normal(Plans.all(Action.DENY)), NOTHING);
    Life open = enter(Traffic.TCP.next(net.client(), CLIENT_PORT, self(family), 22));
    assertThat(open.story()).isEqualTo("stack: not_tracked");
    assertThat(open.last().ourMark()).isEqualTo(SluiceMark.MARK_SEEN);
    Life other = enter(Traffic.TCP.next(net.client(), CLIENT_PORT, self(family), 23));
    assertThat(other.story()).isEqualTo("stack: fallthrough");
    assertThat(other.last().ourMark())
        .isEqualTo(SluiceMark.MARK_SEEN | SluiceMark.MARK_FALLTHROUGH);
    ingress(NOTHING, ALL, ALL);
    assertThat(enter(Traffic.TCP.next(net.client(), CLIENT_PORT, self(family), 22)).story())
        .isEqualTo("stack: fallthrough");
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void aMaglevFlowInMidflowPassesPolicyWhereItEnters(Family family) {
    Net net = Net.of(family);
    service(SERVICE, family, ServiceFlags.SERVICE_MAGLEV, 0, at(Overlay.pod(family, 2)));
    maps.setTable(SERVICE, new int[] {100 * SERVICE}, null);
    frontend(SERVICE, net.service(), 80, Packet.TCP, FrontendFlags.FRONTEND_EXTERNAL_IP);
    byte[] midflow = Traffic.TCP.next(net.client(), CLIENT_PORT, net.service(), 80);
    ingress(ALL, ALL, NOTHING);
    assertThat(enter(midflow).story()).isEqualTo("nowhere: policy");
    assertThat(harness.entries(family)).isEmpty();
    ingress(
        ALL,
        NOTHING,
        Plans.chain(Action.DENY, Plans.to(Action.ALLOW, Overlay.pod(family, 2), 8080)));
    assertThat(enter(midflow).story()).isEqualTo("tunnel: forward");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void whatAnotherNodeForwardsHasBeenJudgedThere(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    ingress(NOTHING, NOTHING, NOTHING);
    byte[] first = traffic.first(net.client(), CLIENT_PORT, node(family, 2), NODE_PORT);
    assertThat(forwarded(first, node(family, 2)).story()).isEqualTo("b: redirect to_pod");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-PROG-2")
  void anEmptySlotDrops(Family family, Traffic traffic) {
    Net net = Net.of(family);
    slots(SLOT, SLOT);
    assertThat(enter(traffic.first(net.client(), CLIENT_PORT, self(family), 22)).story())
        .isEqualTo("nowhere: no_policy");
    assertThat(fromHost(traffic.first(self(family), 3000, net.client(), 22)).story())
        .isEqualTo("nowhere: no_policy");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void whatLeavesFromAPodIsForwardedAndAskedAboutOnce(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip far = net.client();
    egress(NOTHING, NOTHING);
    Life sent = harness.send(a, traffic.first(net.a(), CLIENT_PORT, far, 443));
    assertThat(sent.story()).isEqualTo("stack: stack");
    int mark = sent.last().mark();
    assertThat(leave(up, sent.last().frame(), mark).story()).isEqualTo("nowhere: policy");
    assertThat(entry(family, 0).has(CtState.CT_EGRESS)).isFalse();
    egress(NOTHING, Plans.chain(Action.DENY, Plans.to(Action.ALLOW, far, 443)));
    assertThat(leave(up, sent.last().frame(), mark).story()).isEqualTo("up: stack");
    assertThat(entry(family, 0).has(CtState.CT_EGRESS)).isTrue();
    // The entry still says that the other side is the stack's.
    Life back = enter(traffic.answer(far, 443, net.a(), CLIENT_PORT));
    assertThat(back.place()).isEqualTo("a");
    egress(NOTHING, NOTHING);
    // Known from end to end: straight out.
    byte[] next = traffic.next(net.a(), CLIENT_PORT, far, 443);
    assertThat(harness.send(a, next).story()).isEqualTo("out: out");
    assertThat(leave(up, next, mark).story()).isEqualTo("up: stack");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void anAnswerToWhatNeverLeftOpensNoWayOut(Family family) {
    Net net = Net.of(family);
    egress(NOTHING, NOTHING);
    byte[] first = Traffic.UDP.first(net.a(), CLIENT_PORT, net.client(), 443);
    Life sent = harness.send(a, first);
    assertThat(leave(up, first, sent.last().mark()).story()).isEqualTo("nowhere: policy");
    for (int i = 0; i < 2; i++) {
      enter(Traffic.UDP.answer(net.client(), 443, net.a(), CLIENT_PORT));
      Life again = harness.send(a, first);
      assertThat(again.story()).isEqualTo("stack: stack");
      assertThat(leave(up, first, again.last().mark()).story()).isEqualTo("nowhere: policy");
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void answersAreNotAskedAbout(Family family, Traffic traffic) {
    Net net = Net.of(family);
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), 80));
    fromHost(traffic.first(self(family), 3000, net.client(), 443));
    egress(NOTHING, NOTHING);
    assertThat(leave(traffic.answer(self(family), 80, net.client(), CLIENT_PORT)).story())
        .isEqualTo("up: stack");
    ingress(NOTHING, NOTHING, NOTHING);
    assertThat(enter(traffic.answer(net.client(), 443, self(family), 3000)).story())
        .isEqualTo("stack: stack");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aNodeReachesItsOwnPodsAlways(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.deny(b, SluiceHook.HOOK_OUT);
    byte[] direct = traffic.first(self(family), 3000, net.b(), 80);
    assertThat(harness.fromStack(b, direct, 0).story()).isEqualTo("b: to_pod");
    nodePort(family, traffic, at(net.b()));
    egress(NOTHING, NOTHING);
    byte[] byService = traffic.first(self(family), 3001, node(family, 2), NODE_PORT);
    assertThat(fromHost(byService).story()).isEqualTo("b: redirect to_pod");
    assertThat(
            fromHost(loopback, traffic.first(self(family), 3002, self(family), NODE_PORT)).story())
        .isEqualTo("b: redirect to_pod");
    // Nobody else does, though the packet bears the node's address.
    byte[] other = traffic.first(self(family), 3003, net.b(), 80);
    assertThat(harness.fromStack(b, other, SluiceMark.MARK_SEEN).story())
        .isEqualTo("nowhere: policy");
    assertThat(harness.fromStack(b, traffic.first(net.client(), 1, net.b(), 80), 0).story())
        .isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aPodToItsNodeIsToldApart(Family family, Traffic traffic) {
    Net net = Net.of(family);
    harness.chain.setPolicy(SluiceHook.HOOK_IN, ChainHarness.TEST_SLOT, Plans.notToHost());
    harness.configure(a, ChainHarness.USUAL_FLAGS, ChainHarness.TEST_SLOT, ChainHarness.ALLOW_SLOT);
    assertThat(harness.send(a, traffic.first(net.a(), 1, self(family), 80)).story())
        .isEqualTo("nowhere: to_host");
    assertThat(harness.send(a, traffic.first(net.a(), 2, net.b(), 80)).place()).isEqualTo("b");
    assertThat(harness.send(a, traffic.first(net.a(), 3, node(family, 2), 80)).place())
        .isEqualTo(Life.STACK);
    nodePort(family, traffic, at(self(family)));
    assertThat(harness.send(a, traffic.first(net.a(), 4, node(family, 2), NODE_PORT)).story())
        .isEqualTo("nowhere: to_host");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatTheKernelWouldNotForwardIsForTheHost(Family family) {
    Net net = Net.of(family);
    ingress(ALL, Plans.normal(Plans.all(Action.DENY)), ALL);
    Ip here = Ip.parse(family == Family.IPV4 ? "192.168.101.255" : "fe80::1");
    assertThat(enter(Traffic.UDP.first(net.client(), CLIENT_PORT, here, 137)).story())
        .isEqualTo("nowhere: policy");
    Ip elsewhere = Ip.parse(family == Family.IPV4 ? "192.168.98.7" : "fd00:98::7");
    assertThat(enter(Traffic.UDP.first(net.client(), CLIENT_PORT, elsewhere, 137)).story())
        .isEqualTo("stack: stack");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-XDP-2")
  void whatTheKernelIsToTrackIsLeftAlone(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    Iface now = harness.ifaces.get(up.ifindex()).orElseThrow();
    int forced = now.flags() | IfaceFlags.IFACE_FORCE_TRACK | IfaceFlags.IFACE_UNTRACKED;
    configureHost(up, forced, now.mtu());
    for (byte[] frame :
        List.of(
            traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT),
            traffic.next(net.client(), CLIENT_PORT, net.b(), 80))) {
      Life life = enter(frame);
      assertThat(life.story()).isEqualTo("stack: stack");
      assertThat(life.last().frame()).isEqualTo(frame);
      assertThat(life.last().ourMark()).isZero();
    }
    assertThat(harness.entries(family)).isEmpty();
    // A policy comes first.
    harness.chain.setPolicy(SluiceHook.HOOK_IN, SLOT, Plan.of(NOTHING));
    slots(SLOT, 0);
    assertThat(enter(traffic.first(net.client(), 2000, net.b(), 80)).story())
        .isEqualTo("nowhere: pre_dnat");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-XDP-1")
  void aMarkAloneIsNoWordOfXdps(Family family, Traffic traffic) {
    Net net = Net.of(family);
    ingress(ALL, NOTHING, NOTHING);
    Iface now = harness.ifaces.get(up.ifindex()).orElseThrow();
    for (int flags : new int[] {now.flags(), now.flags() | IfaceFlags.IFACE_UNTRACKED}) {
      harness.ifaces.put(
          up.ifindex(), new Iface(flags, SLOT, 0, 0, 0, Ip.ANY4, Ip.ANY6, up.name(), now.mtu()));
      byte[] first = traffic.first(net.client(), CLIENT_PORT, self(family), 80);
      Outcome out = harness.run(SluiceHook.HOOK_IN, up, first, SluiceMark.MARK_BYPASS_XDP);
      assertThat(reason(out)).isEqualTo("policy");
    }
  }
}
