// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maglev;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.sluice.actors.services.LutTarget;
import io.sluice.actors.services.MaglevView;
import io.sluice.actors.services.ServiceManager;
import io.sluice.actors.services.ServiceName;
import io.sluice.actors.supervision.Restarts;
import io.sluice.cluster.maglev.BackendSet;
import io.sluice.cluster.maglev.Formers;
import io.sluice.cluster.maglev.Lut;
import io.sluice.cluster.maglev.MaglevTable;
import io.sluice.cluster.shared.Digest;
import io.sluice.cluster.shared.Follower;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Stands between this node's services and the cluster's Maglev tables: tells the follower once a
 * second, and at once on a change, what this node wants and has, and hands what the cluster agrees
 * on to the services. The cluster may be away, or begin anew: what is wished is kept here, and what
 * is in the kernel stays there.
 */
public final class MaglevKeeper extends AbstractBehavior<MaglevKeeper.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /** The follower in the cluster's actor system; empty: the cluster is away. */
  public record Connect(Optional<ActorRef<Follower.Command>> follower) implements Command {}

  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  /** Asks the cluster who runs what. */
  public record GetNodes(ActorRef<Follower.Views> replyTo) implements Command {}

  /**
   * @param connected whether the cluster is there
   * @param tables by service port and family
   * @param problems of services that want a table, by service port and family
   */
  public record Status(boolean connected, Map<String, Table> tables, Map<String, String> problems) {
    /** Nothing is known yet. */
    public static final Status NONE = new Status(false, Map.of(), Map.of());
  }

  /**
   * A table that this node wants.
   *
   * @param agreed generation that the cluster has told; 0: none yet
   * @param running generation in this node's kernel; 0: none
   * @param digest of what is in the kernel
   * @param nodes that follow the table, as the cluster has said last
   * @param behind those of them that run something else
   */
  public record Table(long agreed, long running, String digest, int nodes, int behind) {}

  private record Viewed(MaglevView view) implements Command {}

  private record Told(Follower.Event event) implements Command {}

  private record Tick() implements Command {}

  private static final Duration TICK = Duration.ofSeconds(1);
  private static final MaglevView.Running NOTHING = new MaglevView.Running(0, "");

  /** What outlives a restart. */
  private static final class Memory {
    private Optional<ActorRef<Follower.Command>> follower = Optional.empty();

    /** Services that the cluster must hear are not wanted any more. */
    private final Set<ServiceName> leaving = new HashSet<>();
  }

  private record Value(BackendSet set, byte[] bytes, String digest) {}

  private final ActorRef<ServiceManager.Command> services;
  private final Memory memory;
  private final ActorRef<Follower.Event> events;
  private Optional<MaglevView> view = Optional.empty();
  private final Map<ServiceName, Value> values = new HashMap<>();
  private final Map<ServiceName, Long> received = new HashMap<>();
  private final Map<ServiceName, Follower.Stands> standing = new HashMap<>();
  private final Map<ServiceName, String> problemsTold = new HashMap<>();

  public static Behavior<Command> create(ActorRef<ServiceManager.Command> services) {
    Memory memory = new Memory();
    Behavior<Command> keeper =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> {
                      timers.startTimerWithFixedDelay(new Tick(), TICK);
                      return new MaglevKeeper(context, services, memory);
                    }));
    return Behaviors.supervise(Restarts.counted("maglev", keeper))
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(
                Duration.ofMillis(200), Duration.ofSeconds(30), 0.1));
  }

  private MaglevKeeper(
      ActorContext<Command> context, ActorRef<ServiceManager.Command> services, Memory memory) {
    super(context);
    this.services = services;
    this.memory = memory;
    this.events = context.messageAdapter(Follower.Event.class, Told::new);
    services.tell(
        new ServiceManager.WatchMaglev(context.messageAdapter(MaglevView.class, Viewed::new)));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(
            Connect.class,
            connect -> {
              memory.follower = connect.follower();
              standing.clear();
              return tellFollower();
            })
        .onMessage(Viewed.class, viewed -> onView(viewed.view()))
        .onMessage(Told.class, told -> onEvent(told.event()))
        .onMessage(Tick.class, tick -> tellFollower())
        .onMessage(
            GetStatus.class,
            get -> {
              get.replyTo().tell(status());
              return this;
            })
        .onMessage(GetNodes.class, this::onGetNodes)
        .build();
  }

  private Behavior<Command> onView(MaglevView now) {
    Set<ServiceName> gone = new HashSet<>(now.unwanted());
    view.ifPresent(before -> gone.addAll(before.wishes().keySet()));
    memory.leaving.addAll(gone);
    memory.leaving.removeAll(now.wishes().keySet());
    view = Optional.of(now);
    for (Map<ServiceName, ?> known :
        List.<Map<ServiceName, ?>>of(values, received, standing, problemsTold)) {
      known.keySet().retainAll(now.wishes().keySet());
    }
    now.wishes()
        .forEach(
            (name, set) -> {
              if (!values.containsKey(name) || !values.get(name).set().equals(set)) {
                byte[] bytes = set.bytes();
                values.put(name, new Value(set, bytes, Digest.of(bytes)));
              }
            });
    return tellFollower();
  }

  private Behavior<Command> tellFollower() {
    if (memory.follower.isEmpty() || view.isEmpty()) {
      return this;
    }
    Map<String, Follower.Wish> wishes = new HashMap<>();
    values.forEach(
        (name, value) -> {
          MaglevView.Running running = view.get().running().getOrDefault(name, NOTHING);
          wishes.put(
              name.text(),
              new Follower.Wish(
                  value.bytes(),
                  value.digest(),
                  received.getOrDefault(name, 0L),
                  running.generation(),
                  running.digest()));
        });
    Set<String> leaving = new HashSet<>();
    memory.leaving.forEach(name -> leaving.add(name.text()));
    memory.follower.get().tell(new Follower.Wants(view.get().revision(), wishes, leaving, events));
    return this;
  }

  private Behavior<Command> onEvent(Follower.Event event) {
    if (event instanceof Follower.Update update) {
      onUpdate(update);
    } else if (event instanceof Follower.Stands stands) {
      onStands(ServiceName.parse(stands.id()), stands);
    } else if (event instanceof Follower.Unwanted unwanted) {
      memory.leaving.remove(ServiceName.parse(unwanted.id()));
    }
    // Removed: another node's source is ahead. The table stays until this node's own says so, too.
    return this;
  }

  private void onUpdate(Follower.Update update) {
    ServiceName name = ServiceName.parse(update.id());
    if (!values.containsKey(name)) {
      return;
    }
    try {
      Lut lut = Lut.parse(update.content());
      Formers formers = Formers.of(lut, MaglevTable.former(update.former()));
      services.tell(
          new ServiceManager.Agreed(
              name, new LutTarget(update.generation(), update.digest(), lut, formers)));
      received.put(name, update.generation());
    } catch (IllegalArgumentException e) {
      getContext()
          .getLog()
          .error(
              "service {}: generation {} of its table: {}",
              name,
              update.generation(),
              e.getMessage());
    }
  }

  private void onStands(ServiceName name, Follower.Stands stands) {
    if (!values.containsKey(name)) {
      return;
    }
    standing.put(name, stands);
    String problem = stands.problem();
    if (!problem.equals(problemsTold.getOrDefault(name, ""))) {
      problemsTold.put(name, problem);
      if (problem.isEmpty()) {
        getContext().getLog().info("service {}: the nodes agree on its backends", name);
      } else {
        getContext().getLog().warn("service {}: {}", name, problem);
      }
    }
  }

  private Status status() {
    if (view.isEmpty()) {
      return Status.NONE;
    }
    Map<String, Table> tables = new TreeMap<>();
    Map<String, String> problems = new TreeMap<>();
    view.get().problems().forEach((name, problem) -> problems.put(name.text(), problem));
    for (ServiceName name : values.keySet()) {
      MaglevView.Running running = view.get().running().getOrDefault(name, NOTHING);
      Optional<Follower.Stands> stands = Optional.ofNullable(standing.get(name));
      tables.put(
          name.text(),
          new Table(
              Math.max(
                  received.getOrDefault(name, 0L),
                  stands.map(Follower.Stands::generation).orElse(0L)),
              running.generation(),
              running.digest(),
              stands.map(Follower.Stands::nodes).orElse(0),
              stands.map(Follower.Stands::behind).orElse(0)));
      stands
          .map(Follower.Stands::problem)
          .filter(problem -> !problem.isEmpty())
          .ifPresent(problem -> problems.put(name.text(), problem));
    }
    return new Status(memory.follower.isPresent(), tables, problems);
  }

  private Behavior<Command> onGetNodes(GetNodes get) {
    List<String> names = values.keySet().stream().sorted().map(ServiceName::text).toList();
    if (memory.follower.isPresent()) {
      memory.follower.get().tell(new Follower.GetViews(names, get.replyTo()));
    } else {
      get.replyTo().tell(new Follower.Views(List.of(), names));
    }
    return this;
  }
}
