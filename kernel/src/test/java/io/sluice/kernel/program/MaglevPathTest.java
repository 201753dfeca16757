// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.FrontendFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.MaglevUnmoved;
import io.sluice.kernel.layout.ServiceFlags;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.testing.TupleHash;
import java.util.Arrays;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Backends by a Maglev table: of new flows, and of those whose node has died. */
class MaglevPathTest extends OutsideTest {
  private static final int BASE = 100 * SERVICE;
  private static final int SLOTS = 64;

  /** Positions in the span: pods of this node, node 2, and node 3. */
  private static final int HERE = 0;

  private static final int ON_2 = 1;
  private static final int ON_3 = 2;

  private static Ip backend(Family family, int position) {
    return position == HERE ? Net.of(family).b() : Overlay.pod(family, position + 1);
  }

  /** A service with a backend on each node. */
  private void maglev(Family family, Traffic traffic) {
    service(
        SERVICE,
        family,
        ServiceFlags.SERVICE_MAGLEV,
        0,
        at(backend(family, HERE)),
        at(backend(family, ON_2)),
        at(backend(family, ON_3)));
    frontend(
        SERVICE,
        Net.of(family).service(),
        80,
        traffic.proto(),
        FrontendFlags.FRONTEND_LOAD_BALANCER);
  }

  /** All slots lead to one backend; "former": to another before, or null. */
  private void lead(int present, Integer former) {
    int[] slots = new int[SLOTS];
    Arrays.fill(slots, BASE + present);
    int[] before = new int[SLOTS];
    Arrays.fill(before, former == null ? MaglevUnmoved.MAGLEV_UNMOVED : BASE + former);
    maps.setTable(SERVICE, slots, before);
  }

  private byte[] first(Traffic traffic, Net net) {
    return traffic.first(net.client(), 1000, net.service(), 80);
  }

