// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.Done;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import akka.persistence.state.javadsl.GetObjectResult;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;

/**
 * akka-persistence-jdbc's store under the same contract as the replicated one. By itself it makes
 * no tables, forgets the revision of what is deleted, and reads what it cannot decode as if there
 * was nothing.
 */
final class PostgresStateStore extends StateStore {
  /** SQLSTATE of a row that another writer has made first. */
  private static final String UNIQUE_VIOLATION = "23505";

  private final DurableStateUpdateStore<Object> jdbc;
  private final PostgresSchema schema;
  private final StateCodec codec;
  private final Executor blocking;
  private final AtomicReference<CompletableFuture<Void>> ready = new AtomicReference<>();

  PostgresStateStore(
      DurableStateUpdateStore<Object> jdbc,
      PostgresSchema schema,
      StateCodec codec,
      Executor blocking) {
    this.jdbc = jdbc;
    this.schema = schema;
    this.codec = codec;
    this.blocking = blocking;
  }

  /** In the place of what was deleted. */
  record Deleted() implements CborSerializable {}

  @Override
  public CompletionStage<GetObjectResult<Object>> getObject(String persistenceId) {
    return ready()
        .thenCompose(ready -> jdbc.getObject(persistenceId))
        .thenApply(
            found -> {
              if (found.revision() > 0 && found.value().isEmpty()) {
                throw new IllegalStateException(
                    persistenceId + ": what is stored cannot be read by this version");
              }
              Optional<Object> value = found.value().filter(any -> !(any instanceof Deleted));
              return new GetObjectResult<>(value, found.revision());
            });
  }

  @Override
  public CompletionStage<Done> upsertObject(
      String persistenceId, long revision, Object value, String tag) {
    try {
      codec.encode(persistenceId, value);
    } catch (IllegalArgumentException e) {
      return CompletableFuture.failedFuture(e);
    }
    return ready()
        .thenCompose(ready -> jdbc.upsertObject(persistenceId, revision, value, tag))
        .exceptionallyCompose(e -> explain(persistenceId, revision, e));
  }

  @Override
  public CompletionStage<Done> deleteObject(String persistenceId, long revision) {
    return upsertObject(persistenceId, revision, new Deleted(), "");
  }

  private CompletionStage<Done> explain(String persistenceId, long revision, Throwable e) {
    Throwable cause = e instanceof CompletionException ? e.getCause() : e;
    boolean conflict =
        cause instanceof SQLException sql
            ? UNIQUE_VIOLATION.equals(sql.getSQLState())
            : cause instanceof IllegalStateException || cause instanceof IllegalArgumentException;
    if (!conflict) {
      return CompletableFuture.failedFuture(cause);
    }
    return jdbc.getObject(persistenceId)
        .thenCompose(
            found ->
                CompletableFuture.failedFuture(
                    ReplicatedStateStore.wrongRevision(persistenceId, revision, found.revision())));
  }

  /** Done once; after a failure the next call tries again. */
  private CompletionStage<Void> ready() {
    CompletableFuture<Void> now = ready.get();
    if (now != null && !now.isCompletedExceptionally()) {
      return now;
    }
    CompletableFuture<Void> attempt = new CompletableFuture<>();
    if (!ready.compareAndSet(now, attempt)) {
      return ready();
    }
    blocking.execute(
        () -> {
          try {
            schema.migrate();
            attempt.complete(null);
          } catch (SQLException | RuntimeException e) {
            attempt.completeExceptionally(
                new JournalException(
                    "store postgresql " + schema.url() + ": " + H2File.oneLine(e), e));
          }
        });
    return attempt;
  }
}
