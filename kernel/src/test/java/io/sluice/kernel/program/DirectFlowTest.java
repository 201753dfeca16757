// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceMark;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A flow to a backend's own address, from a port whose flow by a service has that very tuple behind
 * its translation: it is a flow of its own, by another source port (SVC-9).
 */
@Tag("INV-SVC-9")
class DirectFlowTest extends OutsideTest {
  private static final int BACKEND_PORT = 8080;

  /** A pod's flow by a service, there and back. */
  private void byService(Net net, Traffic traffic) {
    harness.addService(SERVICE, net.service(), 80, traffic.proto(), at(net.b()));
    openByService(net, traffic);
  }

  private void openByService(Net net, Traffic traffic) {
    harness.send(a, traffic.first(net.a(), CLIENT_PORT, net.service(), 80));
    harness.send(b, traffic.answer(net.b(), BACKEND_PORT, net.a(), CLIENT_PORT));
  }

  /** Opens the direct flow, there and back, and returns the port that the backend sees. */
  private int openDirectly(Net net, Traffic traffic) {
    Life there = harness.send(a, traffic.first(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT));
    assertThat(there.place()).as(there.story()).isEqualTo("b");
    int port = there.packet().sourcePort();
    assertTuple(there, net.a(), port, net.b(), BACKEND_PORT);
    Life back = harness.send(b, traffic.answer(net.b(), BACKEND_PORT, net.a(), port));
    assertThat(back.place()).as(back.story()).isEqualTo("a");
    assertTuple(back, net.b(), BACKEND_PORT, net.a(), CLIENT_PORT);
    return port;
  }

  private static void assertTranslated(int port) {
    assertThat(port).isBetween(Chain.PSNAT_FIRST, Chain.PSNAT_LAST);
  }

  private void assertDirectGoesOn(Net net, Traffic traffic, int port) {
    Life there = harness.send(a, traffic.next(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT));
    assertThat(there.story()).isEqualTo("b: " + straight());
    assertTuple(there, net.a(), port, net.b(), BACKEND_PORT);
    Life back = harness.send(b, traffic.next(net.b(), BACKEND_PORT, net.a(), port));
    assertThat(back.story()).isEqualTo("a: " + straight());
    assertTuple(back, net.b(), BACKEND_PORT, net.a(), CLIENT_PORT);
  }

  private void assertServiceGoesOn(Net net, Traffic traffic) {
    Life there = harness.send(a, traffic.next(net.a(), CLIENT_PORT, net.service(), 80));
    assertThat(there.place()).isEqualTo("b");
    assertTuple(there, net.a(), CLIENT_PORT, net.b(), BACKEND_PORT);
    Life back = harness.send(b, traffic.next(net.b(), BACKEND_PORT, net.a(), CLIENT_PORT));
    assertThat(back.place()).isEqualTo("a");
    assertTuple(back, net.service(), 80, net.a(), CLIENT_PORT);
  }

