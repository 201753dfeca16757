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
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Flows with addresses that have changed hands. */
class FormerFlowsTest extends KeeperRig {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int LOCAL = 11;
  private static final int TUNNEL = 9;
  private static final int BOTH = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
  private static final int TORN = CtState.CT_REVOKED | CtState.CT_RST_A | CtState.CT_RST_B;

  @BeforeEach
  void setUp() {
    int flags = IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_WORKLOAD;
    dataplane.ifaces().put(LOCAL, new Iface(flags, 1, 1, 0, 0, Ip.ANY4, Ip.ANY6, "cali1", 0));
  }

  /** 1: this node's pod; 2: another's. */
  private static Ip ip(Family family, int host) {
    return Ip.parse(family == Family.IPV4 ? "10.244.1." + host : "fd00:244:1::" + host);
  }

  private static CtTuple none(Family family) {
    return new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
  }

  private CtKey put(Family family, CtKey key, int state, int created, CtTuple x) {
    CtCommon c =
        new CtCommon(dataplane.jiffies, created, state | BOTH, 0, LOCAL, TUNNEL, 0, 0, 0, 0, 0);
    dataplane.ct(family).entries.put(key, new CtValue(c, x, Ip.any(family)));
    return key;
  }

  /** In use until now, from .1, which is side A. */
  private CtKey flow(Family family, int proto, int host, int age) {
    CtKey key = FlowKeys.of(ip(family, 1), 1000 + host, ip(family, host), 80, proto);
    return put(family, key, CtState.CT_OPENER_A, dataplane.jiffies - age, none(family));
  }

  private int state(Family family, CtKey key) {
    return dataplane.ct(family).entries.get(key).c().state();
  }

  private long ended() {
    keeper.tell(new ConntrackKeeper.GetStats(probe.getRef()));
    return probe.receiveMessage().handedOver();
  }

  private void tell(Set<Ip> nobodys, Set<Ip> taken, int at) {
    keeper.tell(new ConntrackKeeper.OwnersChanged(nobodys, taken, at));
    ended(); // it has it
  }

  private void pass() {
    time.timePasses(Duration.ofMillis(100));
    ended();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void flowsOfAnAddressThatIsNobodysEndSoonAndNoOthers(Family family) {
    flow(family, UDP, 2, 5);
    CtKey tcp = flow(family, TCP, 2, 5);
    CtKey other = flow(family, UDP, 3, 5);
    CtKey otherTcp = flow(family, TCP, 3, 5);
    tell(Set.of(ip(family, 2)), Set.of(), dataplane.jiffies);
    assertThat(dataplane.ct(family).entries).hasSize(4);
    pass();
    assertThat(dataplane.ct(family).entries).containsOnlyKeys(tcp, other, otherTcp);
    assertThat(state(family, tcp)).isEqualTo(TORN | CtState.CT_OPENER_A);
    assertThat(state(family, other)).isEqualTo(BOTH | CtState.CT_OPENER_A);
    assertThat(state(family, otherTcp)).isEqualTo(BOTH | CtState.CT_OPENER_A);
    assertThat(ended()).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void ofAnAddressThatIsTakenTcpIsAskedAnewByThisNodesEndAndTheRestGoes(Family family) {
    flow(family, UDP, 2, 5);
    CtKey tcp = flow(family, TCP, 2, 5);
    tell(Set.of(), Set.of(ip(family, 2)), dataplane.jiffies);
    pass();
    assertThat(dataplane.ct(family).entries).containsOnlyKeys(tcp);
    assertThat(state(family, tcp))
        .isEqualTo(CtState.CT_REVOKED | CtState.CT_APPROVED_B | CtState.CT_OPENER_A);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  @Tag("INV-CT-3")
  void whatTheNewOwnerHasMadeStays(Family family) {
    CtKey old = flow(family, UDP, 2, 5);
    CtKey fresh = FlowKeys.of(ip(family, 1), 7, ip(family, 2), 80, UDP);
    put(family, fresh, CtState.CT_OPENER_A, dataplane.jiffies - 3, none(family));
    tell(Set.of(), Set.of(ip(family, 2)), dataplane.jiffies - 4);
    // It is opened while it waits for the pass: jiffies go on.
    dataplane.jiffies += 10;
    CtKey later = FlowKeys.of(ip(family, 1), 8, ip(family, 2), 80, UDP);
    put(family, later, CtState.CT_OPENER_A, dataplane.jiffies, none(family));
    pass();
    assertThat(dataplane.ct(family).entries).containsOnlyKeys(fresh, later);
    assertThat(dataplane.ct(family).entries).doesNotContainKey(old);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  @Tag("INV-CT-1")
  void theTwinsOfAServicesFlowEndTogether(Family family) {
    Ip service = Ip.parse(family == Family.IPV4 ? "10.96.0.1" : "fd00:96::1");
    for (int proto : new int[] {TCP, UDP}) {
      CtTuple before = new CtTuple(ip(family, 1), service, 4000, 80);
      CtTuple after = new CtTuple(ip(family, 1), ip(family, 2), 4000, 8080);
      CtTuple answer = new CtTuple(service, ip(family, 1), 80, 4000);
      int made = dataplane.jiffies - 5;
      int opener = CtState.CT_OPENER_A;
      put(family, FlowKeys.of(before, proto), opener | CtState.CT_NAT_FORWARD, made, after);
      put(family, FlowKeys.of(after, proto), opener | CtState.CT_NAT_REVERSE, made, answer);
      // The tracking entry of this one was evicted.
      CtTuple lost = new CtTuple(ip(family, 1), service, 4001, 80);
      CtTuple lostAfter = new CtTuple(ip(family, 1), ip(family, 2), 4001, 8080);
      put(family, FlowKeys.of(lost, proto), opener | CtState.CT_NAT_FORWARD, made, lostAfter);
    }
    tell(Set.of(ip(family, 2)), Set.of(), dataplane.jiffies);
    pass();
    assertThat(dataplane.ct(family).entries.keySet())
        .hasSize(3)
        .allMatch(key -> key.proto() == TCP)
        .allMatch(key -> (state(family, key) & (TORN | BOTH)) == TORN);
  }

  @Test
  void whatComesWithinAWhileIsOnePassOverATable() {
    flow(Family.IPV4, UDP, 2, 5);
    flow(Family.IPV4, UDP, 3, 5);
    flow(Family.IPV4, UDP, 4, 5);
    tell(Set.of(ip(Family.IPV4, 2)), Set.of(), dataplane.jiffies);
    time.timePasses(Duration.ofMillis(60));
    tell(Set.of(ip(Family.IPV4, 3)), Set.of(), dataplane.jiffies);
    time.timePasses(Duration.ofMillis(39));
    assertThat(ended()).isZero();
    time.timePasses(Duration.ofMillis(1));
    assertThat(ended()).isEqualTo(2);
    assertThat(dataplane.chunks).containsExactly(2);
  }
}
