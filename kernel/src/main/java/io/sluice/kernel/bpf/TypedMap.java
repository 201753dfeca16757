// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A BPF map with keys and values of Java types. Not thread-safe: one map has one writer.
 *
 * <p>Every method talks to the kernel and may block. Failures are {@link KernelException}s that
 * carry errno and the map's name.
 *
 * @param <K> key; {@link Integer} for arrays
 * @param <V> value
 */
public interface TypedMap<K, V> {
  /** The name under which the map is pinned. */
  String name();

  /** The most entries that the map holds. */
  int maxEntries();

  Optional<V> get(K key);

  void put(K key, V value);

  /**
   * Writes in batches. On failure, entries of the batches before the failing one are written.
   *
   * @throws KernelException with E2BIG if the map is full
   */
  void putAll(Map<K, V> entries);

  /** Deletes in batches; absent keys are no error. Array elements are zeroed. */
  void removeAll(Collection<K> keys);

  /**
   * Visits every entry, by batch look-ups. Entries that change meanwhile may be seen or not. Arrays
   * visit elements that are not all zeroes.
   */
  void forEach(BiConsumer<? super K, ? super V> visitor);

  /**
   * Visits every entry as bytes: for scans of big maps that look at a few fields of each entry, and
   * need objects of few.
   *
   * @throws UnsupportedOperationException if there are none to see, as in a map in memory
   */
  default void forEachRaw(RawVisitor visitor) {
    throw new UnsupportedOperationException("map " + name() + " has no bytes to visit");
  }

  /** Takes an entry as bytes in native order, at positions of buffers that are the map's. */
  @FunctionalInterface
  interface RawVisitor {
    void visit(ByteBuffer keys, int keyAt, ByteBuffer values, int valueAt);
  }
}
