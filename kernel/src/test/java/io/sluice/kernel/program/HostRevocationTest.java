// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows that a host interface has approved once: its approval is taken back, or is another's. */
class HostRevocationTest extends OutsideTest {
  private static final int SLOT = 9;
  private static final Chain ALL = Chain.ALLOW_ALL;
  private static final Chain NOTHING = Chain.DENY_ALL;
  private static final int APPROVALS = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;

  /** Another interface of the host. */
  private Pod second;

  @BeforeEach
  void anotherInterface() {
    Iface first = harness.ifaces.get(up.ifindex()).orElseThrow();
    second = c; // no pod's any more
    configureHost(second, first.flags(), first.mtu());
  }

  @AfterEach
  void emptySlots() {
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      harness.chain.policies(hook).clear(SLOT);
    }
  }

  private void enforce(Chain preDnat, Chain in, Chain forward, Chain out) {
    harness.chain.setPolicy(SluiceHook.HOOK_IN, SLOT, Plans.in(preDnat, in, forward));
    harness.chain.setPolicy(SluiceHook.HOOK_OUT, SLOT, Plans.out(out, forward));
    slots(up, SLOT);
  }

  private void enforce(Chain chain) {
    enforce(Chain.PASS_ALL, chain, chain, chain);
  }

  private void slots(Pod iface, int slot) {
    Iface now = harness.ifaces.get(iface.ifindex()).orElseThrow();
    harness.ifaces.put(
        iface.ifindex(),
        new Iface(now.flags(), slot, slot, 0, 0, Ip.ANY4, Ip.ANY6, iface.name(), now.mtu()));
  }

  /** Takes bits back from an entry, seen from who opened it, and from its twin. */
  private void revoke(Family family, boolean opener, int more) {
    Map<CtKey, CtJudged> judged = new LinkedHashMap<>();
    CtKey none = new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
    for (Map.Entry<CtKey, CtValue> entry : harness.entries(family).entrySet()) {
      int side = (entry.getValue().c().state() & CtState.CT_OPENER_B) != 0 ? 1 : 0;
      int bits = more | CtState.CT_APPROVED_A << (opener ? side : 1 - side);
      judged.put(
          entry.getKey(),
          new CtJudged(none, entry.getValue().c().created(), 0, bits, 0, CtVerdict.CT_DENIED));
    }
    harness.clean(family, judged);
  }

  private void revokeEntering(Family family) {
    revoke(family, true, 0);
  }

  private void revokeLeaving(Family family) {
    revoke(family, false, CtState.CT_EGRESS);
  }

  private Life enterBy(Pod iface, byte[] frame) {
    return harness.follow(harness.run(SluiceHook.HOOK_IN, iface, frame, 0), iface);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  void whatWasOpenedToTheHostIsAskedAgain(Family family, Traffic traffic) {
    Net net = Net.of(family);
    enforce(ALL);
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), 80));
    leave(traffic.answer(self(family), 80, net.client(), CLIENT_PORT));
    byte[] next = traffic.next(net.client(), CLIENT_PORT, self(family), 80);
    byte[] answer = traffic.next(self(family), 80, net.client(), CLIENT_PORT);
    assertThat(enter(next).story()).isEqualTo("stack: stack");
    enforce(NOTHING);
    assertThat(enter(next).story()).as("kept so far").isEqualTo("stack: stack");
    revokeEntering(family);
    assertThat(leave(answer).story()).isEqualTo("nowhere: policy");
    for (int i = 0; i < 2; i++) {
      assertThat(enter(next).story()).as("not for tables to say").isEqualTo("nowhere: policy");
    }
    assertThat(leave(answer).story()).isEqualTo("nowhere: policy");
    enforce(ALL);
    assertThat(enter(next).story()).isEqualTo("stack: stack");
    assertThat(leave(answer).story()).isEqualTo("up: stack");
    assertThat(entry(family, 0).has(CtState.CT_REVOKED)).isFalse();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-3")
  void failsafePortsSurviveBeingAskedAgain(Family family, Traffic traffic) {
    Net net = Net.of(family);
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), 22));
    enforce(Chain.PASS_ALL, Plans.normal(Plans.all(Action.DENY)), NOTHING, NOTHING);
    revokeEntering(family);
    assertThat(enter(traffic.next(net.client(), CLIENT_PORT, self(family), 22)).story())
        .isEqualTo("stack: stack");
    assertThat(leave(traffic.next(self(family), 22, net.client(), CLIENT_PORT)).story())
        .isEqualTo("up: stack");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  @Tag("INV-SVC-1")
  void bothQuestionsOfANodePortAreAskedAgain(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT));
    harness.send(b, traffic.answer(net.b(), 8080, net.client(), CLIENT_PORT));
    byte[] next = traffic.next(net.client(), CLIENT_PORT, self(family), NODE_PORT);
    byte[] answer = traffic.next(net.b(), 8080, net.client(), CLIENT_PORT);
    assertThat(enter(next).story()).isEqualTo("b: peer");
    Chain deniesFrontend = Plans.chain(Action.PASS, Plans.to(Action.DENY, self(family), NODE_PORT));
    Chain allowsBackend = Plans.chain(Action.DENY, Plans.to(Action.ALLOW, net.b(), 8080));
    enforce(deniesFrontend, NOTHING, ALL, ALL);
    revokeEntering(family);
    assertThat(harness.send(b, answer).story()).isEqualTo("nowhere: policy");
    assertThat(enter(next).story()).isEqualTo("nowhere: pre_dnat");
    enforce(Chain.PASS_ALL, NOTHING, NOTHING, ALL);
    assertThat(enter(next).story()).isEqualTo("nowhere: policy");
    assertThat(harness.send(b, answer).story()).isEqualTo("nowhere: policy");
    enforce(Chain.PASS_ALL, NOTHING, allowsBackend, ALL);
    assertThat(enter(next).place()).isEqualTo("b");
    assertThat(harness.send(b, answer).story()).isEqualTo("out: out");
    assertThat(enter(next).story()).isEqualTo("b: peer");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  @Tag("INV-SVC-1")
  void ofAnotherNodesBackendToo(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip remote = Overlay.pod(family, 2);
    nodePort(family, traffic, at(remote));
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT));
    byte[] next = traffic.next(net.client(), CLIENT_PORT, self(family), NODE_PORT);
    assertThat(enter(next).story()).isEqualTo("tunnel: forward");
    enforce(Chain.PASS_ALL, NOTHING, NOTHING, ALL);
    revokeEntering(family);
    assertThat(enter(next).story()).isEqualTo("nowhere: policy");
    byte[] answer = traffic.next(self(family), NODE_PORT, net.client(), CLIENT_PORT);
    assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("nowhere: policy");
    Chain allows = Plans.chain(Action.DENY, Plans.to(Action.ALLOW, remote, 8080));
    enforce(Chain.PASS_ALL, NOTHING, allows, ALL);
    assertThat(enter(next).story()).isEqualTo("tunnel: forward");
    assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("out: out");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  void whatTheHostHasOpenedIsAskedAgain(Family family, Traffic traffic) {
    Net net = Net.of(family);
    enforce(ALL);
    byte[] next = traffic.next(self(family), 3000, net.client(), 443);
    byte[] answer = traffic.next(net.client(), 443, self(family), 3000);
    leave(traffic.first(self(family), 3000, net.client(), 443));
    enter(traffic.answer(net.client(), 443, self(family), 3000));
    enforce(NOTHING);
    assertThat(leave(next).story()).as("kept so far").isEqualTo("up: stack");
    revokeLeaving(family);
    assertThat(enter(answer).story()).isEqualTo("nowhere: policy");
    for (int i = 0; i < 2; i++) {
      assertThat(leave(next).story()).isEqualTo("nowhere: policy");
    }
    assertThat(enter(answer).story()).isEqualTo("nowhere: policy");
    enforce(ALL);
    assertThat(leave(next).story()).isEqualTo("up: stack");
    assertThat(enter(answer).story()).isEqualTo("stack: stack");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  void whatLeavesFromAPodLosesItsDirectWay(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Ip far = net.client();
    Life sent = harness.send(a, traffic.first(net.a(), CLIENT_PORT, far, 443));
    int mark = sent.last().mark();
    leave(up, sent.last().frame(), mark);
    enter(traffic.answer(far, 443, net.a(), CLIENT_PORT));
    byte[] next = traffic.next(net.a(), CLIENT_PORT, far, 443);
    byte[] answer = traffic.next(far, 443, net.a(), CLIENT_PORT);
    assertThat(harness.send(a, next).story()).isEqualTo("out: out");
    enforce(NOTHING);
    revokeLeaving(family);
    assertThat(enter(answer).story()).isEqualTo("nowhere: policy");
    for (int i = 0; i < 2; i++) {
      assertThat(harness.send(a, next).story()).isEqualTo("stack: stack");
      assertThat(leave(up, next, mark).story()).isEqualTo("nowhere: policy");
      assertThat(enter(answer).story()).isEqualTo("nowhere: policy");
    }
    enforce(ALL);
    assertThat(harness.send(a, next).story()).isEqualTo("stack: stack");
    assertThat(leave(up, next, mark).story()).isEqualTo("up: stack");
    assertThat(enter(answer).place()).isEqualTo("a");
    assertThat(harness.send(a, next).story()).isEqualTo("out: out");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  void withEgressAloneAnswersPassUntilTheNextPacketIsAsked(Family family, Traffic traffic) {
    Net net = Net.of(family);
    Life sent = harness.send(a, traffic.first(net.a(), CLIENT_PORT, net.client(), 443));
    int mark = sent.last().mark();
    leave(up, sent.last().frame(), mark);
    CtValue value = harness.entries(family).values().iterator().next();
    CtKey key = harness.entries(family).keySet().iterator().next();
    CtKey none = new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
    CtJudged judged =
        new CtJudged(none, value.c().created(), 0, CtState.CT_EGRESS, 0, CtVerdict.CT_DENIED);
    harness.clean(family, Map.of(key, judged));
    assertThat(entry(family, 0).has(CtState.CT_REVOKED)).isFalse();
    assertThat(enter(traffic.answer(net.client(), 443, net.a(), CLIENT_PORT)).place())
        .isEqualTo("a");
    enforce(NOTHING);
    byte[] next = traffic.next(net.a(), CLIENT_PORT, net.client(), 443);
    assertThat(harness.send(a, next).story()).isEqualTo("stack: stack");
    assertThat(leave(up, next, mark).story()).isEqualTo("nowhere: policy");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  void whereThereIsNoPolicyAnyMoreFlowsGoOn(Family family, Traffic traffic) {
    Net net = Net.of(family);
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), 80));
    leave(traffic.first(self(family), 3000, net.client(), 443));
    revoke(family, true, CtState.CT_EGRESS | APPROVALS);
    assertThat(enter(traffic.next(net.client(), CLIENT_PORT, self(family), 80)).story())
        .isEqualTo("stack: stack");
    assertThat(leave(traffic.next(self(family), 80, net.client(), CLIENT_PORT)).story())
        .isEqualTo("up: stack");
    assertThat(leave(traffic.next(self(family), 3000, net.client(), 443)).story())
        .isEqualTo("up: stack");
    assertThat(enter(traffic.next(net.client(), 443, self(family), 3000)).story())
        .isEqualTo("stack: stack");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-POL-1")
  void aFlowThatComesByAnotherInterfaceIsAskedThere(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT));
    byte[] answer = traffic.answer(net.b(), 8080, net.client(), CLIENT_PORT);
    harness.send(b, answer);
    byte[] next = traffic.next(net.client(), CLIENT_PORT, self(family), NODE_PORT);
    enforce(NOTHING);
    slots(up, 0);
    slots(second, SLOT);
    assertThat(enterBy(second, next).story()).isEqualTo("nowhere: policy");
    assertThat(harness.send(b, traffic.next(net.b(), 8080, net.client(), CLIENT_PORT)).story())
        .isEqualTo("nowhere: policy");
    assertThat(enter(next).story()).as("back, where nothing is enforced").isEqualTo("b: peer");
    harness.chain.setPolicy(SluiceHook.HOOK_IN, SLOT, Plans.in(Chain.PASS_ALL, NOTHING, ALL));
    assertThat(enterBy(second, next).place()).isEqualTo("b");
    assertThat(enterBy(second, next).story()).isEqualTo("b: peer");
  }
}
