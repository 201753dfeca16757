// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.kernel;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.TypedMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A map in memory that does what the kernel's does: it outlives its users, tells of every single
 * write, gets full, and fails when it is told to, in the middle of a batch.
 */
public final class FakeMap<K, V> {
  /** A single write, after it happened; value null: removed. */
  public interface Observer {
    void wrote(String map, Object key, Object value);
  }

  private final Object lock;
  private final String name;
  private final int maxEntries;
  private final Observer observer;
  private final Map<K, V> entries = new LinkedHashMap<>();
  private int calls;
  private int failures;
  private int failAfter;
  private int errno;

  /**
   * @param lock held for each write and its observation
   */
  public FakeMap(Object lock, String name, int maxEntries, Observer observer) {
    this.lock = lock;
    this.name = name;
    this.maxEntries = maxEntries;
    this.observer = observer;
  }

  /** The map's contents; hold the lock. */
  public Map<K, V> entries() {
    return entries;
  }

  /** A copy of the contents. */
  public Map<K, V> copy() {
    synchronized (lock) {
      return new LinkedHashMap<>(entries);
    }
  }

  /** Writes behind everybody's back. */
  public void plant(K key, V value) {
    synchronized (lock) {
      entries.put(key, value);
    }
  }

  /** Calls that wrote or read the map. */
  public int calls() {
    synchronized (lock) {
      return calls;
    }
  }

  /** So many of the next writing calls fail, each after so many entries. */
  public void fail(int times, int afterEntries, int error) {
    synchronized (lock) {
      failures = times;
      failAfter = afterEntries;
      errno = error;
    }
  }

  /** A user's hold on the map; dead users write no more. */
  public final class Handle implements TypedMap<K, V> {
    private boolean dead;

    /** As if the process had been killed: what is under way ends in the middle. */
    public void kill() {
      synchronized (lock) {
        dead = true;
      }
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
    public Optional<V> get(K key) {
      synchronized (lock) {
        return Optional.ofNullable(entries.get(key));
      }
    }

    @Override
    public void put(K key, V value) {
      putAll(Map.of(key, value));
    }

    @Override
    public void putAll(Map<K, V> puts) {
      int limit = begin();
      for (Map.Entry<K, V> put : puts.entrySet()) {
        one(
            limit--,
            () -> {
              if (entries.size() >= maxEntries && !entries.containsKey(put.getKey())) {
                throw new KernelException("update map " + name, 7, "E2BIG");
              }
              entries.put(put.getKey(), put.getValue());
              observer.wrote(name, put.getKey(), put.getValue());
            });
      }
    }

    @Override
    public void removeAll(Collection<K> keys) {
      int limit = begin();
      for (K key : List.copyOf(keys)) {
        one(
            limit--,
            () -> {
              if (entries.remove(key) != null) {
                observer.wrote(name, key, null);
              }
            });
      }
    }

    private int begin() {
      synchronized (lock) {
        calls++;
        if (failures > 0) {
          failures--;
          return failAfter;
        }
        return Integer.MAX_VALUE;
      }
    }

    private void one(int left, Runnable write) {
      synchronized (lock) {
        if (dead) {
          throw new KernelException("map " + name, 9, "EBADF");
        }
        if (left <= 0) {
          throw new KernelException("map " + name, errno, "told to fail");
        }
        write.run();
      }
    }

    @Override
    public void forEach(BiConsumer<? super K, ? super V> visitor) {
      List<Map.Entry<K, V>> all;
      synchronized (lock) {
        calls++;
        all = new ArrayList<>(entries.size());
        entries.forEach((key, value) -> all.add(Map.entry(key, value)));
      }
      all.forEach(entry -> visitor.accept(entry.getKey(), entry.getValue()));
    }
  }
}