  /** The entries of the flow by the service, and those of the other. */
  private Map<CtKey, CtValue> entriesOf(Family family, int service) {
    Map<CtKey, CtValue> some = new HashMap<>(harness.entries(family));
    some.values().removeIf(value -> value.c().service() != service);
    return some;
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aPodsFlowGetsAPortOfItsOwn(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byService(net, traffic);
    int port = openDirectly(net, traffic);
    assertTranslated(port);
    for (int i = 0; i < 3; i++) {
      assertDirectGoesOn(net, traffic, port);
      assertServiceGoesOn(net, traffic);
      harness.bumpEpoch();
    }
    assertThat(entriesOf(family, SERVICE)).hasSize(2);
    assertThat(entriesOf(family, 0)).hasSize(2);
    entriesOf(family, 0)
        .forEach((k, v) -> assertThat(v.c().state() & CtState.CT_DIRECT).isNotZero());
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void itKeepsItsPortForLife(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byService(net, traffic);
    int port = openDirectly(net, traffic);
    // Services come and go: what has no connection asks anew whether it is for one.
    harness.bumpGeneration(0);
    Life asked = harness.send(a, traffic.next(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT));
    assertTuple(asked, net.a(), port, net.b(), BACKEND_PORT);
    assertDirectGoesOn(net, traffic, port);
    // The flow that was in its way ends, and comes again.
    harness.ct.get(family).removeAll(entriesOf(family, SERVICE).keySet());
    assertDirectGoesOn(net, traffic, port);
    assertThat(harness.entries(family)).hasSize(2);
    openByService(net, traffic);
    assertServiceGoesOn(net, traffic);
    assertDirectGoesOn(net, traffic, port);
    assertThat(harness.entries(family)).hasSize(4);
  }

  /** What the backend sends by itself to that port is no answer of the direct flow. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whatTheBackendOpensIsAnother(Family family) {
    Net net = Net.of(family);
    byService(net, Traffic.UDP);
    openDirectly(net, Traffic.UDP);
    harness.ct.get(family).removeAll(entriesOf(family, SERVICE).keySet());
    harness.deny(a, SluiceHook.HOOK_OUT);
    Life own = harness.send(b, Traffic.UDP.first(net.b(), BACKEND_PORT, net.a(), CLIENT_PORT));
    assertThat(own.story()).isEqualTo("nowhere: redirect policy");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aClosedFlowIsNoObstacle(Family family) {
    Net net = Net.of(family);
    byService(net, Traffic.TCP);
    harness.send(
        a, Traffic.TCP.packet(net.a(), CLIENT_PORT, net.service(), 80, Packet.RST).build());
    assertThat(openDirectly(net, Traffic.TCP)).isEqualTo(CLIENT_PORT);
    assertThat(harness.entries(family)).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void stateIsOfEachFlowAlone(Family family) {
    Net net = Net.of(family);
    byService(net, Traffic.TCP);
    int port = openDirectly(net, Traffic.TCP);
    int fin = Packet.FIN | Packet.ACK;
    harness.send(a, Traffic.TCP.packet(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT, fin).build());
    harness.send(b, Traffic.TCP.packet(net.b(), BACKEND_PORT, net.a(), port, fin).build());
    int fins = CtState.CT_FIN_A | CtState.CT_FIN_B;
    entriesOf(family, SERVICE).values().forEach(v -> assertThat(v.c().state() & fins).isZero());
    assertThat(
            entriesOf(family, 0).values().stream()
                .filter(v -> (v.c().state() & CtState.CT_NAT_REVERSE) != 0)
                .map(v -> v.c().state() & fins))
        .containsExactly(fins);
    // Opened anew, while the flow by the service lives.
    assertTranslated(openDirectly(net, Traffic.TCP));
    assertServiceGoesOn(net, Traffic.TCP);
    assertThat(harness.entries(family)).hasSize(4);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void unknownInMidflowIsLeftToTables(Family family) {
    Net net = Net.of(family);
    byService(net, Traffic.TCP);
    byte[] next = Traffic.TCP.next(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT);
    Life life = harness.send(a, next);
    assertThat(life.story()).isEqualTo("stack: fallthrough");
    assertUnchanged(next, life, "");
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void bothPoliciesAreAsked(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byService(net, traffic);
    byte[] first = traffic.first(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT);
    harness.deny(b, SluiceHook.HOOK_OUT);
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: redirect policy");
    harness.deny(a, SluiceHook.HOOK_IN);
    harness.ct.get(family).removeAll(entriesOf(family, 0).keySet());
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: policy");
    assertThat(entriesOf(family, 0)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void noFreePortIsRefusedAndCounted(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byService(net, traffic);
    CtValue other = entriesOf(family, SERVICE).values().iterator().next();
    CtValue taken =
        new CtValue(withState(other, CtState.CT_OPENER_A), other.x(), other.tunnelPeer());
    Map<CtKey, CtValue> all = new HashMap<>();
    for (int port = Chain.PSNAT_FIRST; port <= Chain.PSNAT_LAST; port++) {
      all.put(new CtKey(net.a(), net.b(), port, BACKEND_PORT, traffic.proto(), 0), taken);
    }
    harness.ct.get(family).putAll(all);
    byte[] first = traffic.first(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT);
    assertThat(harness.send(a, first).story()).isEqualTo("nowhere: ct_conflict");
    assertServiceGoesOn(net, traffic);
    harness.ct.get(family).removeAll(all.keySet());
    assertTranslated(openDirectly(net, traffic));
  }

  private static CtCommon withState(CtValue value, int state) {
    CtCommon c = value.c();
    return new CtCommon(
        c.lastSeen(),
        c.created(),
        state,
        c.routeEpoch(),
        c.ifindex0(),
        c.ifindex1(),
        0,
        0,
        c.gen(),
        c.csumAddr(),
        c.csumPort());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-1")
  void aTornPairIsMadeWhole(Family family) {
    Net net = Net.of(family);
    byService(net, Traffic.TCP);
    int port = openDirectly(net, Traffic.TCP);
    for (int lost : new int[] {CtState.CT_NAT_FORWARD, CtState.CT_NAT_REVERSE}) {
      Map<CtKey, CtValue> pair = entriesOf(family, 0);
      assertThat(pair).hasSize(2);
      pair.forEach(
          (key, value) -> {
            if ((value.c().state() & lost) != 0) {
              harness.ct.get(family).removeAll(List.of(key));
            } else {
              harness.ct.get(family).put(key, ConntrackTest.seenLongAgo(value));
            }
          });
      if (lost == CtState.CT_NAT_REVERSE) {
        harness.send(a, Traffic.TCP.next(net.a(), CLIENT_PORT, net.b(), BACKEND_PORT));
      } else {
        harness.send(b, Traffic.TCP.next(net.b(), BACKEND_PORT, net.a(), port));
      }
      assertThat(entriesOf(family, 0).keySet()).isEqualTo(pair.keySet());
      assertDirectGoesOn(net, Traffic.TCP, port);
    }
    assertServiceGoesOn(net, Traffic.TCP);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aClientOutsideReachesThePodItself(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT));
    harness.send(b, traffic.answer(net.b(), BACKEND_PORT, net.client(), CLIENT_PORT));
    assertOutsideGoesOn(net, traffic, fromOutside(net, traffic));
    Life back = harness.send(b, traffic.next(net.b(), BACKEND_PORT, net.client(), CLIENT_PORT));
    assertThat(back.story()).isEqualTo("out: out");
    assertTuple(back, self(family), NODE_PORT, net.client(), CLIENT_PORT);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void whileItsOtherFlowEntersByAnotherNode(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    Ip node = node(family, 2);
    forwarded(traffic.first(net.client(), CLIENT_PORT, node, NODE_PORT), node);
    harness.send(b, traffic.answer(net.b(), BACKEND_PORT, net.client(), CLIENT_PORT));
    assertOutsideGoesOn(net, traffic, fromOutside(net, traffic));
    Life back = harness.send(b, traffic.next(net.b(), BACKEND_PORT, net.client(), CLIENT_PORT));
    assertThat(back.story()).isEqualTo("tunnel: forward");
    assertTuple(back, node, NODE_PORT, net.client(), CLIENT_PORT);
  }

  private int fromOutside(Net net, Traffic traffic) {
    Life there = enter(traffic.first(net.client(), CLIENT_PORT, net.b(), BACKEND_PORT));
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    int port = there.packet().sourcePort();
    assertTranslated(port);
    assertTuple(there, net.client(), port, net.b(), BACKEND_PORT);
    return port;
  }

  private void assertOutsideGoesOn(Net net, Traffic traffic, int port) {
    for (int i = 0; i < 2; i++) {
      byte[] answer =
          i == 0
              ? traffic.answer(net.b(), BACKEND_PORT, net.client(), port)
              : traffic.next(net.b(), BACKEND_PORT, net.client(), port);
      Life back = harness.send(b, answer);
      assertThat(back.story()).isEqualTo("out: out");
      assertTuple(back, net.b(), BACKEND_PORT, net.client(), CLIENT_PORT);
      Life onward = enter(traffic.next(net.client(), CLIENT_PORT, net.b(), BACKEND_PORT));
      assertThat(onward.story()).isEqualTo("b: " + straight());
      assertTuple(onward, net.client(), port, net.b(), BACKEND_PORT);
    }
    // By way of the host stack, which routes it out: nobody takes it for the other's answer.
    Life left =
        leave(
            up,
            traffic.next(net.b(), BACKEND_PORT, net.client(), CLIENT_PORT),
            SluiceMark.MARK_SEEN);
    assertTuple(left, net.b(), BACKEND_PORT, net.client(), CLIENT_PORT);
  }

  /** A backend of the host itself: what comes for it directly goes by the stack, too. */
  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void aClientOutsideReachesTheHostItself(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(self(family)));
    enter(traffic.first(net.client(), CLIENT_PORT, self(family), NODE_PORT));
    Life there = enter(traffic.first(net.client(), CLIENT_PORT, self(family), BACKEND_PORT));
    assertThat(there.place()).isEqualTo("stack");
    int port = there.packet().sourcePort();
    assertTranslated(port);
    Life back = leave(traffic.answer(self(family), BACKEND_PORT, net.client(), port));
    assertTuple(back, self(family), BACKEND_PORT, net.client(), CLIENT_PORT);
    Life other = leave(traffic.answer(self(family), BACKEND_PORT, net.client(), CLIENT_PORT));
    assertTuple(other, self(family), NODE_PORT, net.client(), CLIENT_PORT);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void theHostsOwnFlowGetsAPortOfItsOwn(Family family, Traffic traffic) {
    Net net = Net.of(family);
    nodePort(family, traffic, at(net.b()));
    leave(traffic.first(self(family), CLIENT_PORT, node(family, 2), NODE_PORT));
    harness.send(b, traffic.answer(net.b(), BACKEND_PORT, self(family), CLIENT_PORT));
    byte[] first = traffic.first(self(family), CLIENT_PORT, net.b(), BACKEND_PORT);
    Life there = harness.fromStack(b, first, 0);
    assertThat(there.story()).isEqualTo("b: to_pod");
    int port = there.packet().sourcePort();
    assertTranslated(port);
    assertTuple(there, self(family), port, net.b(), BACKEND_PORT);
    Life back = harness.send(b, traffic.answer(net.b(), BACKEND_PORT, self(family), port));
    assertThat(back.place()).isEqualTo("stack");
    assertTuple(back, net.b(), BACKEND_PORT, self(family), CLIENT_PORT);
    byte[] next = traffic.next(self(family), CLIENT_PORT, net.b(), BACKEND_PORT);
    assertTuple(harness.fromStack(b, next, 0), self(family), port, net.b(), BACKEND_PORT);
    Life onward = leave(traffic.next(self(family), CLIENT_PORT, node(family, 2), NODE_PORT));
    assertTuple(onward, self(family), CLIENT_PORT, net.b(), BACKEND_PORT);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  void theHostReachesItselfByLoopback(Family family, Traffic traffic) {
    Ip self = self(family);
    nodePort(family, traffic, at(self));
    leave(loopback, traffic.first(self, CLIENT_PORT, self, NODE_PORT), 0);
    Life there = leave(loopback, traffic.first(self, CLIENT_PORT, self, BACKEND_PORT), 0);
    assertThat(there.story()).isEqualTo("loopback: loopback");
    int port = there.packet().sourcePort();
    assertTranslated(port);
    assertTuple(there, self, port, self, BACKEND_PORT);
    Life back = leave(loopback, traffic.answer(self, BACKEND_PORT, self, port), 0);
    assertThat(back.place()).isEqualTo("lo");
    assertTuple(back, self, BACKEND_PORT, self, CLIENT_PORT);
    Life other = leave(loopback, traffic.answer(self, BACKEND_PORT, self, CLIENT_PORT), 0);
    assertTuple(other, self, NODE_PORT, self, CLIENT_PORT);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-ICMP-2")
  void errorsGoToTheFlowThatTheyAreAbout(Family family, Traffic traffic) {
    Net net = Net.of(family);
    byService(net, traffic);
    int port = openDirectly(net, traffic);
    int type = family == Family.IPV4 ? 3 : 1;
    int code = family == Family.IPV4 ? 3 : 4;
    byte[] seenByClient = traffic.next(net.b(), BACKEND_PORT, net.a(), CLIENT_PORT);
    Life there =
        harness.send(
            a,
            PacketBuilder.from(net.a(), net.b()).icmpError(type, code, seenByClient, 64).build());
    assertThat(there.place()).as(there.story()).isEqualTo("b");
    Packet quoted = there.packet().inner().orElseThrow();
    assertThat(quoted.source()).isEqualTo(net.b());
    assertThat(quoted.destinationPort()).isEqualTo(port);
    byte[] seenByPod = traffic.next(net.a(), port, net.b(), BACKEND_PORT);
    Life back =
        harness.send(
            b, PacketBuilder.from(net.b(), net.a()).icmpError(type, code, seenByPod, 64).build());
    assertThat(back.place()).as(back.story()).isEqualTo("a");
    Packet known = back.packet().inner().orElseThrow();
    assertThat(known.sourcePort()).isEqualTo(CLIENT_PORT);
    assertThat(known.destination()).isEqualTo(net.b());
  }
}
