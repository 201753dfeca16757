// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.config.source.Snapshot;
import io.sluice.config.source.Source;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Between a source and the actors, which come up after it: the first view has settings that the
 * dataplane is opened with. Whoever takes the views gets the latest first.
 */
final class Feed implements Source.Listener {
  private final CompletableFuture<Snapshot> first = new CompletableFuture<>();
  private Snapshot latest = Snapshot.EMPTY;
  private Consumer<Snapshot> taker = snapshot -> {};

  @Override
  public synchronized void changed(Snapshot snapshot) {
    latest = snapshot;
    taker.accept(snapshot);
    first.complete(snapshot);
  }

  /** The latest view. */
  synchronized Snapshot latest() {
    return latest;
  }

  /** The first view, or an empty one if none comes in time. */
  Snapshot first(long seconds) throws InterruptedException {
    try {
      return first.get(seconds, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      return Snapshot.EMPTY;
    }
  }

  /** Passes on every view from now on, and the latest at once. */
  synchronized void to(Consumer<Snapshot> newTaker) {
    taker = newTaker;
    if (latest.version() > 0) {
      taker.accept(latest);
    }
  }
}
