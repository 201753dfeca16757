// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.kernel.bpf.TypedMap;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A map without a kernel. */
public final class FakeMap<K, V> implements TypedMap<K, V> {
  /** What it holds, for tests to fill and look at. */
  public final Map<K, V> entries = new LinkedHashMap<>();

  private final String name;
  private final int maxEntries;

  public FakeMap(String name, int maxEntries) {
    this.name = name;
    this.maxEntries = maxEntries;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int maxEntries() {
    return maxEntries;
  }

  @Override
  public synchronized Optional<V> get(K key) {
    return Optional.ofNullable(entries.get(key));
  }

  @Override
  public synchronized void put(K key, V value) {
    entries.put(key, value);
  }

  @Override
  public synchronized void putAll(Map<K, V> all) {
    entries.putAll(all);
  }

  @Override
  public synchronized void removeAll(Collection<K> keys) {
    entries.keySet().removeAll(keys);
  }

  @Override
  public synchronized void forEach(BiConsumer<? super K, ? super V> visitor) {
    new LinkedHashMap<>(entries).forEach(visitor);
  }
}
