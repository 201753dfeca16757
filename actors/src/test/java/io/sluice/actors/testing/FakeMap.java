// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.Codec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** A map without a kernel. */
public final class FakeMap<K, V> implements TypedMap<K, V> {
  /** What it holds, for tests to fill and look at. */
  public final Map<K, V> entries = new LinkedHashMap<>();

  /** What happens behind the back of who has just visited all entries. */
  public volatile Runnable afterVisit = () -> {};

  /** Told of each batch, such as {@code +ip_sets4 3}, before it is written; may throw. */
  public volatile Consumer<String> batches = batch -> {};

  private final String name;
  private final int maxEntries;

  private final Codec<K> keys;
  private final Codec<V> values;

  public FakeMap(String name, int maxEntries) {
    this(name, maxEntries, null, null);
  }

  /** One whose entries can be visited as bytes. */
  public FakeMap(String name, int maxEntries, Codec<K> keys, Codec<V> values) {
    this.name = name;
    this.maxEntries = maxEntries;
    this.keys = keys;
    this.values = values;
  }

  @Override
  public synchronized void forEachRaw(RawVisitor visitor) {
    ByteBuffer key = ByteBuffer.allocate(8 + keys.size()).order(ByteOrder.nativeOrder());
    ByteBuffer value = ByteBuffer.allocate(16 + values.size()).order(ByteOrder.nativeOrder());
    entries.forEach(
        (k, v) -> {
          keys.encode(k, key, 8);
          values.encode(v, value, 16);
          visitor.visit(key, 8, value, 16);
        });
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
    batches.accept("+" + name + " " + all.size());
    entries.putAll(all);
  }

  @Override
  public synchronized void removeAll(Collection<K> keys) {
    batches.accept("-" + name + " " + keys.size());
    entries.keySet().removeAll(keys);
  }

  @Override
  public synchronized void forEach(BiConsumer<? super K, ? super V> visitor) {
    new LinkedHashMap<>(entries).forEach(visitor);
    afterVisit.run();
  }
}
