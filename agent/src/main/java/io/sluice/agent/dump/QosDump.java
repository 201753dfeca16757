// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.agent.dump.Rows.QosEntry;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.QosDscp;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SluiceHook;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How much interfaces' workloads may send and get, and what of it is used. */
final class QosDump {
  private static final double UNIT = 1e9;
  private static final int BITS = 8;

  private final Dataplane dataplane;

  QosDump(Dataplane dataplane) {
    this.dataplane = dataplane;
  }

  List<QosEntry> rows() {
    Map<Integer, String> names = new HashMap<>();
    dataplane.ifaces().forEach((ifindex, iface) -> names.put(ifindex, iface.name()));
    Map<QosKey, QosUse> uses = new HashMap<>();
    dataplane.qosUse().forEach(uses::put);
    List<QosEntry> rows = new ArrayList<>();
    dataplane
        .qosLimits()
        .forEach(
            (key, limit) ->
                rows.add(
                    row(
                        names.getOrDefault(key.ifindex(), "#" + key.ifindex()),
                        key,
                        limit,
                        uses.getOrDefault(key, new QosUse(0, 0, 0, 0, 0, 0, 0, 0, 0)))));
    rows.sort(Comparator.comparing(QosEntry::name).thenComparing(QosEntry::direction));
    return rows;
  }

  private static QosEntry row(String name, QosKey key, QosLimit limit, QosUse use) {
    boolean sends = key.hook() == SluiceHook.HOOK_IN;
    boolean dscp = (limit.dscp() & QosDscp.QOS_DSCP_SET) != 0;
    int open = use.taken() - use.freed() + limit.adjust();
    return new QosEntry(
        name,
        sends ? "egress" : "ingress",
        limit.packetRate(),
        limit.packetBurst(),
        limit.packetRate() == 0
            ? 0
            : tokens(use.packetTime(), use.packetFund(), limit.packetBurst()),
        limit.byteRate() * BITS,
        limit.byteBurst() * BITS,
        limit.byteRate() == 0 ? "" : limit.shaped() != 0 ? "tbf" : "programs",
        limit.connections() == 0 ? 0 : Math.max(0, open),
        Integer.toUnsignedLong(limit.connections()),
        dscp ? Integer.toString(limit.dscp() & ~QosDscp.QOS_DSCP_SET) : "",
        use.packetsDropped(),
        use.bytesDropped(),
        Integer.toUnsignedLong(use.refused()));
  }

  /** As of the last packet; a bucket that none has met yet is full. */
  private static double tokens(long time, long fund, int burst) {
    return time == 0 ? burst : Math.max(0, fund / UNIT);
  }
}