  private byte[] midflow(Net net) {
    return Traffic.TCP.next(net.client(), 1000, net.service(), 80);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-MAG-1")
  void theTableDecidesForWhatEnters(Family family, Traffic traffic) {
    Net net = Net.of(family);
    maglev(family, traffic);
    int[] slots = new int[SLOTS];
    for (int slot = 0; slot < SLOTS; slot++) {
      slots[slot] = BASE + slot * 7 % 3;
    }
    maps.setTable(SERVICE, slots, null);
    TreeSet<Integer> reached = new TreeSet<>();
    for (int port = 1000; port < 1040; port++) {
      int hash = TupleHash.of(net.client(), net.service(), port, 80, traffic.proto());
      int position = slots[(int) (Integer.toUnsignedLong(hash) * SLOTS >>> 32)] - BASE;
      byte[] frame = traffic.first(net.client(), port, net.service(), 80);
      Life life = enter(frame);
      if (position == HERE) {
        assertThat(life.story()).isEqualTo("b: redirect to_pod");
        assertTuple(life, net.client(), port, net.b(), 8080);
      } else {
        assertThat(life.story()).isEqualTo("tunnel: forward");
        assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, frame))
            .isEqualTo(to(family, position + 1, FORWARD));
      }
      reached.add(position);
    }
    assertThat(reached).containsExactly(HERE, ON_2, ON_3);
    assertThat(harness.entries(family).values())
        .allMatch(e -> (e.c().state() & CtState.CT_MAGLEV) != 0);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-DSR-2")
  void theNodeThatIsAskedTakesItsOwn(Family family, Traffic traffic) {
    Net net = Net.of(family);
    maglev(family, traffic);
    for (int position : new int[] {HERE, ON_2, ON_3}) {
      lead(position, null);
      int port = 1000 + position;
      Life life = forwarded(traffic.first(net.client(), port, net.service(), 80), node(family, 2));
      assertTuple(life, net.client(), port, net.b(), 8080);
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-SVC-3")
  void aDeadBackendOrNoTableMeansAnyThatLives(Family family, Traffic traffic) {
    Net net = Net.of(family);
    maglev(family, traffic);
    assertThat(enter(first(traffic, net)).place()).as("no table").isIn("b", "tunnel");
    lead(ON_2, null);
    harness.bumpGeneration(at(backend(family, ON_2)).id());
    // The table's span is its own; the service's has the living.
    int span = 2000;
    for (int i = 0; i < 3; i++) {
      harness.backends.get(family).put(span + i, harness.backends.get(family).get(BASE + i).get());
    }
    int[] slots = new int[SLOTS];
    Arrays.fill(slots, span + ON_2);
    maps.setTable(SERVICE, slots, null);
    service(SERVICE, family, ServiceFlags.SERVICE_MAGLEV, 0, at(net.b()));
    for (int port = 2000; port < 2010; port++) {
      Life life = enter(traffic.first(net.client(), port, net.service(), 80));
      assertTuple(life, net.client(), port, net.b(), 8080);
    }
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-MAG-1")
  void podsAndNodePortsDoNotAskIt(Family family, Traffic traffic) {
    Net net = Net.of(family);
    maglev(family, traffic);
    frontend(SERVICE, Ip.any(family), NODE_PORT, traffic.proto(), FrontendFlags.FRONTEND_NODE_PORT);
    lead(ON_2, null);
    TreeSet<String> places = new TreeSet<>();
    for (int port = 1000; port < 1030; port++) {
      places.add(enter(traffic.first(net.client(), port, self(family), NODE_PORT)).place());
      places.add(harness.send(a, traffic.first(net.a(), port, net.service(), 80)).place());
    }
    assertThat(places).containsExactly("b", "tunnel");
    assertThat(harness.entries(family).values())
        .noneMatch(e -> (e.c().state() & CtState.CT_MAGLEV) != 0);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void midflowGoesToTheTablesBackend(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    lead(ON_2, null);
    assertThat(enter(midflow(net)).story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, midflow(net)))
        .isEqualTo(to(family, 2, FORWARD));
    Seen entry = entry(family, 0);
    assertThat(entry.has(CtState.CT_MAGLEV)).isTrue();
    assertThat(entry.openerIfindex()).isEqualTo(up.ifindex());
    byte[] answer = Traffic.TCP.next(net.service(), 80, net.client(), 1000);
    assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("out: out");
    // To this node's own.
    lead(HERE, null);
    Life here = enter(Traffic.TCP.next(net.client(), 2000, net.service(), 80));
    assertThat(here.story()).isEqualTo("b: redirect to_pod");
    assertTuple(here, net.client(), 2000, net.b(), 8080);
    Life back = harness.send(b, Traffic.TCP.next(net.b(), 8080, net.client(), 2000));
    assertThat(back.story()).isEqualTo("out: out");
    assertTuple(back, net.service(), 80, net.client(), 2000);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void noOtherMidflowPacketGetsThis(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    frontend(SERVICE, Ip.any(family), NODE_PORT, Packet.TCP, FrontendFlags.FRONTEND_NODE_PORT);
    lead(ON_2, null);
    assertThat(enter(Traffic.TCP.next(net.client(), 1000, self(family), NODE_PORT)).story())
        .as("node port")
        .isEqualTo("up: refused_rst bypass");
    assertThat(harness.send(a, Traffic.TCP.next(net.a(), 1000, net.service(), 80)).story())
        .as("pod")
        .isEqualTo("a: refused_rst bypass");
    maps.reset();
    assertThat(enter(midflow(net)).story()).as("no table").isEqualTo("up: refused_rst bypass");
    lead(ON_2, null);
    int ranges = FrontendFlags.FRONTEND_LOAD_BALANCER | FrontendFlags.FRONTEND_SOURCE_RANGES;
    frontend(SERVICE, net.service(), 80, Packet.TCP, ranges);
    assertThat(enter(midflow(net)).story())
        .as("not in its ranges")
        .isEqualTo("up: refused_rst bypass");
    frontend(SERVICE, net.service(), 80, Packet.TCP, FrontendFlags.FRONTEND_LOAD_BALANCER);
    service(SERVICE, family, 0, 0, at(net.b()));
    assertThat(enter(midflow(net)).story()).as("no Maglev").isEqualTo("up: refused_rst bypass");
    assertThat(harness.entries(family)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void aForwardedMidflowPacketIsTakenByTheBackend(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    lead(HERE, null);
    Life there = forwarded(midflow(net), node(family, 3));
    assertThat(there.story()).isEqualTo("b: redirect to_pod");
    assertTuple(there, net.client(), 1000, net.b(), 8080);
    byte[] answer = Traffic.TCP.next(net.b(), 8080, net.client(), 1000);
    Life back = harness.send(b, answer);
    assertTuple(back, net.service(), 80, net.client(), 1000);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 3, FORWARD));
    // Who is asked does not ask others.
    lead(ON_2, null);
    byte[] other = Traffic.TCP.next(net.client(), 2000, net.service(), 80);
    assertThat(forwarded(other, node(family, 3)).story()).isEqualTo("nowhere: no_local_backend");
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-MAG-3")
  void answersFollowTheNodeThatTheFlowEntersBy(Family family, Traffic traffic) {
    Net net = Net.of(family);
    maglev(family, traffic);
    lead(HERE, null);
    forwarded(first(traffic, net), node(family, 2));
    byte[] answer = traffic.next(net.b(), 8080, net.client(), 1000);
    harness.send(b, traffic.answer(net.b(), 8080, net.client(), 1000));
    byte[] next = traffic.next(net.client(), 1000, net.service(), 80);
    assertThat(forwarded(next, node(family, 2)).story()).isEqualTo("b: peer");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 2, FORWARD));
    assertThat(forwarded(next, node(family, 3)).story()).isEqualTo("b: peer");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 3, FORWARD));
    assertThat(forwarded(next, net.client()).story()).isEqualTo("nowhere: tunnel_source");
    // By this node itself, and away again.
    assertThat(enter(next).story()).isEqualTo("b: peer");
    Life out = harness.send(b, answer);
    assertThat(out.story()).isEqualTo("out: out");
    assertTuple(out, net.service(), 80, net.client(), 1000);
    assertThat(forwarded(next, node(family, 2)).story()).isEqualTo("b: peer");
    assertThat(harness.send(b, answer).story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 2, FORWARD));
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @MethodSource(FAMILIES_AND_TRAFFIC)
  @Tag("INV-MAG-3")
  void whoEnteredHereMayComeByAnotherNodeForABackendOfThisOne(Family family, Traffic traffic) {
    Net net = Net.of(family);
    maglev(family, traffic);
    lead(ON_2, null);
    assertThat(enter(first(traffic, net)).story()).isEqualTo("tunnel: forward");
    // Node 3 has heard of the table in which the slot is this node's.
    lead(HERE, null);
    Life life = forwarded(traffic.next(net.client(), 1000, net.service(), 80), node(family, 3));
    assertThat(life.story()).isEqualTo("b: redirect to_pod");
    assertTuple(life, net.client(), 1000, net.b(), 8080);
    byte[] answer = traffic.answer(net.b(), 8080, net.client(), 1000);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, b, answer)).isEqualTo(to(family, 3, FORWARD));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void theAskedNodeSendsBackWhatItDoesNotKnowIfTheSlotHasMoved(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    lead(HERE, ON_3);
    byte[] frame = midflow(net);
    Life life = forwarded(frame, node(family, 2));
    assertThat(life.story()).isEqualTo("tunnel: bounce");
    assertThat(life.last().frame()).isEqualTo(frame);
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, overlay.device, frame, node(family, 2), FORWARD))
        .isEqualTo(to(family, 2, BOUNCE));
    assertThat(harness.entries(family)).isEmpty();
    // The former backend's node takes it.
    lead(ON_3, HERE);
    Life taken = forwarded(frame, node(family, 2));
    assertThat(taken.story()).isEqualTo("b: redirect to_pod");
    assertTuple(taken, net.client(), 1000, net.b(), 8080);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void whatIsSentBackGoesToTheFormerBackend(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    lead(ON_2, ON_3);
    byte[] frame = midflow(net);
    enter(frame);
    assertThat(entry(family, 0).value().tunnelPeer()).isEqualTo(node(family, 2));
    Life again = harness.follow(overlay.in(frame, node(family, 2), BOUNCE), overlay.device);
    assertThat(again.story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, overlay.device, frame, node(family, 2), BOUNCE))
        .isEqualTo(to(family, 3, FORWARD));
    Seen entry = entry(family, 0);
    assertThat(entry.value().tunnelPeer()).isEqualTo(node(family, 3));
    assertThat(entry.opener(CtState.CT_OUT_A)).isTrue();
    assertThat(entry.opener(CtState.CT_TUNNEL_A)).isFalse();
    assertThat(entry.openerIfindex()).isEqualTo(up.ifindex());
    assertThat(entry.has(CtState.CT_MAGLEV)).isTrue();
    assertThat(enter(frame).story()).isEqualTo("tunnel: forward");
    assertThat(overlay.keyOf(SluiceHook.HOOK_IN, up, frame)).isEqualTo(to(family, 3, FORWARD));
    byte[] answer = Traffic.TCP.next(net.service(), 80, net.client(), 1000);
    assertThat(forwarded(answer, node(family, 3)).story()).isEqualTo("out: out");
    assertThat(forwarded(answer, node(family, 2)).story()).isEqualTo("nowhere: tunnel_source");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void aFormerBackendOfTheFirstNodeItselfTakesWhatIsSentBack(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    lead(ON_2, HERE);
    byte[] frame = midflow(net);
    enter(frame);
    Life again = harness.follow(overlay.in(frame, node(family, 2), BOUNCE), overlay.device);
    assertThat(again.story()).isEqualTo("b: redirect to_pod");
    assertTuple(again, net.client(), 1000, net.b(), 8080);
    Life back = harness.send(b, Traffic.TCP.next(net.b(), 8080, net.client(), 1000));
    assertThat(back.story()).isEqualTo("out: out");
    assertTuple(back, net.service(), 80, net.client(), 1000);
    assertThat(enter(frame).place()).isEqualTo("b");
    assertThat(harness.entries(family)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void whatIsSentBackUnaskedIsDropped(Family family) {
    Net net = Net.of(family);
    maglev(family, Traffic.TCP);
    lead(ON_2, ON_3);
    byte[] frame = midflow(net);
    assertThat(reason(overlay.in(frame, node(family, 2), BOUNCE))).isEqualTo("midflow");
    assertThat(reason(overlay.in(frame, net.client(), BOUNCE))).isEqualTo("tunnel_source");
    byte[] syn = first(Traffic.TCP, net);
    assertThat(reason(overlay.in(syn, node(family, 2), BOUNCE))).isEqualTo("tunnel_source");
    byte[] udp = Traffic.UDP.next(net.client(), 1000, net.service(), 80);
    assertThat(reason(overlay.in(udp, node(family, 2), BOUNCE))).isEqualTo("tunnel_source");
    assertThat(harness.entries(family)).isEmpty();
    // At once to the former one, where the present one is this node's, which does not know it.
    lead(HERE, ON_3);
    assertThat(enter(frame).story()).isEqualTo("tunnel: forward");
    assertThat(entry(family, 0).value().tunnelPeer()).isEqualTo(node(family, 3));
  }

  /** As if the flow had been quiet for so long. */
  private void age(Family family, int seconds) {
    harness
        .entries(family)
        .forEach(
            (key, e) -> {
              CtCommon c = e.c();
              CtCommon older =
                  new CtCommon(
                      c.lastSeen() - seconds * Chain.HZ,
                      c.created(),
                      c.state(),
                      c.routeEpoch(),
                      c.ifindex0(),
                      c.ifindex1(),
                      c.service(),
                      c.backend(),
                      c.gen(),
                      c.csumAddr(),
                      c.csumPort());
              harness.ct.get(family).put(key, new CtValue(older, e.x(), e.tunnelPeer()));
            });
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-MAG-3")
  void whatEndedAWhileAgoIsNotTheFlowOfAMidflowPacket(Family family) {
    Net net = Net.of(family);
    byte[] reset =
        PacketBuilder.from(net.client(), net.service()).tcp(1000, 80, Packet.RST).build();
    for (int ended : new int[] {ON_2, HERE}) {
      harness.ct.get(family).removeAll(harness.entries(family).keySet());
      maglev(family, Traffic.TCP);
      lead(ended, null);
      String there = ended == HERE ? "b" : "tunnel";
      assertThat(enter(first(Traffic.TCP, net)).place()).isEqualTo(there);
      // Quiet, but open.
      age(family, 10);
      lead(ON_3, null);
      assertThat(enter(midflow(net)).place()).isEqualTo(there);
      assertThat(enter(reset).place()).isEqualTo(there);
      assertThat(enter(midflow(net)).place()).as("its last packets").isEqualTo(there);
      age(family, 10);
      assertThat(enter(midflow(net)).story()).isEqualTo("tunnel: forward");
      Seen entry = entry(family, 0);
      assertThat(entry.value().tunnelPeer()).isEqualTo(node(family, 3));
      assertThat(harness.entries(family)).hasSize(1);
    }
  }
}
