// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Registers in memory, that all homes share. A home's view of them ends at a write of choice: that
 * one takes effect or not, and is not acknowledged; what comes after is not done.
 */
final class MemoryRegisters {
  private final Map<String, Registers.Found> values = new ConcurrentHashMap<>();

  /** What one home uses. */
  final class View implements Registers {
    private final int cut;
    private final boolean takesEffect;
    private int writes;
    private int written;
    private boolean dead;

    private View(int cut, boolean takesEffect) {
      this.cut = cut;
      this.takesEffect = takesEffect;
    }

    /** How many writes were asked for. */
    synchronized int writes() {
      return writes;
    }

    /** Whether it came to the end. */
    synchronized boolean isDead() {
      return dead;
    }

    synchronized int written() {
      return written;
    }

    @Override
    public synchronized CompletionStage<Found> get(String id) {
      return dead
          ? CompletableFuture.failedFuture(new IllegalStateException("killed"))
          : CompletableFuture.completedFuture(
              values.getOrDefault(id, new Found(0, Optional.empty())));
    }

    @Override
    public synchronized CompletionStage<?> put(String id, long revision, byte[] value) {
      if (dead) {
        return CompletableFuture.failedFuture(new IllegalStateException("killed"));
      }
      boolean last = writes++ == cut;
      if (last) {
        dead = true;
      }
      if (!last || takesEffect) {
        synchronized (MemoryRegisters.this) {
          long stored = values.getOrDefault(id, new Found(0, Optional.empty())).revision();
          if (stored + 1 != revision) {
            return CompletableFuture.failedFuture(
                new IllegalStateException(id + " has revision " + stored));
          }
          values.put(id, new Found(revision, Optional.of(value.clone())));
          written++;
        }
      }
      return last
          ? CompletableFuture.failedFuture(new IllegalStateException("killed"))
          : CompletableFuture.completedFuture(null);
    }
  }

  /** For a home that lives. */
  View view() {
    return new View(Integer.MAX_VALUE, true);
  }

  /**
   * For a home that is killed.
   *
   * @param writes how many it does before
   * @param takesEffect whether the one in which it is killed is done
   */
  View killedAfter(int writes, boolean takesEffect) {
    return new View(writes, takesEffect);
  }

  /** A copy of everything as it is, for a try. */
  MemoryRegisters copy() {
    MemoryRegisters copy = new MemoryRegisters();
    copy.values.putAll(values);
    return copy;
  }
}
