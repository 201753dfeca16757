// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.bpf.ArrayContent;
import io.sluice.kernel.bpf.ArrayOfMaps;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.MaglevHead;
import io.sluice.kernel.layout.MaglevLayout;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.SourceRangeKey;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import java.util.WeakHashMap;

/** The maps that only traffic from outside needs, and the host's interface; one for each chain. */
final class OutsideMaps {
  private static final Map<ChainHarness, OutsideMaps> ALL = new WeakHashMap<>();

  final Map<Family, BpfMap<AffinityKey, Affinity>> affinity = new EnumMap<>(Family.class);
  final Map<Family, BpfMap<SourceRangeKey, Integer>> ranges = new EnumMap<>(Family.class);
  final Map<Family, BpfMap<RouteKey, Integer>> optOut = new EnumMap<>(Family.class);
  private final ArrayOfMaps maglev;
  private final Pod up;

  private OutsideMaps(ChainHarness harness) {
    Chain chain = harness.chain;
    for (Family family : Family.values()) {
      String n = Integer.toString(family.number());
      affinity.put(
          family, chain.map("affinity" + n, AffinityKey.codec(family), Affinity.codec(family)));
      ranges.put(family, chain.map("source_ranges" + n, SourceRangeKey.codec(family), Codec.U32));
      optOut.put(family, chain.map("dsr_optout" + n, RouteKey.codec(family), Codec.U32));
    }
    maglev = new ArrayOfMaps("maglev", chain.mapFd("maglev").duplicate());
    up = harness.pod("up", Ip.ANY4, Ip.ANY6);
    // Back to where clients come from; and some live by another interface.
    harness.sh(
        "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1;"
            + "ip link set pod-up up;"
            + "ip address add 192.168.101.2/24 dev up; ip address add fd00:100:1::2/64 dev up nodad;"
            + "ip route add 192.168.99.0/24 dev up; ip -6 route add fd00:99::/64 dev up;"
            + "ip route add 192.168.98.0/24 dev a; ip -6 route add fd00:98::/64 dev a");
  }

  static synchronized OutsideMaps of(ChainHarness harness) {
    return ALL.computeIfAbsent(harness, OutsideMaps::new);
  }

  Pod up() {
    return up;
  }

  void reset() {
    for (Family family : Family.values()) {
      ChainHarness.clear(affinity.get(family));
      ChainHarness.clear(ranges.get(family));
      ChainHarness.clear(optOut.get(family));
    }
    maglev.clear(OutsideTest.SERVICE);
  }

  /** Gives a service a table of slots: indexes of backends. "former": likewise; null: none. */
  void setTable(int service, int[] slots, int[] former) {
    int previous = former == null ? 0 : MaglevHead.MAGLEV_SLOTS + slots.length;
    int words = MaglevHead.MAGLEV_SLOTS + (former == null ? 1 : 2) * slots.length;
    int elements = (words + 1) / 2;
    ByteBuffer content = ByteBuffer.allocate(8 * elements).order(ByteOrder.nativeOrder());
    content.putInt(4 * MaglevHead.MAGLEV_LAYOUT, MaglevLayout.MAGLEV_LAYOUT_1);
    content.putInt(4 * MaglevHead.MAGLEV_SIZE, slots.length);
    content.putInt(4 * MaglevHead.MAGLEV_PREVIOUS, previous);
    for (int slot = 0; slot < slots.length; slot++) {
      content.putInt(4 * (MaglevHead.MAGLEV_SLOTS + slot), slots[slot]);
      if (former != null) {
        content.putInt(4 * (previous + slot), former[slot]);
      }
    }
    MapSpec spec = new MapSpec(MapType.ARRAY, "table", 4, 8, elements, MapSpec.INNER_MAP);
    try (Fd array = spec.create()) {
      ArrayContent.write("table", array, content);
      maglev.set(service, array);
    }
  }
}
