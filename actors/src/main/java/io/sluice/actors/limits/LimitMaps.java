// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.limits;

import io.sluice.actors.limits.Limits.Network;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SourceBits;
import io.sluice.kernel.layout.SourceKey;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The only writer of the maps {@code qos}, {@code sources4} and {@code sources6}, and who makes and
 * removes the elements of {@code qos_use}, which programs count in. Reads what is there once, and
 * then writes differences alone. Thread-safe; calls block in the kernel.
 */
public final class LimitMaps implements SlotRecount {
  private static final int[] HOOKS = {SluiceHook.HOOK_IN, SluiceHook.HOOK_OUT};
  private static final QosUse UNUSED = new QosUse(0, 0, 0, 0, 0, 0, 0, 0, 0);

  private final Dataplane dataplane;
  private final Map<QosKey, QosLimit> limits = new HashMap<>();
  private final Map<Family, Set<SourceKey>> sources = new EnumMap<>(Family.class);

  /** By how many connections more, or fewer, are counted than the last scan can have seen. */
  private final Map<QosKey, Integer> drifts = new HashMap<>();

  private boolean read;

  public LimitMaps(Dataplane dataplane) {
    this.dataplane = dataplane;
  }

  private void read() {
    if (read) {
      return;
    }
    dataplane.qosLimits().forEach(limits::put);
    for (Family family : Family.values()) {
      Set<SourceKey> found = new HashSet<>();
      dataplane.sources(family).forEach((key, one) -> found.add(key));
      sources.put(family, found);
    }
    read = true;
  }

  /**
   * Writes what is wanted, and takes nothing away: before the interface's flags say so.
   *
   * @param shaped whether a queueing discipline sees to the bandwidth of what the workload gets
   */
  public synchronized void put(int ifindex, Limits wanted, boolean shaped) {
    read();
    for (Network network : wanted.sources()) {
      SourceKey key = key(ifindex, network);
      if (sources.get(network.address().family()).add(key)) {
        dataplane.sources(network.address().family()).put(key, 1);
      }
    }
    for (int hook : HOOKS) {
      QosKey key = new QosKey(ifindex, hook);
      QosLimit before = limits.get(key);
      Optional<QosLimit> limit = wanted.at(hook, before == null ? 0 : before.adjust(), shaped);
      if (limit.isPresent() && !limit.get().equals(before)) {
        if (dataplane.qosUse().get(key).isEmpty()) {
          dataplane.qosUse().put(key, UNUSED);
        }
        dataplane.qosLimits().put(key, limit.get());
        limits.put(key, limit.get());
      }
    }
  }

  /**
   * Removes what is not wanted: after the interface's flags have ceased to say so. What is counted
   * stays, for flows that hold a connection give it back some time.
   *
   * @return whether flows that are there are to look again
   */
  public synchronized boolean trim(int ifindex, Limits wanted) {
    read();
    boolean fewer = false;
    for (Family family : Family.values()) {
      Set<SourceKey> keep = new HashSet<>();
      for (Network network : wanted.sources()) {
        if (network.address().family() == family) {
          keep.add(key(ifindex, network));
        }
      }
      List<SourceKey> obsolete =
          sources.get(family).stream()
              .filter(key -> key.ifindex() == ifindex && !keep.contains(key))
              .toList();
      if (!obsolete.isEmpty()) {
        dataplane.sources(family).removeAll(obsolete);
        obsolete.forEach(sources.get(family)::remove);
        fewer = true;
      }
    }
    for (int hook : HOOKS) {
      QosKey key = new QosKey(ifindex, hook);
      if (limits.containsKey(key) && wanted.at(hook, 0, false).isEmpty()) {
        dataplane.qosLimits().removeAll(List.of(key));
        limits.remove(key);
      }
    }
    return fewer;
  }

  /** The interface is gone, or its index another's: nothing of it stays. */
  public synchronized void remove(int ifindex) {
    trim(ifindex, Limits.NONE);
    List<QosKey> used = new ArrayList<>();
    for (int hook : HOOKS) {
      QosKey key = new QosKey(ifindex, hook);
      drifts.remove(key);
      if (dataplane.qosUse().get(key).isPresent()) {
        used.add(key);
      }
    }
    if (!used.isEmpty()) {
      dataplane.qosUse().removeAll(used);
    }
  }

  private static SourceKey key(int ifindex, Network network) {
    return new SourceKey(
        SourceBits.SOURCE_IFINDEX_BITS + network.prefix(), ifindex, network.address());
  }

  @Override
  public synchronized Map<QosKey, QosUse> begin() {
    read();
    Map<QosKey, QosUse> uses = new HashMap<>();
    TypedMap<QosKey, QosUse> map = dataplane.qosUse();
    limits.forEach(
        (key, limit) -> {
          if (limit.connections() != 0) {
            map.get(key).ifPresent(use -> uses.put(key, use));
          }
        });
    return uses;
  }

  /**
   * What the scan has found lies between what was open all the time and what was open at some time.
   * Only what is beyond these bounds is wrong, and only what two scans in a row find is put right:
   * for a walk over a table that changes can miss entries.
   */
  @Override
  public synchronized void end(Map<QosKey, QosUse> before, Map<QosKey, Integer> found) {
    before.forEach(
        (key, was) -> {
          QosLimit limit = limits.get(key);
          QosUse is = dataplane.qosUse().get(key).orElse(null);
          if (limit == null || is == null) {
            return;
          }
          int held = is.taken() - is.freed() + limit.adjust();
          int counted = found.getOrDefault(key, 0);
          int most = counted + (is.taken() - was.taken());
          int least = counted - (is.freed() - was.freed());
          int drift = held > most ? held - most : Math.min(0, held - least);
          int earlier = drifts.getOrDefault(key, 0);
          if (Integer.signum(drift) != 0 && Integer.signum(drift) == Integer.signum(earlier)) {
            int correction = Math.abs(drift) < Math.abs(earlier) ? drift : earlier;
            adjust(key, limit, -correction);
            drift -= correction;
          }
          drifts.put(key, drift);
        });
  }

  private void adjust(QosKey key, QosLimit limit, int by) {
    QosLimit adjusted =
        new QosLimit(
            limit.packetRate(),
            limit.packetBurst(),
            limit.byteRate(),
            limit.byteBurst(),
            limit.connections(),
            limit.adjust() + by,
            limit.dscp(),
            limit.shaped());
    dataplane.qosLimits().put(key, adjusted);
    limits.put(key, adjusted);
  }
}
