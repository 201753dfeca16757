// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.sharding.typed.javadsl.EntityContext;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.state.javadsl.CommandHandler;
import akka.persistence.typed.state.javadsl.DurableStateBehavior;
import akka.persistence.typed.state.javadsl.Effect;
import io.sluice.cluster.shared.Messages.Command;
import io.sluice.cluster.shared.Messages.Current;
import io.sluice.cluster.shared.Messages.Fetch;
import io.sluice.cluster.shared.Messages.Follow;
import io.sluice.cluster.shared.Messages.GetView;
import io.sluice.cluster.shared.Messages.Gone;
import io.sluice.cluster.shared.Messages.Left;
import io.sluice.cluster.shared.Messages.Part;
import io.sluice.cluster.shared.Messages.SendValue;
import io.sluice.cluster.shared.Messages.Standing;
import io.sluice.cluster.shared.Messages.View;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * The one place where the cluster decides on a value that all nodes must agree on. Nodes tell it
 * what their sources say, with the revision of the source: the newest counts, and what a newer one
 * says differently is a new generation. It stores that before it tells anybody, and knows by what
 * nodes tell it who runs which generation.
 *
 * <p>Generations never go back: should what was stored be lost, the next one is higher than
 * whatever any node has seen.
 */
public final class SharedEntity extends DurableStateBehavior<Command, Agreed> {
  /** What an entity tells itself. */
  sealed interface Internal extends Command {}

  private record Tick() implements Internal {}

  /** Ends the entity, which nobody follows any more, or which moves to another node. */
  record Stop() implements Internal {}

  private static final Duration TICK = Duration.ofSeconds(1);

  /** Ticks without followers, after which the entity leaves the memory. */
  private static final int IDLE = 60;

  private final String id;
  private final Derivation derivation;
  private final ActorContext<Command> context;
  private final Runnable passivate;
  private final Followers followers = new Followers();

  /** Of the value that is agreed on. */
  private String valueDigest = "";

  /** The newest revision for which a node's source says what is agreed on. */
  private long evidence;

  /** The revision of the source that did not want it any more; while it is in memory. */
  private long gone = -1;

  private int idle;
  private List<byte[]> parts = List.of();
  private long partsGeneration;

