// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtTuple;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class CleanerTest {
  private static final int TCP = 6;
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
      dead.put(alone, new CtJudged(none(family), JUDGED, 0, 0, 0));
      dead.put(tracking, new CtJudged(forward, JUDGED, JUDGED - 7, 0, 0));
      dead.put(touched, new CtJudged(none(family), JUDGED, 0, 0, 0));
      dead.put(ofTouchedTwin, new CtJudged(touchedTwin, JUDGED, JUDGED, 0, 0));
      dead.put(evicted, new CtJudged(none(family), JUDGED, 0, 0, 0));
      assertThat(dataplane.clean(family, dead)).isEqualTo(new Dataplane.CleanResult(3, 2, 1));

      Map<CtKey, CtValue> left = new HashMap<>();
      ct.forEach(left::put);
      assertThat(left).containsOnlyKeys(touched, ofTouchedTwin, touchedTwin, other);
      assertThat(dataplane.clean(family, Map.of())).isEqualTo(new Dataplane.CleanResult(0, 0, 0));
    }
  }
}
