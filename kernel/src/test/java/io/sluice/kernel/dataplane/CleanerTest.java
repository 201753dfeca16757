// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class CleanerTest {
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final int JUDGED = 1000;

  private static Ip address(Family family, int host) {
    return family == Family.IPV4
        ? new Ip(family, 0, 0x0a00_0000L + host)
        : new Ip(family, 0xfd00L << 48, host);
  }

  private static CtKey key(Family family, int flow, int port) {
    return new CtKey(address(family, 1), address(family, 2), flow, port, TCP, 0);
  }

  /** What the agent writes where an entry has no twin. */
  private static CtKey none(Family family) {
    return new CtKey(Ip.any(family), Ip.any(family), 0, 0, 0, 0);
  }

  private static CtValue seen(Family family, int lastSeen) {
    CtCommon common = new CtCommon(lastSeen, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    CtTuple tuple = new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
    return new CtValue(common, tuple, Ip.any(family));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("INV-CT-1")
  @Tag("INV-CT-3")
  void deletesPairsThatNobodyTouchedSince(Family family) {
    try (TestBpffs bpffs = TestBpffs.mount();
        DataplaneLoader dataplane =
            DataplaneLoader.open(
                DataplaneOptions.defaults(bpffs.path())
                    .withMapSizes(Map.of("ct4", 8192, "ct6", 8192)))) {
      TypedMap<CtKey, CtValue> ct = dataplane.ct(family);
      CtKey alone = key(family, 1, 80);
      CtKey tracking = key(family, 2, 8080);
      CtKey forward = key(family, 2, 80);
      CtKey touched = key(family, 3, 80);
      CtKey ofTouchedTwin = key(family, 4, 8080);
      CtKey touchedTwin = key(family, 4, 80);
      CtKey other = key(family, 5, 80);
      CtKey evicted = key(family, 6, 80);
      ct.put(alone, seen(family, JUDGED));
      ct.put(tracking, seen(family, JUDGED));
      ct.put(forward, seen(family, JUDGED - 7));
      ct.put(touched, seen(family, JUDGED + 1));
      ct.put(ofTouchedTwin, seen(family, JUDGED));
      ct.put(touchedTwin, seen(family, JUDGED + 1));
      ct.put(other, seen(family, JUDGED));

      Map<CtKey, CtJudged> dead = new HashMap<>();
      dead.put(alone, new CtJudged(none(family), JUDGED, 0, 0, 0, CtVerdict.CT_DEAD));
      dead.put(tracking, new CtJudged(forward, JUDGED, JUDGED - 7, 0, 0, CtVerdict.CT_DEAD));
      dead.put(touched, new CtJudged(none(family), JUDGED, 0, 0, 0, CtVerdict.CT_DEAD));
      dead.put(ofTouchedTwin, new CtJudged(touchedTwin, JUDGED, JUDGED, 0, 0, CtVerdict.CT_DEAD));
      dead.put(evicted, new CtJudged(none(family), JUDGED, 0, 0, 0, CtVerdict.CT_DEAD));
      assertThat(dataplane.clean(family, dead)).isEqualTo(new Dataplane.CleanResult(3, 2, 1));

      Map<CtKey, CtValue> left = new HashMap<>();
      ct.forEach(left::put);
      assertThat(left).containsOnlyKeys(touched, ofTouchedTwin, touchedTwin, other);
      assertThat(dataplane.clean(family, Map.of())).isEqualTo(new Dataplane.CleanResult(0, 0, 0));
    }
  }

  private static CtKey withPort(Family family, int flow, int proto) {
    return new CtKey(address(family, 1), address(family, 2), flow, 80, proto, 0);
  }

  private static CtValue made(Family family, int created, int state) {
    CtCommon common = new CtCommon(JUDGED, created, state, 0, 0, 0, 0, 0, 0, 0, 0);
    CtTuple tuple = new CtTuple(Ip.any(family), Ip.any(family), 0, 0);
    return new CtValue(common, tuple, Ip.any(family));
  }

  /** Used or not; but not what was made in its place since. */
  @ParameterizedTest
  @EnumSource
  @Tag("INV-POL-1")
  @Tag("INV-CT-1")
  void endsFlowsOfAnAddressThatHasAnotherOwner(Family family) {
    int approved = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
    int torn = CtState.CT_REVOKED | CtState.CT_RST_A | CtState.CT_RST_B;
    try (TestBpffs bpffs = TestBpffs.mount();
        DataplaneLoader dataplane =
            DataplaneLoader.open(
                DataplaneOptions.defaults(bpffs.path())
                    .withMapSizes(Map.of("ct4", 8192, "ct6", 8192)))) {
      TypedMap<CtKey, CtValue> ct = dataplane.ct(family);
      CtKey udp = withPort(family, 1, UDP);
      CtKey udpTwin = withPort(family, 2, UDP);
      CtKey tcp = withPort(family, 3, TCP);
      CtKey tcpTwin = withPort(family, 4, TCP);
      CtKey later = withPort(family, 5, UDP);
      CtKey laterTcp = withPort(family, 6, TCP);
      for (CtKey key : List.of(udp, udpTwin, tcp, tcpTwin)) {
        ct.put(key, made(family, 7, approved));
      }
      ct.put(later, made(family, 8, approved));
      ct.put(laterTcp, made(family, 8, approved));
      Map<CtKey, CtJudged> over = new HashMap<>();
      over.put(udp, new CtJudged(udpTwin, 7, 0, 0, 0, CtVerdict.CT_ENDED));
      over.put(tcp, new CtJudged(tcpTwin, 7, 0, 0, 0, CtVerdict.CT_ENDED));
      over.put(later, new CtJudged(none(family), 7, 0, 0, 0, CtVerdict.CT_ENDED));
      over.put(laterTcp, new CtJudged(none(family), 7, 0, 0, 0, CtVerdict.CT_ENDED));
      assertThat(dataplane.clean(family, over)).isEqualTo(new Dataplane.CleanResult(3, 2, 0));
      Map<CtKey, Integer> left = new HashMap<>();
      ct.forEach((key, value) -> left.put(key, value.c().state()));
      assertThat(left)
          .isEqualTo(Map.of(tcp, torn, tcpTwin, torn, later, approved, laterTcp, approved));
    }
  }
}
