// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.program;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.layout.Codec;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SourceBits;
import io.sluice.kernel.layout.SourceKey;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Limits of the harness' pods, as an agent would write them. */
final class QosMaps {
  static final QosUse UNUSED = new QosUse(0, 0, 0, 0, 0, 0, 0, 0, 0);

  final BpfMap<QosKey, QosLimit> limits;
  final BpfMap<QosKey, QosUse> uses;
  private final Map<Family, BpfMap<SourceKey, Integer>> sources = new EnumMap<>(Family.class);
  private final ChainHarness harness;

  /** Empties what earlier tests left. */
  QosMaps(ChainHarness harness) {
    this.harness = harness;
    limits = harness.chain.map("qos", QosKey.codec(), QosLimit.codec());
    uses = harness.chain.map("qos_use", QosKey.codec(), QosUse.codec());
    ChainHarness.clear(limits);
    ChainHarness.clear(uses);
    for (Family family : Family.values()) {
      BpfMap<SourceKey, Integer> map =
          harness.chain.map("sources" + family.number(), SourceKey.codec(family), Codec.U32);
      ChainHarness.clear(map);
      sources.put(family, map);
    }
  }

  /** A limit, and the pod's flags that go with it. */
  void limit(Pod pod, int hook, QosLimit limit, int flags) {
    QosKey key = new QosKey(pod.ifindex(), hook);
    uses.put(key, UNUSED);
    limits.put(key, limit);
    flags(pod, flags);
  }

  /** Gives a pod flags besides the usual ones. */
  void flags(Pod pod, int flags) {
    harness.configure(
        pod, ChainHarness.USUAL_FLAGS | flags, ChainHarness.ALLOW_SLOT, ChainHarness.ALLOW_SLOT);
  }

  QosUse use(Pod pod, int hook) {
    return uses.get(new QosKey(pod.ifindex(), hook)).orElseThrow();
  }

  void setUse(Pod pod, int hook, QosUse use) {
    uses.put(new QosKey(pod.ifindex(), hook), use);
  }

  /** Connections that a pod has open, by who opened them. */
  int held(Pod pod, int hook) {
    QosUse use = use(pod, hook);
    int adjust = limits.get(new QosKey(pod.ifindex(), hook)).map(QosLimit::adjust).orElse(0);
    return use.taken() - use.freed() + adjust;
  }

  static QosLimit packets(int rate, int burst) {
    return new QosLimit(rate, burst, 0, 0, 0, 0, 0, 0);
  }

  static QosLimit bytes(long rate, long burst) {
    return new QosLimit(0, 0, rate, burst, 0, 0, 0, 0);
  }

  static QosLimit connections(int most) {
    return new QosLimit(0, 0, 0, 0, most, 0, 0, 0);
  }

  static QosLimit dscp(int value) {
    return new QosLimit(0, 0, 0, 0, 0, 0, io.sluice.kernel.layout.QosDscp.QOS_DSCP_SET | value, 0);
  }

  private static SourceKey source(Pod pod, Ip network, int prefix) {
    return new SourceKey(
        SourceBits.SOURCE_IFINDEX_BITS + prefix, pod.ifindex(), network.masked(prefix));
  }

  /** Lets a pod send from a network. */
  void allow(Pod pod, Ip network, int prefix) {
    sources.get(network.family()).put(source(pod, network, prefix), 1);
    flags(pod, IfaceFlags.IFACE_SOURCES);
  }

  void forbid(Pod pod, Ip network, int prefix) {
    sources.get(network.family()).removeAll(List.of(source(pod, network, prefix)));
  }

  /** Tracking entries that hold a connection of either side's endpoint. */
  long holders(Family family) {
    int slots = CtState.CT_SLOT_A | CtState.CT_SLOT_B;
    return harness.entries(family).values().stream()
        .filter(e -> (e.c().state() & slots) != 0)
        .filter(e -> (e.c().state() & CtState.CT_NAT_FORWARD) == 0)
        .count();
  }
}
