// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.util.Map;
import java.util.Optional;
import java.util.Random;
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
    private final Random strays;
    private int writes;
    private boolean dead;

    private View(int cut, boolean takesEffect, Random strays) {
      this.cut = cut;
      this.takesEffect = takesEffect;
      this.strays = strays;
    }

    /** How many writes were asked for. */
    synchronized int writes() {
      return writes;
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
      boolean last = writes++ == cut;
      boolean acknowledged = !dead && !last;
      // Writes of one batch are under way together: some of them arrive, in whatever order.
      boolean done = dead ? strays.nextBoolean() : !last || takesEffect;
      dead |= last;
      if (done) {
        synchronized (MemoryRegisters.this) {
          long stored = values.getOrDefault(id, new Found(0, Optional.empty())).revision();
          if (stored + 1 != revision) {
            return CompletableFuture.failedFuture(
                new IllegalStateException(id + " has revision " + stored));
          }
          values.put(id, new Found(revision, Optional.of(value.clone())));
        }
      }
      return acknowledged
          ? CompletableFuture.completedFuture(null)
          : CompletableFuture.failedFuture(new IllegalStateException("killed"));
    }
  }

  /** For a home that lives. */
  View view() {
    return new View(Integer.MAX_VALUE, true, new Random(0));
  }

  /**
   * For a home that is killed.
   *
   * @param writes how many it does before
   * @param takesEffect whether the one in which it is killed is done
   */
  View killedAfter(int writes, boolean takesEffect) {
    return new View(writes, takesEffect, new Random(writes));
  }

  /** A copy of everything as it is, for a try. */
  MemoryRegisters copy() {
    MemoryRegisters copy = new MemoryRegisters();
    copy.values.putAll(values);
    return copy;
  }
}
