// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.Done;
import akka.actor.ActorRef;
import akka.cluster.Cluster;
import akka.cluster.ddata.Key;
import akka.cluster.ddata.Replicator;
import akka.pattern.Patterns;
import akka.persistence.state.javadsl.GetObjectResult;
import com.typesafe.config.Config;
import io.sluice.persistence.Register.Payload;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.UnaryOperator;

/**
 * Durable state in the replicated registers. {@link #getObject} is a recovery: it takes the right
 * to write away from whoever had it. docs/design/persistence.md says what is promised, and why.
 */
final class ReplicatedStateStore extends StateStore {
  /** Keys of registers begin with it: what is durable. */
  static final String PREFIX = "state/";

  private static final int CLAIMS = 5;

  /** A replica that is just starting drops what it is asked: parts of the time-out. */
  private static final int ATTEMPTS = 3;

  /** For the messages between the actors of one JVM, on top of what the network may take. */
  private static final Duration MARGIN = Duration.ofSeconds(1);

  private final ActorRef replicator;
  private final Cluster cluster;
  private final Replica replica;
  private final StateCodec codec;
  private final int quorum;
  private final Duration allTimeout;
  private final Duration timeout;
  private final Map<String, Ballot> ballots = new ConcurrentHashMap<>();
  private final Map<String, CompletableFuture<Register>> recovering = new ConcurrentHashMap<>();

  ReplicatedStateStore(
      ActorRef replicator, Cluster cluster, Replica replica, StateCodec codec, Config config) {
    this.replicator = replicator;
    this.cluster = cluster;
    this.replica = replica;
    this.codec = codec;
    this.quorum = config.getInt("quorum");
    this.allTimeout = config.getDuration("read-all-timeout");
    this.timeout = config.getDuration("timeout");
  }

  private static final class RegisterKey extends Key<Register> {
    private static final long serialVersionUID = 1L;

    RegisterKey(String persistenceId) {
      super(PREFIX + persistenceId);
    }
  }

