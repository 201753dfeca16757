// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Scan and cleaner on real tables. */
@RequiresKernel
class ConntrackInKernelTest {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int LIVE = 150_000;
  private static final int MANY = 500_000;
  private static final int GONE = 500;
  private static final int ESTABLISHED = CtState.CT_SYN_A | CtState.CT_SYN_B;

  private static TestBpffs bpffs;
  private static Dataplane dataplane;

  @BeforeAll
  static void open() {
    bpffs = TestBpffs.mount();
    dataplane =
        DataplaneLoader.open(
            DataplaneOptions.defaults(bpffs.path())
                .withMapSizes(Map.of("ct4", 1_000_000, "ct6", 1_000_000)));
  }

  @AfterAll
  static void close() {
    dataplane.close();
    bpffs.close();
  }

  private static Ip ip(Family family, int host) {
    return family == Family.IPV4
        ? new Ip(family, 0, 0x0af40000L + host)
        : new Ip(family, 0xfd00_0244_0000_0000L, host);
  }

  private static CtValue value(Family family, int state, int seen, CtTuple x) {
    CtCommon c = new CtCommon(seen, seen, state, 0, 0, 0, 0, 0, 0, 0, 0);
    return new CtValue(c, x, Ip.any(family));
  }

  private static ConntrackScan scan(Family family) {
    Liveness liveness = new Liveness(Timeouts.DEFAULTS, dataplane.hz());
    ConntrackScan scan = new ConntrackScan(family, liveness, dataplane.jiffies(), Map.of(), 63);
    dataplane.ct(family).forEachRaw(scan::visit);
    return scan;
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-1")
  @Tag("INV-CT-3")
  void aDeadPairIsDeletedWholeAndOneThatIsTouchedMeanwhileIsSpared(Family family) {
    int old = dataplane.jiffies() - 7200 * dataplane.hz();
    CtTuple before = new CtTuple(ip(family, 2), ip(family, 99), 4000, 80);
    CtTuple after = new CtTuple(ip(family, 2), ip(family, 3), 4000, 8080);
    CtTuple answer = new CtTuple(ip(family, 99), ip(family, 2), 80, 4000);
    CtKey forward = FlowKeys.of(before, TCP);
    CtKey tracking = FlowKeys.of(after, TCP);
    var table = dataplane.ct(family);
    table.put(forward, value(family, CtState.CT_NAT_FORWARD, old, after));
    table.put(tracking, value(family, ESTABLISHED | CtState.CT_NAT_REVERSE, old, answer));
    Map<CtKey, CtJudged> judged = scan(family).judge(table::get);
    assertThat(judged).containsOnlyKeys(tracking);
    table.put(forward, value(family, CtState.CT_NAT_FORWARD, old + 1, after));
    assertThat(dataplane.clean(family, judged).spared()).isEqualTo(1);
    assertThat(table.get(forward)).isPresent();
    assertThat(table.get(tracking)).isPresent();
    judged = scan(family).judge(table::get);
    assertThat(dataplane.clean(family, judged).deleted()).isEqualTo(2);
    assertThat(table.get(forward)).isEmpty();
    assertThat(table.get(tracking)).isEmpty();
  }

  /** Its forward entry has the tuple of another flow's tracking entry, which lives on. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-CT-1")
  @Tag("INV-SVC-9")
  void aDirectPairIsDeletedWholeAndTheFlowInItsWaySpared(Family family) {
    int now = dataplane.jiffies();
    int old = now - 7200 * dataplane.hz();
    CtTuple before = new CtTuple(ip(family, 2), ip(family, 99), 4000, 80);
    CtTuple taken = new CtTuple(ip(family, 2), ip(family, 3), 4000, 8080);
    CtTuple after = new CtTuple(ip(family, 2), ip(family, 3), 20_000, 8080);
    CtTuple answer = new CtTuple(ip(family, 99), ip(family, 2), 80, 4000);
    CtTuple directAnswer = new CtTuple(ip(family, 3), ip(family, 2), 8080, 4000);
    int direct = CtState.CT_DIRECT | CtState.CT_SRC_PORT;
    var table = dataplane.ct(family);
    Map<CtKey, CtValue> service =
        Map.of(
            FlowKeys.of(before, TCP), value(family, CtState.CT_NAT_FORWARD, now, taken),
            FlowKeys.of(taken, TCP),
                value(family, ESTABLISHED | CtState.CT_NAT_REVERSE, now, answer));
    Map<CtKey, CtValue> pair =
        Map.of(
            FlowKeys.direct(FlowKeys.of(taken, TCP)),
                value(family, CtState.CT_NAT_FORWARD | direct, old, after),
            FlowKeys.of(after, TCP),
                value(family, ESTABLISHED | CtState.CT_NAT_REVERSE | direct, old, directAnswer));
    table.putAll(service);
    table.putAll(pair);
    ConntrackScan scan = scan(family);
    Map<CtKey, CtJudged> judged = scan.judge(table::get);
    assertThat(judged).containsOnlyKeys(FlowKeys.of(after, TCP));
    assertThat(scan.orphans()).isZero();
    assertThat(dataplane.clean(family, judged).deleted()).isEqualTo(2);
    pair.keySet().forEach(key -> assertThat(table.get(key)).isEmpty());
    service.keySet().forEach(key -> assertThat(table.get(key)).isPresent());
    table.removeAll(service.keySet());
  }

  @Test
  void aScanMakesNoObjectsOfLiveFlows() {
    Family family = Family.IPV4;
    int now = dataplane.jiffies();
    CtTuple none = new CtTuple(Ip.ANY4, Ip.ANY4, 0, 0);
    Map<CtKey, CtValue> live = new HashMap<>();
    for (int i = 0; i < LIVE; i++) {
      live.put(
          FlowKeys.of(ip(family, i), 1024, ip(family, 1_000_000), 80, TCP),
          value(family, ESTABLISHED, now, none));
    }
    dataplane.ct(family).putAll(live);
    scan(family);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    ConntrackScan scan = scan(family);
    long bytes = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(scan.entries()).isGreaterThanOrEqualTo(LIVE);
    assertThat(bytes / scan.entries()).as("bytes an entry").isLessThan(16);
    dataplane.ct(family).removeAll(live.keySet());
  }

  /** Of a table of half a million entries, when 500 pods have gone: 500 of its flows are theirs. */
  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("INV-POL-1")
  void aPassForFormerOwnersMakesNoObjectsOfOthersFlows(Family family) {
    int now = dataplane.jiffies();
    CtTuple none = new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
    Map<CtKey, CtValue> live = new HashMap<>();
    for (int i = 0; i < MANY; i++) {
      live.put(
          FlowKeys.of(ip(family, i), 1024, ip(family, 1_000_000), 80, UDP),
          value(family, 0, now, none));
    }
    dataplane.ct(family).putAll(live);
    Map<Ip, Handovers.Handover> gone = new HashMap<>();
    for (int i = 0; i < GONE; i++) {
      gone.put(ip(family, i * 100), new Handovers.Handover(now, true));
    }
    Handovers handovers = new Handovers(family, gone);
    passOf(family, handovers); // to warm up
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long allocated = threads.getCurrentThreadAllocatedBytes();
    long start = System.nanoTime();
    FormerFlows pass = passOf(family, handovers);
    final long millis = (System.nanoTime() - start) / 1_000_000;
    long bytes = threads.getCurrentThreadAllocatedBytes() - allocated;
    Map<CtKey, CtJudged> judged = pass.judge(dataplane.ct(family)::get);
    System.out.printf("IPv%d: %d ms, %d bytes%n", family.number(), millis, bytes);
    assertThat(judged).hasSize(GONE);
    assertThat(bytes / MANY).as("bytes an entry").isLessThan(4);
    assertThat(dataplane.clean(family, judged).deleted()).isEqualTo(GONE);
    dataplane.ct(family).removeAll(live.keySet());
  }

  private static FormerFlows passOf(Family family, Handovers handovers) {
    Liveness clock = new Liveness(Timeouts.DEFAULTS, dataplane.hz());
    FormerFlows pass =
        new FormerFlows(family, handovers, clock, dataplane.jiffies(), Set.of(), MANY);
    dataplane.ct(family).forEachRaw(pass::visit);
    return pass;
  }
}
