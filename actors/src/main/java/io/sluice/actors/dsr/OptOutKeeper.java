// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.dsr;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.supervision.Restarts;
import io.sluice.cluster.dsr.DsrOptOut;
import io.sluice.cluster.dsr.OptOutList;
import io.sluice.cluster.shared.Digest;
import io.sluice.cluster.shared.Follower;
import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.RouteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Brings the networks that opt out of direct server return into the kernel's maps: those that the
 * cluster has agreed on, or, where this node has a list of its own, that. New ones are added before
 * old ones go. While the cluster is away, what is in the maps stays.
 */
public final class OptOutKeeper extends AbstractBehavior<OptOutKeeper.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /**
   * What is configured. Told once the source is in sync.
   *
   * @param revision of the source
   * @param shared by the resource for all nodes
   * @param own by the node's file, environment or resource; empty: it has none
   */
  public record Configure(long revision, List<Cidr> shared, Optional<List<Cidr>> own)
      implements Command {}

  /** The follower in the cluster's actor system; empty: the cluster is away. */
  public record Connect(Optional<ActorRef<Follower.Command>> follower) implements Command {}

  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  /**
   * @param agreed generation that the cluster has told; 0: none yet
   * @param running generation in this node's kernel; 0: none
   * @param own whether the node has a list of its own, which is in the kernel instead
   * @param networks in the kernel
   * @param nodes that follow the list, as the cluster has said last
   * @param behind those of them that run something else
   * @param problem why the list is not applied, or not agreed on; empty if it is
   */
  public record Status(
      long agreed,
      long running,
      boolean own,
      int networks,
      int nodes,
      int behind,
      String problem) {}

  /** A list to be in force: the cluster's, or the node's with the cluster's generation. */
  private record Target(long generation, String digest, List<Cidr> networks) {}

  private record Told(Follower.Event event) implements Command {}

  private record Tick() implements Command {}

  private record Wrote(int life, Target target, Optional<String> refusal, Throwable failure)
      implements Command {}

  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration LIMIT = Duration.ofDays(1);

  /** What outlives a restart. */
  private static final class Memory {
    private Optional<ActorRef<Follower.Command>> follower = Optional.empty();
    private Optional<Configure> configured = Optional.empty();
    private Optional<Follower.Update> agreed = Optional.empty();
    private int life;
  }

  private final MapManager.Writers writers;
  private final Memory memory;
  private final int life;
  private final ActorRef<Follower.Event> events;
  private Optional<Target> installed = Optional.empty();
  private Optional<Follower.Stands> standing = Optional.empty();
  private String problem = "";
  private boolean busy;

  /**
   * @param writers of dsr_optout4 and dsr_optout6, of which this actor must be the only user
   */
  public static Behavior<Command> create(MapManager.Writers writers) {
    Memory memory = new Memory();
    Behavior<Command> keeper =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> {
                      timers.startTimerWithFixedDelay(new Tick(), TICK);
                      return new OptOutKeeper(context, writers, memory);
                    }));
    return Behaviors.supervise(Restarts.counted("dsr-optout", keeper))
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(
                Duration.ofMillis(200), Duration.ofSeconds(30), 0.1));
  }

  private OptOutKeeper(ActorContext<Command> context, MapManager.Writers writers, Memory memory) {
    super(context);
    this.writers = writers;
    this.memory = memory;
    this.life = ++memory.life;
    this.events = context.messageAdapter(Follower.Event.class, Told::new);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(
            Configure.class,
            configure -> {
              memory.configured = Optional.of(configure);
              return proceed();
            })
        .onMessage(
            Connect.class,
            connect -> {
              memory.follower = connect.follower();
              standing = Optional.empty();
              return proceed();
            })
        .onMessage(Told.class, told -> onEvent(told.event()))
        .onMessage(Tick.class, tick -> proceed())
        .onMessage(Wrote.class, this::onWrote)
        .onMessage(
            GetStatus.class,
            get -> {
              get.replyTo().tell(status());
              return this;
            })
        .build();
  }

  private Behavior<Command> onEvent(Follower.Event event) {
    if (event instanceof Follower.Update update) {
      memory.agreed = Optional.of(update);
      return proceed();
    }
    if (event instanceof Follower.Stands stands) {
      standing = Optional.of(stands);
    }
    return this;
  }

  /** Writes what is to be in force, if it is not yet, and tells the cluster how it stands. */
  private Behavior<Command> proceed() {
    Optional<Target> target = target();
    if (!busy && target.isPresent() && !target.equals(installed)) {
      busy = true;
      Target now = target.get();
      getContext()
          .pipeToSelf(
              write(now.networks()), (refusal, failure) -> new Wrote(life, now, refusal, failure));
    }
    tellFollower();
    return this;
  }

  private Optional<Target> target() {
    if (memory.configured.isEmpty()) {
      return Optional.empty();
    }
    Optional<List<Cidr>> own = memory.configured.get().own();
    if (own.isPresent()) {
      long generation = memory.agreed.map(Follower.Update::generation).orElse(0L);
      String digest = memory.agreed.map(Follower.Update::digest).orElse("");
      return Optional.of(new Target(generation, digest, own.get()));
    }
    return memory.agreed.map(
        agreed ->
            new Target(agreed.generation(), agreed.digest(), OptOutList.parse(agreed.content())));
  }

  private void tellFollower() {
    if (memory.follower.isEmpty() || memory.configured.isEmpty()) {
      return;
    }
    Configure configured = memory.configured.get();
    byte[] value;
    try {
      value = OptOutList.bytes(configured.shared());
    } catch (IllegalArgumentException e) {
      problem = e.getMessage();
      return;
    }
    Follower.Wish wish =
        new Follower.Wish(
            value,
            Digest.of(value),
            memory.agreed.map(Follower.Update::generation).orElse(0L),
            installed.map(Target::generation).orElse(0L),
            installed.map(Target::digest).orElse(""));
    memory
        .follower
        .get()
        .tell(
            new Follower.Wants(
                configured.revision(), Map.of(DsrOptOut.DEFAULT, wish), Set.of(), events));
  }

  private Behavior<Command> onWrote(Wrote wrote) {
    if (wrote.life() != life) {
      return this;
    }
    busy = false;
    if (wrote.failure() != null) {
      throw new IllegalStateException("writing the opt-outs of DSR", wrote.failure());
    }
    installed = wrote.refusal().isEmpty() ? Optional.of(wrote.target()) : Optional.empty();
    String now = wrote.refusal().orElse("");
    if (!now.isEmpty() && !now.equals(problem)) {
      getContext().getLog().warn("bpfDSROptoutCIDRs: {}", now);
    }
    problem = now;
    if (now.isEmpty()) {
      proceed(); // what came meanwhile
    }
    return this;
  }

  private Status status() {
    String all = problem.isEmpty() ? standing.map(Follower.Stands::problem).orElse("") : problem;
    return new Status(
        memory.agreed.map(Follower.Update::generation).orElse(0L),
        installed.map(Target::generation).orElse(0L),
        memory.configured.flatMap(Configure::own).isPresent(),
        installed.map(target -> target.networks().size()).orElse(0),
        standing.map(Follower.Stands::nodes).orElse(0),
        standing.map(Follower.Stands::behind).orElse(0),
        all);
  }

  // Writing.

  private static RouteKey key(Cidr network) {
    IpAddress address = network.address();
    Family family = address.family() == IpFamily.IPV4 ? Family.IPV4 : Family.IPV6;
    return new RouteKey(network.prefix(), new Ip(family, address.high(), address.low()));
  }

  /**
   * @return why not all of it was written
   */
  private CompletionStage<Optional<String>> write(List<Cidr> networks) {
    List<CompletableFuture<Optional<String>>> both = new ArrayList<>();
    for (Family family : Family.values()) {
      Map<RouteKey, Integer> wanted = new HashMap<>();
      networks.stream()
          .map(OptOutKeeper::key)
          .filter(key -> key.addr().family() == family)
          .forEach(key -> wanted.put(key, 1));
      both.add(write(writers.dsrOptout(family), wanted).toCompletableFuture());
    }
    return both.get(0).thenCombine(both.get(1), (four, six) -> four.or(() -> six));
  }

  private CompletionStage<Optional<String>> write(
      ActorRef<MapActor.Command<RouteKey, Integer>> writer, Map<RouteKey, Integer> wanted) {
    var scheduler = getContext().getSystem().scheduler();
    return AskPattern
        .<MapActor.Command<RouteKey, Integer>, MapActor.Contents<RouteKey, Integer>>ask(
            writer, MapActor.Read::new, LIMIT, scheduler)
        .thenCompose(
            contents -> {
              Set<RouteKey> removes = new HashSet<>(contents.entries().keySet());
              removes.removeAll(wanted.keySet());
              return AskPattern.<MapActor.Command<RouteKey, Integer>, MapActor.Result<RouteKey>>ask(
                  writer,
                  replyTo -> new MapActor.Update<>(wanted, removes, replyTo),
                  LIMIT,
                  scheduler);
            })
        .thenApply(
            result ->
                result instanceof MapActor.Refused<RouteKey> refused
                    ? Optional.of(refused.reason())
                    : Optional.empty());
  }
}
