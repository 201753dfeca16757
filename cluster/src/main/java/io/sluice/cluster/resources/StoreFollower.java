// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.cluster.resources.ClusterSource.Position;
import io.sluice.cluster.resources.Commit.Outcome;
import io.sluice.persistence.CborSerializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A node's end of the store: tells it each second what this node has, takes what is newer, and
 * passes requests on. One for each life of the cluster's actor system.
 */
final class StoreFollower extends AbstractBehavior<StoreFollower.Command> {
  /** What a follower takes. */
  sealed interface Command {}

  /** A message from the store. */
  sealed interface Wire extends Command, CborSerializable {}

  /**
   * A piece of something that is sent.
   *
   * @param from the version that it follows; -1: it is everything
   * @param to the version that one has with it
   * @param bytes of {@link Codec#commits} or {@link Codec#snapshot}, cut in chunks
   */
  record Chunk(String transfer, long from, long to, int chunk, int chunks, byte[] bytes) {}

  /**
   * Something newer.
   *
   * @param home the store's incarnation
   * @param store which store it is
   * @param committed the store's version now
   */
  record Delivery(
      String home, ActorRef<ResourceStore.Command> ref, String store, long committed, Chunk chunk)
      implements Wire {}

  /** There is nothing newer; or the store has just opened, and says so to those who wait. */
  record UpToDate(String home, ActorRef<ResourceStore.Command> ref, String store, long committed)
      implements Wire {}

  /**
   * What you ask for is not here; nothing has been done.
   *
   * @param home for which it was; empty: any
   */
  record NotOpen(String home, String reason) implements Wire {}

  /** A part of a request has arrived. */
  record Received(String request, int part) implements Wire {}

  /** What became of a request. */
  enum Result {
    DONE,
    /** The store holds something else than the request takes for granted. */
    CONFLICT,
    /** It cannot be done, whatever the store holds. */
    REFUSED,
    /** Nobody can decide now; nothing has been stored. */
    UNAVAILABLE,
    /** It may have been done or not. */
    UNKNOWN
  }

  /**
   * The end of a request.
   *
   * @param version of the store with it
   * @param verbs as in {@link Outcome}; empty unless it is done
   */
  record Answer(String request, Result result, long version, String verbs, List<String> reasons)
      implements Wire {
    Answer {
      reasons = List.copyOf(reasons);
    }

    static Answer done(String request, Outcome outcome) {
      return new Answer(request, Result.DONE, outcome.version(), outcome.verbs(), List.of());
    }

    static Answer refused(String request, StoreState.Refused refused) {
      Result result = refused.conflict() ? Result.CONFLICT : Result.REFUSED;
      return new Answer(request, result, 0, "", refused.reasons());
    }

    static Answer unavailable(String request, String reason) {
      return new Answer(request, Result.UNAVAILABLE, 0, "", List.of(reason));
    }

    static Answer unknown(String request, String reason) {
      return new Answer(request, Result.UNKNOWN, 0, "", List.of(reason));
    }
  }

  /**
   * Of this node: have it done.
   *
   * @param bytes of {@link Codec#submission}
   * @param answer completed in any case, some time
   */
  record Submit(String request, byte[] bytes, CompletableFuture<Answer> answer)
      implements Command {}

  /** Of this node: its source has told everything up to that version. */
  record Applied(long version) implements Command {}

  private record Tick() implements Command {}

  private record Soon() implements Command {}

  /** The largest request, incompressible, has fewer; bytes are cut as in {@link Transfers}. */
  static final int MOST_PARTS = 128;

  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration SOON = Duration.ofMillis(200);

  /** A home that said nothing for so long may have moved. */
  private static final long FRESH = Duration.ofMillis(2500).toNanos();

  private final String node;
  private final ClusterSource source;
  private final Consumer<ResourceStore.Command> store;
  private final TimerScheduler<Command> timers;
  private final Requests requests;
  private final List<Chunk> chunks = new ArrayList<>();
  private String receiving = "";
  private String home = "";
  private ActorRef<ResourceStore.Command> homeRef;
  private long heard;

