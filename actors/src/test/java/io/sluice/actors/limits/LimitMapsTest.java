// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.limits;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.limits.Limits.Network;
import io.sluice.actors.testing.FakeDataplane;
import io.sluice.config.model.QosControls;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosDscp;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SourceKey;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class LimitMapsTest {
  private static final QosKey OPENS = new QosKey(7, SluiceHook.HOOK_IN);
  private static final QosKey GETS = new QosKey(7, SluiceHook.HOOK_OUT);

  private final FakeDataplane dataplane = new FakeDataplane(10);
  private final LimitMaps maps = new LimitMaps(dataplane);

  private static Limits sources(String... networks) {
    Set<Network> all = new java.util.HashSet<>();
    for (String network : networks) {
      String[] parts = network.split("/");
      all.add(new Network(Ip.parse(parts[0]), Integer.parseInt(parts[1])));
    }
    return new Limits(all, QosControls.NONE);
  }

  private static Limits connections(long egress) {
    return new Limits(
        Set.of(),
        new QosControls(
            QosControls.Limits.NONE,
            new QosControls.Limits(0, 0, 0, 0, egress),
            OptionalInt.empty()));
  }

  @Test
  @Tag("INV-RPF-1")
  void sourcesAreAddedFirstAndRemovedLast() {
    maps.put(7, sources("10.9.0.0/16", "fd09::/32"), false);
    maps.put(8, sources("10.9.0.0/16"), false);
    maps.put(7, sources("10.8.0.0/16", "fd09::/32"), false);
    assertThat(dataplane.sources(Family.IPV4).entries.keySet())
        .containsExactlyInAnyOrder(
            new SourceKey(48, 7, Ip.parse("10.9.0.0")),
            new SourceKey(48, 7, Ip.parse("10.8.0.0")),
            new SourceKey(48, 8, Ip.parse("10.9.0.0")));
    assertThat(maps.trim(7, sources("10.8.0.0/16", "fd09::/32"))).as("flows look again").isTrue();
    assertThat(maps.trim(7, sources("10.8.0.0/16", "fd09::/32"))).isFalse();
    assertThat(dataplane.sources(Family.IPV4).entries.keySet())
        .containsExactlyInAnyOrder(
            new SourceKey(48, 7, Ip.parse("10.8.0.0")), new SourceKey(48, 8, Ip.parse("10.9.0.0")));
    maps.remove(7);
    assertThat(dataplane.sources(Family.IPV6).entries).isEmpty();
    assertThat(dataplane.sources(Family.IPV4).entries).hasSize(1);
  }

  @Test
  @Tag("INV-AG-1")
  void anotherAgentFindsWhatIsThere() {
    maps.put(7, sources("10.9.0.0/16"), false);
    maps.put(7, connections(4), false);
    LimitMaps next = new LimitMaps(dataplane);
    assertThat(next.trim(7, connections(4))).isTrue();
    assertThat(dataplane.qosLimits().entries).containsOnlyKeys(OPENS);
    assertThat(next.trim(7, Limits.NONE)).isFalse();
    assertThat(dataplane.qosLimits().entries).isEmpty();
  }

  @Test
  @Tag("INV-QOS-1")
  @Tag("INV-QOS-2")
  void unitsAreThoseOfPrograms() {
    Limits limits =
        new Limits(
            Set.of(),
            new QosControls(
                new QosControls.Limits(8_000_000, 80_000, 0, 0, 4294967295L),
                new QosControls.Limits(0, 0, 100, 7, 0),
                OptionalInt.of(0)));
    maps.put(7, limits, true);
    assertThat(dataplane.qosLimits().entries)
        .containsEntry(GETS, new QosLimit(0, 0, 1_000_000, 10_000, -1, 0, 0, 1))
        .containsEntry(OPENS, new QosLimit(100, 7, 0, 0, 0, 0, QosDscp.QOS_DSCP_SET, 0));
    assertThat(limits.flags())
        .isEqualTo(
            IfaceFlags.IFACE_QOS
                | IfaceFlags.IFACE_PACED
                | IfaceFlags.IFACE_CONNECTIONS
                | IfaceFlags.IFACE_DSCP);
  }

  @Test
  @Tag("INV-QOS-1")
  void whatIsUsedOutlivesALimitAndNotTheInterface() {
    maps.put(7, connections(4), false);
    dataplane.qosUse().put(OPENS, new QosUse(3, 1, 0, 0, 0, 0, 0, 0, 0));
    maps.put(7, connections(5), false);
    maps.trim(7, Limits.NONE);
    assertThat(dataplane.qosUse().get(OPENS)).map(QosUse::taken).hasValue(3);
    maps.put(7, connections(2), false);
    assertThat(dataplane.qosUse().get(OPENS)).map(QosUse::taken).hasValue(3);
    maps.remove(7);
    assertThat(dataplane.qosUse().entries).isEmpty();
  }

  @Test
  @Tag("INV-QOS-1")
  void aRecountDoesNotCountWhatChangedMeanwhile() {
    maps.put(7, connections(9), false);
    for (int i = 0; i < 3; i++) {
      // Two open before the scan, which finds one of them; three open and one closes meanwhile.
      dataplane.qosUse().put(OPENS, new QosUse(2, 0, 0, 0, 0, 0, 0, 0, 0));
      Map<QosKey, QosUse> before = maps.begin();
      dataplane.qosUse().put(OPENS, new QosUse(5, 1, 0, 0, 0, 0, 0, 0, 0));
      maps.end(before, Map.of(OPENS, 1));
      assertThat(dataplane.qosLimits().get(OPENS)).map(QosLimit::adjust).hasValue(0);
    }
    // Six have been lost: what two scans agree on is put right, by the smaller of their numbers.
    for (int found : new int[] {0, 1}) {
      dataplane.qosUse().put(OPENS, new QosUse(8, 2, 0, 0, 0, 0, 0, 0, 0));
      maps.end(maps.begin(), Map.of(OPENS, found));
    }
    assertThat(dataplane.qosLimits().get(OPENS)).map(QosLimit::adjust).hasValue(-5);
  }
}
