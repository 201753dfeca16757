// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtIfindex;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.PktFlags;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Net;
import io.sluice.kernel.policy.Place;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.Policy;
import io.sluice.kernel.policy.Ports;
import io.sluice.kernel.policy.Rule;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Live flows of host interfaces that a change of policy denies (policyEstablishedFlows: End). */
class HostReviewTest extends KeeperRig {
  private static final int TCP = 6;
  private static final int UP = 21;
  private static final int UP2 = 22;
  private static final int TUNNEL = 23;
  private static final int POD = 31;
  private static final int STACK = CtIfindex.CT_IF_STACK;
  private static final int A = CtState.CT_APPROVED_A;
  private static final int B = CtState.CT_APPROVED_B;
  private static final int ASKED = A | B | CtState.CT_EGRESS;
  private static final int OUT_A = CtState.CT_OUT_A;
  private static final int OUT_B = CtState.CT_OUT_B;
  private static final int EGRESS = CtState.CT_EGRESS;

  /** Of the client, which is side A in all keys. */
  private static final int CLIENT_PORT = 1000;

  @BeforeEach
  void setUp() {
    element("eth0", UP, 5);
    element("eth1", UP2, 6);
    for (Family family : Family.values()) {
      Route here = new Route(RouteFlags.ROUTE_LOCAL, 0, Ip.any(family));
      dataplane.routes(family).put(new RouteKey(family.bits(), host(family)), here);
    }
  }

  private void element(String nic, int ifindex, int slot) {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_HOST;
    dataplane
        .ifaces()
        .put(ifindex, new Iface(flags, slot, slot, 0, 0, Ip.ANY4, Ip.ANY6, nic, 1500));
  }

  private static Ip ip(Family family, int host) {
    return Ip.parse(family == Family.IPV4 ? "192.0.2." + host : "2001:db8::" + host);
  }

  private static Ip client(Family family) {
    return ip(family, 1);
  }

  private static Ip host(Family family) {
    return ip(family, 7);
  }

  private static Ip pod(Family family) {
    return ip(family, 9);
  }

  /** An entry of client and another, the client's side being A; {@code state} besides approvals. */
  private CtKey flow(Ip other, int port, int state, int ifindexA, int ifindexB, CtTuple x) {
    Family family = other.family();
    CtKey key = FlowKeys.of(new CtTuple(client(family), other, CLIENT_PORT, port), TCP);
    int now = dataplane.jiffies;
    CtCommon common = new CtCommon(now, now, state | A | B, 0, ifindexA, ifindexB, 0, 0, 0, 0, 0);
    dataplane.ct(family).entries.put(key, new CtValue(common, x, Ip.any(family)));
    return key;
  }

  private CtKey flow(Ip other, int port, int state, int ifindexA, int ifindexB) {
    Ip any = Ip.any(other.family());
    return flow(other, port, state, ifindexA, ifindexB, new CtTuple(any, any, 0, 0));
  }

  /** From the client to the host. */
  private CtKey toHost(Family family, int port) {
    return flow(host(family), port, CtState.CT_OPENER_A | OUT_A, UP, STACK);
  }

  private int left(CtKey key) {
    return dataplane.ct(key.addr0().family()).entries.get(key).c().state() & ASKED;
  }

  private static Rule to(Action action, List<Net> nets, Ports... ports) {
    return new Rule(
        action,
        Match.of(OptionalInt.empty(), Place.ANY, Place.of(nets, List.of(), List.of(ports))),
        0);
  }

  private static Chain chain(Action end, Rule... rules) {
    return new Chain(List.of(), List.of(new Policy("p", List.of(rules))), end, 0);
  }

  private static Chain allowing(int port) {
    return chain(Action.DENY, to(Action.ALLOW, List.of(), new Ports(port, port)));
  }

  private static Chain allowing(Ip address, int port) {
    List<Net> nets = List.of(new Net(address, address.family().bits()));
    return chain(Action.DENY, to(Action.ALLOW, nets, new Ports(port, port)));
  }

  private static Plan in(Chain preDnat, Chain normal, Chain forward) {
    return new Plan(
        List.of(
            new Plan.Case(PktFlags.PKT_PRE_DNAT, PktFlags.PKT_PRE_DNAT, preDnat),
            new Plan.Case(PktFlags.PKT_DST_HOST, PktFlags.PKT_DST_HOST, normal),
            new Plan.Case(0, 0, forward)));
  }

  private static Plan out(Chain normal, Chain forward) {
    return new Plan(
        List.of(
            new Plan.Case(PktFlags.PKT_SRC_HOST, PktFlags.PKT_SRC_HOST, normal),
            new Plan.Case(0, 0, forward)));
  }

  private static Plan in(Chain normal, Chain forward) {
    return in(Chain.PASS_ALL, normal, forward);
  }

  private void review(String nic, Plans plans) {
    keeper.tell(new ConntrackKeeper.Review(Map.of(nic, plans), Map.of()));
    denied();
    time.timePasses(Duration.ofMillis(500));
    denied(); // it answers when it has reviewed
  }

  private void entering(String nic, Plan plan) {
    review(nic, new Plans(Optional.of(plan), Optional.empty()));
  }

  private void leaving(String nic, Plan plan) {
    review(nic, new Plans(Optional.empty(), Optional.of(plan)));
  }