  /**
   * @param store takes messages to the store, wherever it is
   * @param patience after which a request is given up
   */
  static Behavior<Command> create(
      String node, ClusterSource source, Consumer<ResourceStore.Command> store, Duration patience) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new StoreFollower(context, timers, node, source, store, patience)));
  }

  private StoreFollower(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      String node,
      ClusterSource source,
      Consumer<ResourceStore.Command> store,
      Duration patience) {
    super(context);
    this.node = node;
    this.source = source;
    this.store = store;
    this.timers = timers;
    this.requests = new Requests(context.getSelf(), patience);
    source.follow(version -> context.getSelf().tell(new Applied(version)));
    timers.startTimerWithFixedDelay(new Tick(), TICK);
    context.getSelf().tell(new Tick());
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Delivery.class, this::delivery)
        .onMessage(UpToDate.class, this::upToDate)
        .onMessage(NotOpen.class, this::notOpen)
        .onMessage(Received.class, this::received)
        .onMessage(Answer.class, this::answer)
        .onMessage(Submit.class, this::submit)
        .onMessage(Applied.class, this::applied)
        .onMessage(Tick.class, tick -> tick())
        .onMessage(Soon.class, soon -> soon())
        .onSignal(PostStop.class, stop -> stopped())
        .build();
  }

  private Behavior<Command> stopped() {
    requests.close();
    return this;
  }

  // What the store says

  private void heard(String from, ActorRef<ResourceStore.Command> ref, String of, long committed) {
    home = from;
    homeRef = ref;
    heard = System.nanoTime();
    source.told(of, committed);
    requests.send(home, homeRef);
  }

  private Behavior<Command> upToDate(UpToDate message) {
    heard(message.home(), message.ref(), message.store(), message.committed());
    if (!source.position().equals(new Position(message.store(), message.committed()))) {
      follow(); // it has only just opened, and does not know what this node has
    }
    return this;
  }

  private Behavior<Command> delivery(Delivery delivery) {
    heard(delivery.home(), delivery.ref(), delivery.store(), delivery.committed());
    Chunk chunk = delivery.chunk();
    Position has = source.position();
    boolean same = has.store().equals(delivery.store());
    if (same && chunk.to() <= has.version()) {
      return this; // it came twice
    }
    if (chunk.from() >= 0 && !(same && chunk.from() == has.version())) {
      follow(); // one before was lost
      return this;
    }
    if (!chunk.transfer().equals(receiving)) {
      receiving = chunk.transfer();
      chunks.clear();
    }
    if (chunk.chunk() == chunks.size()) {
      chunks.add(chunk);
      if (chunks.size() == chunk.chunks()) {
        byte[] whole = StoreLog.join(chunks.stream().map(Chunk::bytes).toList());
        receiving = "";
        chunks.clear();
        source.take(delivery.store(), chunk.from() < 0, chunk.to(), whole);
      }
      if (chunk.chunks() > 1) {
        follow(); // for the next chunk, or for what has come meanwhile
      }
    }
    return this;
  }

  private Behavior<Command> notOpen(NotOpen message) {
    source.trouble(message.reason());
    requests.notTaken(message.home(), message.reason());
    if (message.home().equals(home)) {
      home = "";
    }
    soonIfNeeded();
    return this;
  }

  // What this node says

  private Behavior<Command> tick() {
    follow();
    return this;
  }

  /** What has been received; by the store's own address while that is known to be good. */
  private void follow() {
    Position has = source.position();
    ResourceStore.Follow follow =
        new ResourceStore.Follow(
            node,
            has.store(),
            has.version(),
            source.applied(),
            receiving,
            chunks.size(),
            getContext().getSelf());
    if (!receiving.isEmpty() && !chunks.isEmpty() && isFresh()) {
      homeRef.tell(follow);
    } else {
      store.accept(follow);
    }
  }

  private boolean isFresh() {
    return !home.isEmpty() && System.nanoTime() - heard < FRESH;
  }

  private Behavior<Command> applied(Applied applied) {
    requests.applied(applied.version());
    return this;
  }

  // Requests

  private Behavior<Command> submit(Submit submit) {
    requests.add(submit);
    if (isFresh()) {
      requests.send(home, homeRef);
    } else {
      follow();
    }
    soonIfNeeded();
    return this;
  }

  private Behavior<Command> received(Received received) {
    requests.received(received);
    return this;
  }

  private Behavior<Command> answer(Answer answer) {
    requests.answered(answer, source.applied());
    return this;
  }

  private void soonIfNeeded() {
    if (!requests.isEmpty() && !timers.isTimerActive(Soon.class)) {
      timers.startSingleTimer(Soon.class, new Soon(), SOON);
    }
  }

  private Behavior<Command> soon() {
    requests.expire();
    if (!requests.isEmpty()) {
      if (isFresh()) {
        requests.sendAgain(home, homeRef);
      } else {
        follow();
      }
    }
    soonIfNeeded();
    return this;
  }
}
