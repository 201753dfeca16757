// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.bpf.TypedMap;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A map without a kernel, of a hundred thousand entries at most. */
final class MemoryMap<K, V> implements TypedMap<K, V> {
  private final String name;
  private final Map<K, V> entries = new LinkedHashMap<>();

  MemoryMap(String name) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int maxEntries() {
    return 100_000;
  }

  @Override
  public Optional<V> get(K key) {
    return Optional.ofNullable(entries.get(key));
  }

  @Override
  public void put(K key, V value) {
    entries.put(key, value);
  }

  @Override
  public void putAll(Map<K, V> more) {
    entries.putAll(more);
  }

  @Override
  public void removeAll(Collection<K> keys) {
    entries.keySet().removeAll(keys);
  }

  @Override
  public void forEach(BiConsumer<? super K, ? super V> visitor) {
    entries.forEach(visitor);
  }
}