  private long denied() {
    keeper.tell(new ConntrackKeeper.GetStats(probe.getRef()));
    return probe.receiveMessage().denied();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  @Tag("INV-POL-3")
  void whatTheHostDeniesByNowLosesItsApproval(Family family) {
    CtKey open = toHost(family, 22);
    CtKey closed = toHost(family, 80);
    entering("eth1", in(Chain.DENY_ALL, Chain.DENY_ALL));
    assertThat(left(closed)).as("another interface's").isEqualTo(A | B);
    entering("eth0", in(allowing(22), Chain.ALLOW_ALL));
    assertThat(denied()).isEqualTo(1);
    assertThat(left(open)).isEqualTo(A | B);
    assertThat(left(closed)).isEqualTo(B);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  @Tag("INV-SVC-1")
  void aNodePortIsJudgedByBothQuestions(Family family) {
    CtTuple answers = new CtTuple(host(family), client(family), 30080, CLIENT_PORT);
    int kind = CtState.CT_OPENER_A | CtState.CT_NAT_REVERSE | OUT_A;
    CtKey key = flow(pod(family), 8080, kind, UP, POD, answers);
    Chain backend = allowing(pod(family), 8080);
    Chain decides = chain(Action.PASS, to(Action.ALLOW, List.of(), new Ports(30080, 30080)));
    entering("eth0", in(Chain.DENY_ALL, backend));
    assertThat(left(key)).isEqualTo(A | B);
    entering("eth0", in(decides, Chain.DENY_ALL, Chain.DENY_ALL));
    assertThat(left(key)).as("a preDNAT rule decides").isEqualTo(A | B);
    Chain denies = chain(Action.PASS, to(Action.DENY, List.of(), new Ports(30080, 30080)));
    entering("eth0", in(denies, Chain.ALLOW_ALL, Chain.ALLOW_ALL));
    assertThat(left(key)).isEqualTo(B);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  @Tag("INV-SVC-1")
  void ofAnotherNodesBackendTheEntryTells(Family family) {
    Ip any = Ip.any(family);
    CtTuple backend = new CtTuple(any, ip(family, 99), 0, 8080);
    int kind = CtState.CT_OPENER_A | CtState.CT_FORWARD | CtState.CT_TUNNEL_B | OUT_A;
    CtKey key = flow(host(family), 30080, kind, UP, TUNNEL, backend);
    entering("eth0", in(Chain.DENY_ALL, allowing(ip(family, 99), 8080)));
    assertThat(left(key)).isEqualTo(A | B);
    entering("eth0", in(Chain.ALLOW_ALL, allowing(host(family), 30080)));
    assertThat(left(key)).isEqualTo(B);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-XDP-1")
  void whatXdpDecidesOnNobodyElseIsAskedAbout(Family family) {
    CtKey key = toHost(family, 80);
    Plan normal = in(Chain.DENY_ALL, Chain.DENY_ALL);
    Chain ofXdp = chain(Action.PASS, to(Action.ALLOW, List.of(), new Ports(80, 80)));
    review("eth0", new Plans(Optional.of(normal), Optional.empty(), Optional.of(Plan.of(ofXdp))));
    assertThat(left(key)).isEqualTo(A | B);
    review(
        "eth0",
        new Plans(Optional.of(normal), Optional.empty(), Optional.of(Plan.of(Chain.PASS_ALL))));
    assertThat(left(key)).isEqualTo(B);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void whatTheHostHasOpenedIsJudgedAsItsOwn(Family family) {
    // The host is the client's address here: it has the lower one.
    Route here = new Route(RouteFlags.ROUTE_LOCAL, 0, Ip.any(family));
    dataplane.routes(family).put(new RouteKey(family.bits(), client(family)), here);
    int opened = CtState.CT_OPENER_A | OUT_B | EGRESS;
    CtKey own = flow(ip(family, 50), 443, opened, STACK, UP);
    CtKey masqueraded = flow(ip(family, 51), 443, opened | CtState.CT_TRANSIT, STACK, UP);
    CtKey elsewhere = flow(ip(family, 52), 443, opened, STACK, UP2);
    leaving("eth0", out(allowing(443), Chain.DENY_ALL));
    assertThat(left(own)).isEqualTo(ASKED);
    assertThat(left(masqueraded)).as("of others").isEqualTo(A);
    leaving("eth0", out(Chain.DENY_ALL, Chain.ALLOW_ALL));
    assertThat(left(own)).isEqualTo(A);
    assertThat(left(elsewhere)).isEqualTo(ASKED);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void whatIsForwardedIsJudgedWhereItLeaves(Family family) {
    CtKey through =
        flow(ip(family, 50), 443, CtState.CT_OPENER_A | OUT_A | OUT_B | EGRESS, UP2, UP);
    CtKey unanswered = flow(ip(family, 51), 443, CtState.CT_OPENER_A | OUT_A | EGRESS, UP2, STACK);
    leaving("eth0", out(Chain.DENY_ALL, Chain.ALLOW_ALL));
    assertThat(denied()).isZero();
    leaving("eth0", out(Chain.ALLOW_ALL, Chain.DENY_ALL));
    assertThat(left(through)).isEqualTo(A);
    assertThat(left(unanswered)).as("only asked, for it may leave elsewhere").isEqualTo(A | B);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void anInterfaceIsReviewedWhenItsElementNamesItsPrograms(Family family) {
    CtKey key = toHost(family, 80);
    element("eth0", UP, 0);
    entering("eth0", in(Chain.DENY_ALL, Chain.DENY_ALL));
    assertThat(left(key)).as("nobody would be asked").isEqualTo(A | B);
    element("eth0", UP, 5);
    time.timePasses(Duration.ofMillis(500));
    assertThat(denied()).isEqualTo(1);
    assertThat(left(key)).isEqualTo(B);
  }
}