  /** The local copy does not allow a change; the message says why. */
  private static final class NotAllowed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotAllowed(RuntimeException why) {
      super(why.getMessage(), why);
    }
  }

  /** A newer ballot is somewhere: claim again, above it. */
  private static final class Overtaken extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @Override
  public CompletionStage<GetObjectResult<Object>> getObject(String persistenceId) {
    return recover(persistenceId)
        .thenApply(
            register ->
                new GetObjectResult<>(
                    register.payload().map(payload -> codec.decode(persistenceId, payload)),
                    register.revision()));
  }

  @Override
  public CompletionStage<Done> upsertObject(
      String persistenceId, long revision, Object value, String tag) {
    try {
      return write(persistenceId, revision, Optional.of(codec.encode(persistenceId, value)));
    } catch (IllegalArgumentException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  @Override
  public CompletionStage<Done> deleteObject(String persistenceId, long revision) {
    return write(persistenceId, revision, Optional.empty());
  }

  // Recovery: see what there is, have a ballot promised, see what came before the promise, settle
  // it

  private CompletionStage<Register> recover(String persistenceId) {
    ballots.remove(persistenceId);
    return recover(persistenceId, CLAIMS);
  }

  /** Writers that come at once do not take the right from each other. */
  private CompletionStage<Register> recoverOnce(String persistenceId) {
    CompletableFuture<Register> mine = new CompletableFuture<>();
    CompletableFuture<Register> running = recovering.putIfAbsent(persistenceId, mine);
    if (running != null) {
      return running;
    }
    recover(persistenceId)
        .whenComplete(
            (register, e) -> {
              recovering.remove(persistenceId, mine);
              if (e == null) {
                mine.complete(register);
              } else {
                mine.completeExceptionally(e);
              }
            });
    return mine;
  }

  private CompletionStage<Register> recover(String persistenceId, int claims) {
    return read(persistenceId)
        .thenCompose(seen -> claim(persistenceId))
        .thenCompose(
            ballot -> read(persistenceId).thenCompose(seen -> settle(persistenceId, ballot)))
        .exceptionallyCompose(
            e -> {
              if (cause(e) instanceof Overtaken && claims > 1) {
                return recover(persistenceId, claims - 1);
              }
              if (cause(e) instanceof Overtaken) {
                return CompletableFuture.failedFuture(overtaken(persistenceId));
              }
              return CompletableFuture.failedFuture(cause(e));
            });
  }

  private CompletionStage<Ballot> claim(String persistenceId) {
    long writer = ThreadLocalRandom.current().nextLong();
    // Set by the replicator's thread before it answers.
    Ballot[] mine = new Ballot[1];
    return update(
            persistenceId,
            "recovery",
            register -> {
              mine[0] = new Ballot(register.fence().term() + 1, writer);
              return register.promisedTo(mine[0]);
            })
        .thenApply(done -> mine[0]);
  }

  private CompletionStage<Register> settle(String persistenceId, Ballot ballot) {
    Register[] settled = new Register[1];
    return update(
            persistenceId,
            "recovery",
            register -> {
              if (!register.fence().equals(ballot)) {
                throw new Overtaken();
              }
              settled[0] = register.confirmed();
              return settled[0];
            })
        .thenApply(
            done -> {
              ballots.put(persistenceId, ballot);
              return settled[0];
            });
  }

  /** Brings the local copy up to the greatest that others have. */
  private CompletionStage<Register> read(String persistenceId) {
    Majority majority = Majority.now(cluster, quorum);
    if (!majority.possible()) {
      return CompletableFuture.failedFuture(tooFew("read of " + persistenceId, majority));
    }
    if (majority.members() == majority.deciding() || !cluster.state().getUnreachable().isEmpty()) {
      return read(persistenceId, ATTEMPTS);
    }
    return read(persistenceId, majority, majority.readAll(allTimeout))
        .exceptionallyCompose(e -> read(persistenceId, ATTEMPTS));
  }

  private CompletionStage<Register> read(String persistenceId, int attempts) {
    Majority majority = Majority.now(cluster, quorum);
    return read(persistenceId, majority, majority.read(patience()))
        .exceptionallyCompose(
            e ->
                attempts > 1 && majority.possible()
                    ? read(persistenceId, attempts - 1)
                    : CompletableFuture.failedFuture(cause(e)));
  }

  private CompletionStage<Register> read(
      String persistenceId, Majority majority, Replicator.ReadConsistency from) {
    String what = "read of " + persistenceId;
    return ask(new Replicator.Get<>(new RegisterKey(persistenceId), from), what)
        .thenApply(
            answer -> {
              if (answer instanceof Replicator.GetSuccess<?> found) {
                return (Register) found.dataValue();
              }
              if (answer instanceof Replicator.NotFound<?>) {
                return Register.EMPTY;
              }
              throw noMajority(what, majority, "answered");
            });
  }

  // Writing

  private CompletionStage<Done> write(
      String persistenceId, long revision, Optional<Payload> payload) {
    Ballot ballot = ballots.get(persistenceId);
    if (ballot == null) {
      return recoverOnce(persistenceId)
          .thenCompose(found -> write(persistenceId, revision, payload));
    }
    return update(
            persistenceId,
            "write of revision " + revision,
            register -> {
              if (!register.fence().equals(ballot)) {
                throw new Overtaken();
              }
              if (register.revision() + 1 != revision) {
                throw new NotAllowed(wrongRevision(persistenceId, revision, register.revision()));
              }
              return register.next(payload);
            })
        .exceptionallyCompose(
            e -> {
              Throwable cause = cause(e);
              if (cause instanceof NotAllowed) {
                return CompletableFuture.failedFuture(cause.getCause());
              }
              // What became of it is settled by the next recovery only.
              ballots.remove(persistenceId, ballot);
              return CompletableFuture.failedFuture(
                  cause instanceof Overtaken ? overtaken(persistenceId) : cause);
            });
  }

  /** Changes the local copy, and waits until as many disks as decide have the change. */
  private CompletionStage<Done> update(
      String persistenceId, String doing, UnaryOperator<Register> change) {
    return update(persistenceId, doing + " of " + persistenceId, change, ATTEMPTS);
  }

  private CompletionStage<Done> update(
      String persistenceId, String what, UnaryOperator<Register> change, int attempts) {
    Majority majority = Majority.now(cluster, quorum);
    if (!majority.possible()) {
      return CompletableFuture.failedFuture(tooFew(what, majority));
    }
    Register[] changed = new Register[1];
    Replicator.Update<Register> update =
        new Replicator.Update<>(
            new RegisterKey(persistenceId),
            Register.EMPTY,
            majority.write(patience()),
            register -> {
              changed[0] = change.apply(register);
              return changed[0];
            });
    return ask(update, what)
        .thenCompose(
            answer -> {
              if (answer instanceof Replicator.UpdateSuccess<?>) {
                checkOwnDisk(persistenceId, what, changed[0]);
                return CompletableFuture.completedFuture(Done.getInstance());
              }
              if (answer instanceof Replicator.StoreFailure<?>) {
                checkOwnDisk(persistenceId, what, changed[0]);
                return refused(persistenceId, what, changed[0]);
              }
              if (answer instanceof Replicator.UpdateTimeout<?> && attempts > 1) {
                return update(persistenceId, what, again(changed[0]), attempts - 1);
              }
              throw answer instanceof Replicator.ModifyFailure<?> failure
                      && failure.cause() instanceof RuntimeException e
                  ? e
                  : noMajority(what, majority, "had it on disk");
            });
  }

  /** What was written is in the local copy, unless somebody has overtaken. */
  private static UnaryOperator<Register> again(Register changed) {
    return register -> {
      if (!register.fence().equals(changed.fence())) {
        throw new Overtaken();
      }
      return register;
    };
  }

  /** Others said no: because of a newer ballot, or because of their disks. */
  private CompletionStage<Done> refused(String persistenceId, String what, Register written) {
    return read(persistenceId)
        .thenApply(
            found -> {
              if (written.fence().isBefore(found.fence())) {
                throw new Overtaken();
              }
              throw new NoMajorityException(
                  what + ": other members cannot write it to their disks; their logs say why");
            });
  }

  /** Akka counts its own node as written even when the node's disk has refused. */
  private void checkOwnDisk(String persistenceId, String what, Register written) {
    Register onDisk = replica.onDisk(PREFIX + persistenceId).orElse(Register.EMPTY);
    if (written.fence().isBefore(onDisk.fence())) {
      throw new Overtaken();
    }
    if (!onDisk.equals(written)
        && (onDisk.fence().isBefore(written.fence()) || onDisk.revision() < written.revision())) {
      throw new NoMajorityException(
          what + ": this node does not have it on disk: " + replica.trouble().orElse("refused"));
    }
  }

  private CompletionStage<Object> ask(Object message, String what) {
    Duration wait = timeout.plus(MARGIN);
    return Patterns.ask(replicator, message, wait)
        .exceptionally(
            e -> {
              throw new NoMajorityException(
                  what
                      + ": no answer within "
                      + wait.toSeconds()
                      + " s: "
                      + replica.trouble().orElse("the replicator is busy or stopped"));
            });
  }

  private Duration patience() {
    return timeout.dividedBy(ATTEMPTS);
  }

  private NoMajorityException tooFew(String what, Majority majority) {
    return new NoMajorityException(
        "%s: %d members, and %d decide: nothing is read or written until more are there"
            .formatted(what, majority.members(), majority.deciding()));
  }

  private NoMajorityException noMajority(String what, Majority majority, String did) {
    return new NoMajorityException(
        "%s: fewer than %d of %d members %s within %d ms%s"
            .formatted(
                what,
                majority.deciding(),
                majority.members(),
                did,
                timeout.toMillis(),
                replica.trouble().map(line -> "; " + line).orElse("")));
  }

  private static FencedException overtaken(String persistenceId) {
    return new FencedException(
        persistenceId + ": another node has recovered it meanwhile, and is its home now");
  }

  static IllegalStateException wrongRevision(String persistenceId, long revision, long stored) {
    return new IllegalStateException(
        "%s: revision %d does not follow the stored revision %d"
            .formatted(persistenceId, revision, stored));
  }

  private static Throwable cause(Throwable e) {
    return e instanceof CompletionException && e.getCause() != null ? cause(e.getCause()) : e;
  }
}
