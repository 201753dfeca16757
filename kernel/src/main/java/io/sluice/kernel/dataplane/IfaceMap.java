// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceLimits;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * Interface state by ifindex: an array for low ones, a hash for those beyond its bound.
 * Thread-safe, as its parts are.
 */
final class IfaceMap implements TypedMap<Integer, Iface>, AutoCloseable {
  private final BpfMap<Integer, Iface> near;
  private final BpfMap<Integer, Iface> far;

  IfaceMap(BpfMap<Integer, Iface> near, BpfMap<Integer, Iface> far) {
    this.near = near;
    this.far = far;
  }

  private static boolean isNear(int ifindex) {
    return ifindex >= 0 && ifindex < IfaceLimits.IFACE_ARRAY_SIZE;
  }

  @Override
  public String name() {
    return near.name();
  }

  @Override
  public int maxEntries() {
    return near.maxEntries() + far.maxEntries();
  }

  /** An element that is all zeroes is no interface. */
  @Override
  public Optional<Iface> get(Integer ifindex) {
    return isNear(ifindex)
        ? near.get(ifindex).filter(iface -> iface.flags() != 0)
        : far.get(ifindex);
  }

  @Override
  public void put(Integer ifindex, Iface value) {
    (isNear(ifindex) ? near : far).put(ifindex, value);
  }

  @Override
  public void putAll(Map<Integer, Iface> entries) {
    Map<Integer, Iface> nearOnes = new HashMap<>();
    Map<Integer, Iface> farOnes = new HashMap<>();
    entries.forEach((ifindex, value) -> (isNear(ifindex) ? nearOnes : farOnes).put(ifindex, value));
    near.putAll(nearOnes);
    far.putAll(farOnes);
  }

  @Override
  public void removeAll(Collection<Integer> ifindexes) {
    Map<Boolean, List<Integer>> parts =
        ifindexes.stream().collect(Collectors.partitioningBy(IfaceMap::isNear));
    near.removeAll(parts.get(true));
    far.removeAll(parts.get(false));
  }

  @Override
  public void forEach(BiConsumer<? super Integer, ? super Iface> visitor) {
    near.forEach(visitor);
    far.forEach(visitor);
  }

  @Override
  public void close() {
    near.close();
    far.close();
  }
}
