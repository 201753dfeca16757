// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Runs calls that block, one after the other, on an executor that is made for them: what is behind
 * it has one caller at a time, and no actor's thread waits. Thread-safe.
 */
public final class Lane {
  private final Executor executor;
  private CompletableFuture<?> last = CompletableFuture.completedFuture(null);

  public Lane(Executor executor) {
    this.executor = executor;
  }

  /** Runs a call after all that came before, whether they failed or not. */
  public synchronized <T> CompletionStage<T> run(Supplier<T> call) {
    CompletableFuture<T> next =
        last.handle((done, failed) -> 0).thenApplyAsync(ignored -> call.get(), executor);
    last = next;
    return next;
  }
}
