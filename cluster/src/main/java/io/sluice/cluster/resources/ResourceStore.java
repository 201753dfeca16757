// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.sharding.typed.javadsl.Entity;
import akka.cluster.sharding.typed.javadsl.EntityRef;
import akka.cluster.sharding.typed.javadsl.EntityTypeKey;
import io.sluice.persistence.CborSerializable;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * The single writer of the resources that all nodes share: one entity of the cluster, wherever it
 * lives. A request is judged here, stored by a majority, answered, and handed to the followers of
 * the nodes. Requests that come while a write is under way are written together.
 */
public final class ResourceStore extends AbstractBehavior<ResourceStore.Command> {
  /** What the store takes. */
  public sealed interface Command {}

  /** A message from a node. */
  sealed interface Wire extends Command, CborSerializable {}

  /**
   * A node says what it has, each second and whenever that changes.
   *
   * @param store which store its resources are from; empty: it has none
   * @param version up to which it has received them
   * @param applied up to which its source has told them
   * @param transfer what it is receiving; empty: nothing
   * @param chunk the next one of that
   */
  record Follow(
      String node,
      String store,
      long version,
      long applied,
      String transfer,
      int chunk,
      ActorRef<StoreFollower.Command> from)
      implements Wire {}

  /**
   * A request, or a part of one.
   *
   * @param home the incarnation of the store that it is for: to another it is not known what the
   *     one before has made of it
   * @param bytes of {@link Codec#submission}
   */
  record Part(
      String request,
      String home,
      int part,
      int parts,
      byte[] bytes,
      ActorRef<StoreFollower.Command> from)
      implements Wire {}

  private record Opened(StoreLog.Opened opened, Throwable failure) implements Command {}

  /** Of a log: one that has been opened anew since does not care any more. */
  private record Written(StoreLog into, Throwable failure) implements Command {}

  private record SnapshotStored(StoreLog into, Throwable failure) implements Command {}

  private record OpenAgain() implements Command {}

  private record Tick() implements Command {}

  /** The one entity. */
  static final EntityTypeKey<Command> TYPE = EntityTypeKey.create(Command.class, "ResourceStore");

  static final String ID = "resources";

  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
  private static final long SILENT = Duration.ofSeconds(10).toNanos();

  private final Supplier<Registers> registers;
  private final Supplier<Optional<String>> minority;
  private final Clock clock;
  private final TimerScheduler<Command> timers;
  private final Intake intake = new Intake();
  private final Map<String, ActorRef<StoreFollower.Command>> owing = new HashMap<>();
  private final Map<String, Follower> followers = new HashMap<>();

  /** Drawn anew with each opening: what was promised under another is not known here. */
  private String home = "";

  private String trouble = "the store is being opened";
  private Duration pause = FIRST_PAUSE;
  private StoreLog log;
  private StoreState state;
  private Transfers transfers;
  private long committed;
  private List<Commit> group = List.of();
  private List<Reply> replies = List.of();
  private boolean writing;
  private boolean groupWaits;
  private boolean snapshotting;

  private record Reply(ActorRef<StoreFollower.Command> to, StoreFollower.Answer answer) {}

  /**
   * @param sent up to which version it has been sent
   * @param heard when it said something last, {@link System#nanoTime}
   */
  private record Follower(
      ActorRef<StoreFollower.Command> ref, long sent, long applied, long heard) {}

  /** Makes the store known to the cluster; on each node. */
  static void init(ActorSystem<?> system) {
    Minority minority = new Minority(system);
    ClusterSharding.get(system)
        .init(
            Entity.of(
                TYPE,
                entity ->
                    create(
                        () -> new DurableRegisters(system), minority::reason, Clock.systemUTC())));
  }

  static EntityRef<Command> of(ActorSystem<?> system) {
    return ClusterSharding.get(system).entityRefFor(TYPE, ID);
  }

