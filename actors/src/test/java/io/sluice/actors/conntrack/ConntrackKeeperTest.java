// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.typed.ActorRef;
import io.sluice.actors.conntrack.ConntrackKeeper.Stats;
import io.sluice.actors.limits.LimitMaps;
import io.sluice.actors.limits.Limits;
import io.sluice.config.model.QosControls;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtDirects;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SluiceHook;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ConntrackKeeperTest extends KeeperRig {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int HZ = 250;
  private static final int ESTABLISHED = CtState.CT_SYN_A | CtState.CT_SYN_B;

  /** Only a table without any of them says so: a flow that comes meanwhile is one more. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-SVC-9")
  void programsAreToldWhenThereAreNoDirectFlowsAnyMore(Family family) {
    var directs = dataplane.directs(family);
    directs.put(CtDirects.CT_DIRECTS_MADE, 3);
    CtKey key = FlowKeys.of(ip(family, 1), 1000, ip(family, 2), 80, UDP);
    int now = dataplane.jiffies();
    CtCommon c = new CtCommon(now, now, CtState.CT_DIRECT, 0, 0, 0, 0, 0, 0, 0, 0);
    CtTuple none = new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
    dataplane.ct(family).put(key, new CtValue(c, none, Ip.any(family)));
    keeper.tell(new ConntrackKeeper.ScanNow(probe.ref()));
    probe.receiveMessage();
    assertThat(directs.get(CtDirects.CT_DIRECTS_OVER).orElse(0)).isZero();
    dataplane.ct(family).removeAll(Set.of(key));
    keeper.tell(new ConntrackKeeper.ScanNow(probe.ref()));
    probe.receiveMessage();
    assertThat(directs.get(CtDirects.CT_DIRECTS_OVER)).contains(3);
  }

  private static Ip ip(Family family, int host) {
    return Ip.parse(family == Family.IPV4 ? "10.244.1." + host : "fd00:244:1::" + host);
  }

  private static Ip service(Family family) {
    return Ip.parse(family == Family.IPV4 ? "10.96.0.1" : "fd00:96::1");
  }

  private CtValue value(Family family, int state, int ageSeconds, CtTuple x) {
    int seen = dataplane.jiffies - ageSeconds * HZ;
    CtCommon common =
        new CtCommon(seen, dataplane.jiffies - 100_000 * HZ, state, 0, 0, 0, 0, 0, 0, 0, 0);
    return new CtValue(common, x, Ip.any(family));
  }

  private CtKey normal(Family family, int proto, int state, int ageSeconds, int port) {
    CtTuple tuple = new CtTuple(ip(family, 2), ip(family, 3), port, 80);
    CtKey key = FlowKeys.of(tuple, proto);
    CtTuple none = new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
    dataplane.ct(family).entries.put(key, value(family, state, ageSeconds, none));
    return key;
  }

  private record Pair(CtKey forward, CtKey tracking) {}

  /** Client .2 to a service whose backend is .3. */
  private Pair pair(Family family, int state, int forwardAge, int trackingAge) {
    CtTuple before = new CtTuple(ip(family, 2), service(family), 4000, 80);
    CtTuple after = new CtTuple(ip(family, 2), ip(family, 3), 4000, 8080);
    CtTuple answer = new CtTuple(service(family), ip(family, 2), 80, 4000);
    Pair pair = new Pair(FlowKeys.of(before, TCP), FlowKeys.of(after, TCP));
    var table = dataplane.ct(family).entries;
    table.put(pair.forward(), value(family, CtState.CT_NAT_FORWARD, forwardAge, after));
    table.put(pair.tracking(), value(family, state | CtState.CT_NAT_REVERSE, trackingAge, answer));
    return pair;
  }

  private Stats.Table scan(Family family) {
    keeper.tell(new ConntrackKeeper.ScanNow(probe.getRef()));
    return probe.receiveMessage().families().get(family);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-3")
  void deadFlowsGoAndLiveOnesStay(Family family) {
    CtKey live = normal(family, TCP, ESTABLISHED, 3000, 1);
    CtKey idle = normal(family, TCP, ESTABLISHED, 3700, 2);
    CtKey udp = normal(family, UDP, 0, 61, 3);
    Stats.Table table = scan(family);
    assertThat(dataplane.ct(family).entries).containsOnlyKeys(live);
    assertThat(table.deleted()).isEqualTo(2);
    assertThat(table.entries()).isEqualTo(3);
    assertThat(dataplane.ct(family).entries).doesNotContainKeys(idle, udp);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-1")
  void aPairLivesAsLongAsOneOfItsHalvesIsSeen(Family family) {
    pair(family, ESTABLISHED, 5, 4000);
    assertThat(scan(family).deleted()).isZero();
    pair(family, ESTABLISHED, 4000, 5);
    assertThat(scan(family).deleted()).isZero();
    pair(family, ESTABLISHED, 4000, 4000);
    assertThat(scan(family).deleted()).isEqualTo(2);
    assertThat(dataplane.ct(family).entries).isEmpty();
  }

  @Test
  @Tag("INV-QOS-1")
  void connectionsAreCountedAnewWhereFlowsHoldFewerOrMore() {
    LimitMaps limits = new LimitMaps(dataplane);
    QosControls.Limits three = new QosControls.Limits(0, 0, 0, 0, 3);
    limits.put(7, new Limits(Set.of(), new QosControls(three, three, OptionalInt.empty())), false);
    QosKey opens = new QosKey(7, SluiceHook.HOOK_IN);
    QosKey gets = new QosKey(7, SluiceHook.HOOK_OUT);
    // Three are counted as opened, and none as got; a flow holds one of either.
    dataplane.qosUse().put(opens, new QosUse(10, 7, 0, 0, 0, 0, 0, 0, 0));
    int slots = CtState.CT_SLOT_A | CtState.CT_SLOT_B | CtState.CT_OPENER_A | ESTABLISHED;
    CtKey key = normal(Family.IPV4, TCP, slots, 3, 1);
    CtValue value = dataplane.ct(Family.IPV4).entries.get(key);
    CtCommon c = value.c();
    CtCommon here = new CtCommon(c.lastSeen(), c.created(), c.state(), 0, 7, 7, 0, 0, 0, 0, 0);
    dataplane.ct(Family.IPV4).entries.put(key, new CtValue(here, value.x(), value.tunnelPeer()));
    // The NAT forward twin of a flow of another interface says the same, and does not count.
    pair(Family.IPV4, slots, 3, 3);
    keeper =
        kit.spawn(
            ConntrackKeeper.create(
                dataplane, ConntrackKeeper.Settings.of(() -> Timeouts.DEFAULTS), limits));
    scan(Family.IPV4);
    assertThat(adjusted(opens)).as("one scan may be wrong").isZero();
    scan(Family.IPV4);
    assertThat(adjusted(opens)).isEqualTo(-2);
    assertThat(adjusted(gets)).isEqualTo(1);
    scan(Family.IPV4);
    assertThat(adjusted(opens)).isEqualTo(-2);
  }

  private int adjusted(QosKey key) {
    return dataplane.qosLimits().get(key).orElseThrow().adjust();
  }

  @Test
  @Tag("INV-CT-2")
  void theStateOfAPairIsTheTrackingEntrys() {
    pair(Family.IPV4, CtState.CT_SYN_A, 21, 21);
    assertThat(scan(Family.IPV4).deleted()).isEqualTo(2);
    pair(Family.IPV4, ESTABLISHED | CtState.CT_RST_A, 41, 41);
    assertThat(scan(Family.IPV4).deleted()).isEqualTo(4);
  }

  @Test
  void aHalfLivesOnByItselfUntilItsOwnTimeIsOver() {
    Pair pair = pair(Family.IPV4, ESTABLISHED, 3000, 3000);
    dataplane.ct(Family.IPV4).entries.remove(pair.tracking());
    assertThat(scan(Family.IPV4).deleted()).isZero();
    dataplane.jiffies += 700 * HZ;
    Stats.Table table = scan(Family.IPV4);
    assertThat(table.deleted()).isEqualTo(1);
    assertThat(table.orphans()).isEqualTo(1);
    pair = pair(Family.IPV4, ESTABLISHED, 3700, 3700);
    dataplane.ct(Family.IPV4).entries.remove(pair.forward());
    assertThat(scan(Family.IPV4).orphans()).isEqualTo(2);
    assertThat(dataplane.ct(Family.IPV4).entries).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-4")
  void theFlowsOfARemovedWorkloadGoAndItsSuccessorsStay(Family family) {
    Pair tcp = pair(family, ESTABLISHED, 1, 1);
    normal(family, UDP, 0, 1, 9);
    keeper.tell(new ConntrackKeeper.WorkloadsGone(Set.of(ip(family, 3))));
    assertThat(scan(family).deleted()).isEqualTo(1);
    // TCP stays, for its next packet is to be answered with a RST.
    assertThat(dataplane.ct(family).entries).containsOnlyKeys(tcp.forward(), tcp.tracking());
    dataplane.ct(family).entries.clear();
    dataplane.jiffies += HZ;
    CtKey key = normal(family, UDP, 0, 0, 9);
    CtValue old = dataplane.ct(family).entries.get(key);
    CtCommon c = old.c();
    CtCommon fresh =
        new CtCommon(c.lastSeen(), dataplane.jiffies, c.state(), 0, 0, 0, 0, 0, 0, 0, 0);
    dataplane.ct(family).entries.put(key, new CtValue(fresh, old.x(), old.tunnelPeer()));
    assertThat(scan(family).deleted()).isEqualTo(1);
    assertThat(dataplane.ct(family).entries).containsOnlyKeys(key);
  }

  @Test
  void theTimerScansAndChunksAreWhatTheCleanerCanHold() {
    for (int i = 0; i < 900; i++) {
      normal(Family.IPV4, UDP, 0, 100, i);
    }
    time.timePasses(Duration.ofSeconds(10));
    keeper.tell(new ConntrackKeeper.GetStats(probe.getRef()));
    Stats stats = probe.receiveMessage();
    assertThat(stats.scans()).isEqualTo(1);
    assertThat(stats.families().get(Family.IPV4).deleted()).isEqualTo(900);
    assertThat(dataplane.chunks).containsExactly(900);
  }

  @Test
  @Tag("INV-CT-5")
  void aTableThatIsNearlyFullIsAlarmedOnceAndCalledOff() {
    for (int i = 0; i < 901; i++) {
      normal(Family.IPV4, TCP, ESTABLISHED, 1, i);
    }
    LoggingTestKit.warn("ct4 is 90 % full")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              assertThat(scan(Family.IPV4).nearlyFull()).isTrue();
              assertThat(scan(Family.IPV4).nearlyFull()).isTrue();
              return null;
            });
    // A flow that is lost from a table this full was evicted.
    dataplane
        .ct(Family.IPV4)
        .entries
        .keySet()
        .removeIf(key -> key.port0() == 5 || key.port1() == 5);
    assertThat(scan(Family.IPV4).evicted()).isEqualTo(1);
    dataplane.ct(Family.IPV4).entries.clear();
    assertThat(scan(Family.IPV4).nearlyFull()).isFalse();
  }

  @Test
  void aScanThatFailsIsFollowedByAnother() {
    assertThat(scan(Family.IPV4).entries()).isZero();
    ActorRef<ConntrackKeeper.Command> failing =
        kit.spawn(
            ConntrackKeeper.create(
                dataplane,
                ConntrackKeeper.Settings.of(
                    new java.util.function.Supplier<>() {
                      private boolean failed;

                      @Override
                      public Timeouts get() {
                        if (!failed) {
                          failed = true;
                          throw new IllegalStateException("no time");
                        }
                        return Timeouts.DEFAULTS;
                      }
                    })));
    LoggingTestKit.warn("no time")
        .expect(
            kit.system(),
            () -> {
              time.timePasses(Duration.ofSeconds(10));
              return null;
            });
    time.timePasses(Duration.ofSeconds(10));
    failing.tell(new ConntrackKeeper.GetStats(probe.getRef()));
    assertThat(probe.receiveMessage().scans()).isEqualTo(1);
  }
}
