// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.Action;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.IpSet;
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
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Live flows that a change of policy denies (policyEstablishedFlows: End). */
class FlowReviewTest extends KeeperRig {
  private static final int TCP = 6;
  private static final int CLIENT = 11;
  private static final int SERVER = 12;
  private static final int BOTH = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
  private static final Plan ALLOW = Plan.of(Chain.ALLOW_ALL);

  @BeforeEach
  void setUp() {
    dataplane.ifaces().put(CLIENT, iface("cali1"));
    dataplane.ifaces().put(SERVER, iface("cali2"));
  }

  private static Iface iface(String nic) {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD;
    return new Iface(flags, 1, 1, 0, 0, Ip.ANY4, Ip.ANY6, nic, 0);
  }

  private static Ip ip(Family family, int host) {
    return Ip.parse(family == Family.IPV4 ? "10.244.1." + host : "fd00:244:1::" + host);
  }

  /** From .2:port, which is side A, to .3:80, both local, in use until now. */
  private CtKey flow(Family family, int state, int port, CtTuple x) {
    CtKey key = FlowKeys.of(new CtTuple(ip(family, 2), ip(family, 3), port, 80), TCP);
    int now = dataplane.jiffies;
    CtCommon common =
        new CtCommon(
            now, now, state | BOTH | CtState.CT_OPENER_A, 0, CLIENT, SERVER, 0, 0, 0, 0, 0);
    dataplane.ct(family).entries.put(key, new CtValue(common, x, Ip.any(family)));
    return key;
  }

  private CtKey flow(Family family, int port) {
    return flow(family, 0, port, new CtTuple(Ip.any(family), Ip.any(family), 0, 0));
  }

  private int approvals(Family family, CtKey key) {
    return dataplane.ct(family).entries.get(key).c().state() & BOTH;
  }

  private static Plan allowing(Place source) {
    Match match = Match.of(OptionalInt.empty(), source, Place.ANY);
    Policy only = new Policy("only", List.of(new Rule(Action.ALLOW, match, 0)));
    return Plan.of(new Chain(List.of(), List.of(only), Action.DENY, 0));
  }

  private static Place place(List<Long> sets, List<Ports> ports) {
    return Place.of(List.of(), sets, ports);
  }

  private void review(String nic, Plan in, Plan out, Map<Long, IpSet> sets) {
    keeper.tell(
        new ConntrackKeeper.Review(
            Map.of(nic, new Plans(Optional.of(in), Optional.of(out))), sets));
    keeper.tell(new ConntrackKeeper.GetStats(probe.getRef()));
    probe.receiveMessage();
    time.timePasses(Duration.ofMillis(500));
    denied(); // it answers when it has reviewed
  }

  private long denied() {
    keeper.tell(new ConntrackKeeper.GetStats(probe.getRef()));
    return probe.receiveMessage().denied();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void whatTheServerDeniesByNowLosesItsApproval(Family family) {
    CtKey from1000 = flow(family, 1000);
    CtKey from2000 = flow(family, 2000);
    review("cali2", ALLOW, allowing(place(List.of(), List.of(new Ports(2000, 2000)))), Map.of());
    assertThat(denied()).isEqualTo(1);
    assertThat(approvals(family, from1000)).isEqualTo(CtState.CT_APPROVED_A);
    assertThat(approvals(family, from2000)).isEqualTo(BOTH);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void whatTheClientDeniesByNowLosesItsApprovalByItsOwnPort(Family family) {
    // The source port is translated: 1000 became 40000.
    Ip service = Ip.parse(family == Family.IPV4 ? "10.96.0.1" : "fd00:96::1");
    CtTuple answers = new CtTuple(service, ip(family, 2), 8080, 1000);
    int kind = CtState.CT_NAT_REVERSE | CtState.CT_SRC_PORT;
    CtKey tracking = flow(family, kind, 40000, answers);
    review("cali1", allowing(place(List.of(), List.of(new Ports(1000, 1000)))), ALLOW, Map.of());
    assertThat(denied()).isZero();
    review("cali1", allowing(place(List.of(), List.of(new Ports(40000, 40000)))), ALLOW, Map.of());
    assertThat(denied()).isEqualTo(1);
    assertThat(approvals(family, tracking)).isEqualTo(CtState.CT_APPROVED_B);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void membersOfSetsCount(Family family) {
    CtKey key = flow(family, 1000);
    Plan fromSet = allowing(place(List.of(7L), List.of()));
    Net host = new Net(ip(family, 2), family.bits());
    review(
        "cali2", ALLOW, fromSet, Map.of(7L, new IpSet(7, "x", Set.of(new IpSet.NetMember(host)))));
    assertThat(approvals(family, key)).isEqualTo(BOTH);
    review("cali2", ALLOW, fromSet, Map.of(7L, new IpSet(7, "x", Set.of())));
    assertThat(approvals(family, key)).isEqualTo(CtState.CT_APPROVED_A);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void flowsOfOtherInterfacesAreNotJudged(Family family) {
    CtKey key = flow(family, 1000);
    review("cali9", Plan.of(Chain.DENY_ALL), Plan.of(Chain.DENY_ALL), Map.of());
    assertThat(approvals(family, key)).isEqualTo(BOTH);
  }
}