  /**
   * @param minority why nothing can be decided now; empty if it can
   */
  static Behavior<Command> create(
      Supplier<Registers> registers, Supplier<Optional<String>> minority, Clock clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new ResourceStore(context, timers, registers, minority, clock)));
  }

  private ResourceStore(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Supplier<Registers> registers,
      Supplier<Optional<String>> minority,
      Clock clock) {
    super(context);
    this.timers = timers;
    this.registers = registers;
    this.minority = minority;
    this.clock = clock;
    timers.startTimerWithFixedDelay(new Tick(), TICK);
    open();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Follow.class, this::follow)
        .onMessage(Part.class, this::part)
        .onMessage(Opened.class, this::opened)
        .onMessage(OpenAgain.class, again -> open())
        .onMessage(Written.class, this::written)
        .onMessage(SnapshotStored.class, this::snapshotStored)
        .onMessage(Tick.class, tick -> tick())
        .build();
  }

  private boolean isOpen() {
    return state != null;
  }

  // Opening

  private Behavior<Command> open() {
    CompletionStage<StoreLog.Opened> opening;
    try {
      opening = StoreLog.open(registers.get()).thenCompose(ResourceStore::begun);
    } catch (RuntimeException e) {
      opening = CompletableFuture.failedFuture(e);
    }
    getContext().pipeToSelf(opening, Opened::new);
    return this;
  }

  /** A store that is new begins with an empty snapshot, so that it has a name. */
  private static CompletionStage<StoreLog.Opened> begun(StoreLog.Opened opened) {
    if (opened.snapshot().isPresent()) {
      return CompletableFuture.completedFuture(opened);
    }
    byte[] empty = Codec.snapshot(new StoreState(Clock.systemUTC()).snapshot());
    return opened
        .log()
        .snapshot(opened.log().seal(), empty)
        .thenApply(done -> new StoreLog.Opened(opened.log(), Optional.of(empty), List.of()));
  }

  private Behavior<Command> opened(Opened opened) {
    if (opened.failure() != null) {
      return failed("the store cannot be opened", opened.failure());
    }
    StoreState read = new StoreState(clock);
    List<Commit> commits = new ArrayList<>();
    try {
      read.restore(Codec.snapshot(opened.opened().snapshot().orElseThrow()));
      opened.opened().groups().forEach(bytes -> commits.addAll(Codec.commits(bytes)));
      commits.forEach(read::apply);
    } catch (IllegalArgumentException | IllegalStateException e) {
      return failed("the store cannot be read", e);
    }
    log = opened.opened().log();
    state = read;
    committed = state.version();
    home = UUID.randomUUID().toString();
    transfers = new Transfers(home, state);
    transfers.add(commits);
    pause = FIRST_PAUSE;
    getContext().getLog().info("resource store: version {}, {} resources", committed, state.size());
    owing.values().forEach(ref -> ref.tell(upToDate()));
    owing.clear();
    snapshotIfDue();
    return this;
  }

  /** Nobody knows what has been stored: what is in memory is worth nothing, and is read again. */
  private Behavior<Command> failed(String what, Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String now = what + ": " + cause.getMessage();
    if (!now.equals(trouble)) {
      getContext().getLog().warn("resource store: {}", now);
    }
    trouble = now;
    state = null;
    log = null;
    writing = false;
    groupWaits = false;
    snapshotting = false;
    group = List.of();
    replies = List.of();
    intake.clear();
    followers.clear();
    timers.startSingleTimer(new OpenAgain(), pause);
    pause = pause.multipliedBy(2);
    pause = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    return this;
  }

  // Followers

  private Behavior<Command> follow(Follow follow) {
    if (!isOpen()) {
      owing.put(follow.node(), follow.from());
      follow.from().tell(new StoreFollower.NotOpen("", trouble));
      return this;
    }
    Follower before = followers.get(follow.node());
    boolean same = follow.store().equals(state.store()) && follow.version() <= committed;
    long has = same ? follow.version() : -1;
    followers.put(
        follow.node(),
        new Follower(follow.from(), has, same ? follow.applied() : -1, System.nanoTime()));
    if (before != null && before.sent() > has && follow.transfer().isEmpty()) {
      getContext().getLog().debug("{} has {}, was sent {}", follow.node(), has, before.sent());
    }
    Optional<StoreFollower.Chunk> chunk = transfers.chunk(follow.transfer(), follow.chunk());
    if (chunk.isPresent()) {
      follow.from().tell(deliver(chunk.get()));
    } else if (has == committed) {
      follow.from().tell(upToDate());
    } else {
      serve(follow.node());
    }
    return this;
  }

  /** Begins to send what the follower does not have. */
  private void serve(String node) {
    Follower follower = followers.get(node);
    Optional<StoreFollower.Chunk> first = transfers.since(follower.sent(), committed);
    if (first.isEmpty() && state.version() != committed) {
      owing.put(node, follower.ref()); // a snapshot is of what is committed alone: a moment later
      return;
    }
    StoreFollower.Chunk chunk = first.orElseGet(() -> transfers.snapshot(committed));
    follower.ref().tell(deliver(chunk));
    if (chunk.chunks() == 1) {
      sent(node, follower, chunk.to());
    }
  }

  private void sent(String node, Follower follower, long version) {
    followers.put(
        node, new Follower(follower.ref(), version, follower.applied(), follower.heard()));
  }

  private StoreFollower.Delivery deliver(StoreFollower.Chunk chunk) {
    return new StoreFollower.Delivery(
        home, getContext().getSelf(), state.store(), committed, chunk);
  }

  private StoreFollower.UpToDate upToDate() {
    return new StoreFollower.UpToDate(home, getContext().getSelf(), state.store(), committed);
  }

  /** Those who have all that was there before get what is new at once; others have asked. */
  private void push(long before) {
    Set<String> waiting = new HashSet<>(owing.keySet());
    owing.clear();
    for (String node : List.copyOf(followers.keySet())) {
      if (followers.get(node).sent() == before || waiting.contains(node)) {
        serve(node);
      }
    }
  }

  private Behavior<Command> tick() {
    long now = System.nanoTime();
    followers.values().removeIf(follower -> now - follower.heard() > SILENT);
    intake.forgetOld(now);
    return this;
  }

  // Requests

  private Behavior<Command> part(Part part) {
    if (!isOpen() || !part.home().equals(home)) {
      String why = isOpen() ? "the store has moved" : trouble;
      part.from().tell(new StoreFollower.NotOpen(part.home(), why));
      return this;
    }
    Optional<String> cannot = minority.get();
    if (cannot.isPresent()) {
      part.from().tell(StoreFollower.Answer.unavailable(part.request(), cannot.get()));
      return this;
    }
    intake.take(part);
    part.from().tell(new StoreFollower.Received(part.request(), part.part()));
    if (!writing) {
      write();
    }
    return this;
  }

  /** Judges all that wait, and writes what they change together. */
  private void write() {
    List<Commit> commits = new ArrayList<>();
    List<Reply> answers = new ArrayList<>();
    for (Intake.Waiting waiting : intake.drain()) {
      StoreFollower.Answer answer;
      try {
        answer = judge(waiting, commits);
      } catch (IllegalArgumentException e) {
        answer =
            StoreFollower.Answer.refused(
                waiting.request(), new StoreState.Refused(false, List.of(e.getMessage())));
      }
      answers.add(new Reply(waiting.from(), answer));
    }
    if (commits.isEmpty()) {
      answers.forEach(reply -> reply.to().tell(reply.answer()));
      return;
    }
    writing = true;
    group = commits;
    replies = answers;
    store();
  }

  private StoreFollower.Answer judge(Intake.Waiting waiting, List<Commit> commits) {
    StoreState.Judgement judgement = state.judge(Codec.submission(waiting.bytes()));
    if (judgement instanceof StoreState.Refused refused) {
      return StoreFollower.Answer.refused(waiting.request(), refused);
    }
    StoreState.Accepted accepted = (StoreState.Accepted) judgement;
    accepted
        .commit()
        .ifPresent(
            commit -> {
              state.apply(commit);
              commits.add(commit);
            });
    return StoreFollower.Answer.done(waiting.request(), accepted.outcome());
  }

  private void store() {
    byte[] bytes = Codec.commits(group);
    if (log.fits(bytes.length)) {
      groupWaits = false;
      pipeWritten(log.append(bytes));
    } else if (snapshotting) {
      groupWaits = true; // there will be room
    } else {
      groupWaits = false;
      pipeWritten(storeSnapshot());
    }
  }

  private void pipeWritten(CompletionStage<?> write) {
    StoreLog into = log;
    getContext().pipeToSelf(write, (done, failure) -> new Written(into, failure));
  }

  private CompletionStage<?> storeSnapshot() {
    StoreLog into = log;
    long covers = into.seal();
    Codec.Snapshot snapshot = state.snapshot();
    return CompletableFuture.supplyAsync(
            () -> Codec.snapshot(snapshot), getContext().getExecutionContext()::execute)
        .thenCompose(bytes -> into.snapshot(covers, bytes));
  }

  private Behavior<Command> written(Written written) {
    if (written.into() != log) {
      return this;
    }
    if (written.failure() != null) {
      return failed("a write has failed, what became of it is being looked up", written.failure());
    }
    long before = committed;
    committed = state.version();
    transfers.add(group);
    replies.forEach(reply -> reply.to().tell(reply.answer()));
    writing = false;
    group = List.of();
    replies = List.of();
    push(before);
    snapshotIfDue();
    if (!intake.isEmpty()) {
      write();
    }
    return this;
  }

  private void snapshotIfDue() {
    if (!snapshotting && log.snapshotDue()) {
      snapshotting = true;
      StoreLog into = log;
      getContext()
          .pipeToSelf(storeSnapshot(), (done, failure) -> new SnapshotStored(into, failure));
    }
  }

  private Behavior<Command> snapshotStored(SnapshotStored stored) {
    if (stored.into() != log) {
      return this;
    }
    snapshotting = false;
    if (stored.failure() != null) {
      return failed("a snapshot could not be stored", stored.failure());
    }
    if (groupWaits) {
      store();
    }
    return this;
  }
}
