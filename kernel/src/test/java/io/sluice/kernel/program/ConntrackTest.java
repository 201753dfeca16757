// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.CtCleanStats;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.packet.Packet;
import io.sluice.kernel.program.ChainHarness.Target;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Flow state: twins, TCP's life, and the cleaner. */
class ConntrackTest extends ChainTest {
  private static final int FINS = CtState.CT_FIN_A | CtState.CT_FIN_B;

  private void establish(Net net, Traffic traffic) {
    harness.addService(7, net.service(), 80, traffic.proto(), new Target(net.b(), 8080, 21));
    harness.send(a, traffic.first(net.a(), 1000, net.service(), 80));
    harness.send(b, traffic.answer(net.b(), 8080, net.a(), 1000));
  }

  private Map.Entry<CtKey, CtValue> ofKind(Family family, int kind) {
    return harness.entries(family).entrySet().stream()
        .filter(e -> (e.getValue().c().state() & kind) != 0)
        .findFirst()
        .orElseThrow(() -> new AssertionError(CtState.describe(kind) + " is missing"));
  }

  private CtValue forward(Family family) {
    return ofKind(family, CtState.CT_NAT_FORWARD).getValue();
  }

  private CtValue tracking(Family family) {
    return ofKind(family, CtState.CT_NAT_REVERSE).getValue();
  }

  /** The key of a tuple: the lower end first. */
  private static CtKey key(CtTuple x, int proto) {
    int byAddress = x.saddr().compareTo(x.daddr());
    boolean sourceFirst = byAddress < 0 || byAddress == 0 && x.sport() <= x.dport();
    return sourceFirst
        ? new CtKey(x.saddr(), x.daddr(), x.sport(), x.dport(), proto, 0)
        : new CtKey(x.daddr(), x.saddr(), x.dport(), x.sport(), proto, 0);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-CT-1")
  void twinsAreMadeTogetherAndNameEachOther(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic);
    var forward = ofKind(family, CtState.CT_NAT_FORWARD);
    var tracking = ofKind(family, CtState.CT_NAT_REVERSE);
    assertThat(harness.entries(family)).hasSize(2);
    assertThat(forward.getValue().x()).isEqualTo(new CtTuple(net.a(), net.b(), 1000, 8080));
    assertThat(tracking.getValue().x()).isEqualTo(new CtTuple(net.service(), net.a(), 80, 1000));
    assertThat(key(forward.getValue().x(), traffic.proto())).isEqualTo(tracking.getKey());
    assertThat(key(tracking.getValue().x(), traffic.proto())).isEqualTo(forward.getKey());
    assertThat(tracking.getValue().c().created()).isEqualTo(forward.getValue().c().created());
  }

  @ParameterizedTest
  @CsvSource({"IPV4,1024", "IPV4,2048", "IPV6,1024", "IPV6,2048"})
  @Tag("INV-CT-1")
  void aPairThatIsTornIsMadeWhole(Family family, int lost) {
    Net net = Net.of(family);
    establish(net, Traffic.TCP);
    Map<CtKey, CtValue> before = harness.entries(family);
    var gone = ofKind(family, lost);
    var left = ofKind(family, lost ^ (CtState.CT_NAT_FORWARD | CtState.CT_NAT_REVERSE));
    harness.ct.get(family).removeAll(List.of(gone.getKey()));
    harness.ct.get(family).put(left.getKey(), seenLongAgo(left.getValue()));
    // Whichever twin is left is enough for its own direction, and brings the other back.
    Life life =
        lost == CtState.CT_NAT_REVERSE
            ? harness.send(a, Traffic.TCP.next(net.a(), 1000, net.service(), 80))
            : harness.send(b, Traffic.TCP.next(net.b(), 8080, net.a(), 1000));
    assertThat(life.packet().problems()).isEmpty();
    Map<CtKey, CtValue> after = harness.entries(family);
    assertThat(after.keySet()).isEqualTo(before.keySet());
    CtCommon was = gone.getValue().c();
    CtValue is = after.get(gone.getKey());
    assertThat(is.x()).isEqualTo(gone.getValue().x());
    assertThat(is.c().state() & ~(CtState.CT_SYN_A | CtState.CT_SYN_B))
        .isEqualTo(was.state() & ~(CtState.CT_SYN_A | CtState.CT_SYN_B));
    assertThat(is.c().csumAddr()).isEqualTo(was.csumAddr());
    assertThat(is.c().csumPort()).isEqualTo(was.csumPort());
    assertThat(is.c().ifindex0()).isEqualTo(was.ifindex0());
    assertThat(is.c().ifindex1()).isEqualTo(was.ifindex1());
  }