  /**
   * @param passivate called when nobody follows any more
   */
  static Behavior<Command> create(
      PersistenceId pid, String id, Derivation derivation, Runnable passivate) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  timers.startTimerWithFixedDelay(new Tick(), TICK);
                  return new SharedEntity(pid, id, derivation, context, passivate);
                }));
  }

  /** An entity in its shard. */
  public static Behavior<Command> create(EntityContext<Command> entity, Derivation derivation) {
    PersistenceId pid = PersistenceId.of(entity.getEntityTypeKey().name(), entity.getEntityId());
    return Behaviors.setup(
        context -> {
          ActorRef<Command> self = context.getSelf();
          return create(
              pid,
              entity.getEntityId(),
              derivation,
              () -> entity.getShard().tell(new ClusterSharding.Passivate<>(self)));
        });
  }

  private SharedEntity(
      PersistenceId pid,
      String id,
      Derivation derivation,
      ActorContext<Command> context,
      Runnable passivate) {
    super(
        pid,
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(200), Duration.ofSeconds(10), 0.1));
    this.id = id;
    this.derivation = derivation;
    this.context = context;
    this.passivate = passivate;
  }

  @Override
  public Agreed emptyState() {
    return Agreed.NOTHING;
  }

  @Override
  public CommandHandler<Command, Agreed> commandHandler() {
    return newCommandHandlerBuilder()
        .forAnyState()
        .onCommand(Follow.class, this::onFollow)
        .onCommand(Fetch.class, this::onFetch)
        .onCommand(
            GetView.class,
            (state, get) -> {
              know(state);
              get.replyTo().tell(view(state));
              return Effect().none();
            })
        .onCommand(Tick.class, tick -> onTick())
        .onCommand(Stop.class, stop -> Effect().stop())
        .build();
  }

  /** After a start, what was stored is all that is known. */
  private void know(Agreed state) {
    if (state.exists() && valueDigest.isEmpty()) {
      valueDigest = Digest.of(state.value());
      evidence = state.revision();
    }
  }

  private Effect<Agreed> onFollow(Agreed state, Follow told) {
    know(state);
    if (!told.wanted()) {
      return onLeave(state, told);
    }
    if (told.revision() <= gone) {
      told.follower().tell(new Gone(id, gone));
      return Effect().none();
    }
    followers.heard(told);
    idle = 0;
    if (told.valueDigest().equals(valueDigest)) {
      evidence = Math.max(evidence, told.revision());
    } else if (!state.exists() || told.revision() > evidence || isForsaken(told)) {
      if (told.value().length > 0) {
        return accept(state, told);
      }
      told.follower().tell(new SendValue(id));
    }
    long seen = followers.highestGeneration();
    if (state.exists() && seen > state.generation()) {
      context
          .getLog()
          .warn(
              "{}: a node has seen generation {}, and generation {} is what was stored:"
                  + " going on from the former",
              id,
              seen,
              state.generation());
      return decide(state, state.value(), state.revision(), seen + 1);
    }
    answer(state, told);
    return Effect().none();
  }

  /**
   * Whether no node's source says any more what was agreed on, though none is newer: a source may
   * take back what it said of a revision, as a folder does whose files are written one by one.
   */
  private boolean isForsaken(Follow told) {
    return told.revision() == evidence && followers.allHeard() && !followers.anySays(valueDigest);
  }

  private Effect<Agreed> accept(Agreed state, Follow told) {
    long generation = Math.max(state.generation(), followers.highestGeneration()) + 1;
    evidence = told.revision();
    return decide(state, told.value(), told.revision(), generation);
  }

  /** Stores it, and then tells everybody. */
  private Effect<Agreed> decide(Agreed state, byte[] value, long revision, long generation) {
    int version = version();
    Agreed next;
    try {
      String digest = Digest.of(derivation.derive(version, value));
      next =
          new Agreed(generation, revision, version, value, digest, former(state, version, value));
    } catch (IllegalArgumentException e) {
      context
          .getLog()
          .error("{}: what a node's source says makes no sense: {}", id, e.getMessage());
      return Effect().none();
    }
    valueDigest = Digest.of(value);
    return Effect()
        .persist(next)
        .thenRun(
            stored -> {
              context.getLog().debug("{}: generation {} of revision {}", id, generation, revision);
              followers.forEach(follower -> follower.tell(current(stored)));
            });
  }

  private byte[] former(Agreed state, int version, byte[] value) {
    if (!state.exists() || (state.version() == version && Arrays.equals(state.value(), value))) {
      return state.former();
    }
    int room = Math.max(0, Agreed.MAX_VALUE - value.length);
    return derivation.remember(state, version, value, room);
  }

  /** One that all nodes can compute, if there is one that this node can. */
  private int version() {
    int all = followers.version();
    var fitting = derivation.versions().headSet(all == Integer.MAX_VALUE ? all : all + 1);
    return fitting.isEmpty() ? derivation.versions().first() : fitting.last();
  }

  private Current current(Agreed state) {
    return new Current(
        id, state.generation(), state.version(), state.value(), state.digest(), state.former());
  }

  private void answer(Agreed state, Follow told) {
    if (state.exists() && told.received() != state.generation()) {
      told.follower().tell(current(state));
    }
    told.follower()
        .tell(
            new Standing(
                id,
                state.generation(),
                followers.count(),
                followers.behind(state),
                followers.problem(evidence, valueDigest)));
  }

  private Effect<Agreed> onLeave(Agreed state, Follow told) {
    followers.left(told.node());
    told.follower().tell(new Left(id));
    if (state.exists() && told.revision() <= evidence) {
      return Effect().none();
    }
    gone = Math.max(gone, told.revision());
    if (!state.exists()) {
      return Effect().none();
    }
    valueDigest = "";
    return Effect()
        .delete()
        .thenRun(
            nothing -> {
              context.getLog().debug("{}: gone at revision {}", id, gone);
              followers.forEach(follower -> follower.tell(new Gone(id, gone)));
              followers.clear();
            });
  }

  private Effect<Agreed> onFetch(Agreed state, Fetch fetch) {
    if (!state.exists() || fetch.generation() != state.generation()) {
      return Effect().none();
    }
    if (!derivation.versions().contains(state.version())) {
      // Made by an agent of a version that is gone from the cluster: go on with one that we know.
      return decide(state, state.value(), state.revision(), state.generation() + 1);
    }
    if (partsGeneration != state.generation()) {
      parts = Packed.pack(derivation.derive(state.version(), state.value()));
      partsGeneration = state.generation();
    }
    if (fetch.part() >= 0 && fetch.part() < parts.size()) {
      fetch
          .follower()
          .tell(
              new Part(
                  id,
                  state.generation(),
                  fetch.part(),
                  parts.size(),
                  parts.get(fetch.part()),
                  state.digest()));
    }
    return Effect().none();
  }

  private Effect<Agreed> onTick() {
    followers.tick();
    idle = followers.isEmpty() ? idle + 1 : 0;
    if (idle >= IDLE) {
      passivate.run();
    }
    return Effect().none();
  }

  private View view(Agreed state) {
    return new View(
        id,
        state.generation(),
        evidence,
        state.version(),
        state.digest(),
        followers.runs(valueDigest),
        followers.problem(evidence, valueDigest));
  }
}