  static CtValue seenLongAgo(CtValue value) {
    CtCommon c = value.c();
    CtCommon old =
        new CtCommon(
            c.lastSeen() - 10 * Chain.HZ,
            c.created() - 10 * Chain.HZ,
            c.state(),
            c.routeEpoch(),
            c.ifindex0(),
            c.ifindex1(),
            c.service(),
            c.backend(),
            c.gen(),
            c.csumAddr(),
            c.csumPort());
    return new CtValue(old, value.x(), value.tunnelPeer());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-1")
  void twinsAreSeenTogether(Family family) {
    Net net = Net.of(family);
    establish(net, Traffic.UDP);
    harness.entries(family).forEach((k, v) -> harness.ct.get(family).put(k, seenLongAgo(v)));
    harness.send(a, Traffic.UDP.next(net.a(), 1000, net.service(), 80));
    assertThat(forward(family).c().lastSeen()).isEqualTo(tracking(family).c().lastSeen());
    assertThat(forward(family).c().lastSeen() - forward(family).c().created())
        .isGreaterThanOrEqualTo(10 * Chain.HZ);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-2")
  void tcpStateLivesInTheTrackingEntry(Family family) {
    Net net = Net.of(family);
    establish(net, Traffic.TCP);
    int opener = tracking(family).c().state() & (CtState.CT_OPENER_A | CtState.CT_OPENER_B);
    boolean openerIsB = opener == CtState.CT_OPENER_B;
    int openersFin = openerIsB ? CtState.CT_FIN_B : CtState.CT_FIN_A;
    int syns = CtState.CT_SYN_A | CtState.CT_SYN_B;
    assertThat(tracking(family).c().state() & syns).as("both have sent a SYN").isEqualTo(syns);
    int fin = Packet.FIN | Packet.ACK;
    harness.send(a, Traffic.TCP.packet(net.a(), 1000, net.service(), 80, fin).build());
    assertThat(tracking(family).c().state() & FINS).isEqualTo(openersFin);
    assertThat(forward(family).c().state() & FINS).as("by the forward entry").isZero();
    harness.send(b, Traffic.TCP.packet(net.b(), 8080, net.a(), 1000, fin).build());
    assertThat(tracking(family).c().state() & FINS).isEqualTo(FINS);
  }

  @ParameterizedTest
  @CsvSource({"IPV4,true", "IPV4,false", "IPV6,true", "IPV6,false"})
  @Tag("INV-CT-2")
  void aSynOnAClosedConnectionBeginsAnew(Family family, boolean reset) {
    Net net = Net.of(family);
    establish(net, Traffic.TCP);
    harness.entries(family).forEach((k, v) -> harness.ct.get(family).put(k, seenLongAgo(v)));
    byte[] syn = Traffic.TCP.first(net.a(), 1000, net.service(), 80);
    harness.setBackends(7, 2000, family, new Target(net.c(), 8080, 22));
    harness.bumpGeneration(21);
    assertThat(harness.send(a, syn).packet().destination())
        .as("still open: a SYN changes nothing")
        .isEqualTo(net.b());
    int flags = reset ? Packet.RST : Packet.FIN | Packet.ACK;
    harness.send(a, Traffic.TCP.packet(net.a(), 1000, net.service(), 80, flags).build());
    harness.send(b, Traffic.TCP.packet(net.b(), 8080, net.a(), 1000, flags).build());
    Life anew = harness.send(a, syn);
    assertThat(anew.packet().destination()).isEqualTo(net.c());
    assertThat(harness.entries(family)).hasSize(2);
    assertThat(tracking(family).c().state() & FINS).isZero();
    assertThat(tracking(family).c().backend()).isEqualTo(22);
    assertThat(forward(family).c().backend()).isEqualTo(22);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void onlyAPacketThatMayOpenAFlowMakesAnEntry(Family family) {
    Net net = Net.of(family);
    for (int flags : new int[] {0x10, 0x11, 0x12, 0x01, 0x04, 0x14, 0x03, 0x06, 0x00, 0xff}) {
      harness.send(a, Traffic.TCP.packet(net.a(), 1000, net.b(), 80, flags).build());
    }
    assertThat(harness.entries(family)).isEmpty();
  }

  private CtJudged judge(Family family, int ownAge, int twinAge) {
    CtKey twin = ofKind(family, CtState.CT_NAT_FORWARD).getKey();
    return new CtJudged(
        twin,
        tracking(family).c().lastSeen() - ownAge,
        forward(family).c().lastSeen() - twinAge,
        0,
        0,
        CtVerdict.CT_DEAD);
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.program.Traffic#inFamilies")
  @Tag("INV-CT-3")
  void theCleanerDeletesOnlyWhatNobodyTouchedSince(Family family, Traffic traffic) {
    Net net = Net.of(family);
    establish(net, traffic);
    CtKey key = ofKind(family, CtState.CT_NAT_REVERSE).getKey();
    // Either twin has been seen after the judgement: both are spared.
    assertThat(harness.clean(family, Map.of(key, judge(family, 1, 0))))
        .isEqualTo(new CtCleanStats(0, 1, 0));
    assertThat(harness.clean(family, Map.of(key, judge(family, 0, 1))))
        .isEqualTo(new CtCleanStats(0, 1, 0));
    assertThat(harness.entries(family)).hasSize(2);
    CtJudged untouched = judge(family, 0, 0);
    assertThat(harness.clean(family, Map.of(key, untouched))).isEqualTo(new CtCleanStats(2, 0, 0));
    assertThat(harness.entries(family)).isEmpty();
    assertThat(harness.clean(family, Map.of(key, untouched))).isEqualTo(new CtCleanStats(0, 0, 1));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-3")
  void entriesWithoutATwinAreCleanedAlone(Family family) {
    Net net = Net.of(family);
    harness.send(a, Traffic.UDP.first(net.a(), 1000, net.b(), 80));
    harness.send(a, Traffic.UDP.first(net.a(), 1001, net.b(), 80));
    var entry =
        harness.entries(family).entrySet().stream()
            .filter(e -> e.getKey().port0() == 1000 || e.getKey().port1() == 1000)
            .findFirst()
            .orElseThrow();
    CtKey none = new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
    CtJudged judged =
        new CtJudged(none, entry.getValue().c().lastSeen(), 0, 0, 0, CtVerdict.CT_DEAD);
    assertThat(harness.clean(family, Map.of(entry.getKey(), judged)))
        .isEqualTo(new CtCleanStats(1, 0, 0));
    assertThat(harness.entries(family)).hasSize(1);
  }
}
