// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.pattern.StatusReply;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.conntrack.Plans;
import io.sluice.actors.host.Lane;
import io.sluice.actors.interfaces.HostPolicies;
import io.sluice.actors.interfaces.InterfaceHost.Slots;
import io.sluice.actors.interfaces.Workload;
import io.sluice.actors.interfaces.Workloads;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.supervision.Restarts;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.PolicyProgram;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Has policy enforced: takes views of the source and of this node's endpoints, works out what each
 * interface is to enforce, and has it installed.
 *
 * <p>Messages only note what is wanted. One tick then makes a round of all of it, off the actor's
 * thread, one round at a time: what comes meanwhile waits for the next. An interface asks for its
 * programs with {@link Load}, and is answered when a round has installed them by a view that knows
 * its workload (POL-1). Nothing is written before the source is in sync (AG-3).
 */
public final class PolicyManager extends AbstractBehavior<PolicyManager.Command> {
  /** What the manager takes. */
  public sealed interface Command {}

  /**
   * The settings in force.
   *
   * @param endFlows whether flows end that policy denies since (policyEstablishedFlows: End)
   */
  public record Configure(PolicySettings settings, boolean endFlows) implements Command {}

  /**
   * What there is to enforce, and on what.
   *
   * @param workloads of this node, from the same view of the source
   * @param hosts this node's host interfaces, and their addresses
   */
  public record View(Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts)
      implements Command {
    public View {
      hosts = new TreeMap<>(hosts);
    }
  }

  /**
   * Asks for an interface's programs, to be kept right until {@link Clear}.
   *
   * @param workload that lives behind it; empty: a host endpoint
   * @param slots where to; 0: nowhere
   * @param replyTo told when they are in, or why they are not
   */
  public record Load(
      String nic, Optional<Workload> workload, Slots slots, ActorRef<StatusReply<Done>> replyTo)
      implements Command {}

  /** Empties slots. */
  public record Clear(Slots slots, ActorRef<StatusReply<Done>> replyTo) implements Command {}

  /** Asks to be told, now and at each change, which host interfaces have policy. */
  public record Subscribe(ActorRef<HostPolicies> listener) implements Command {}

  /** Asks how policy is. */
  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  /** Asks what is enforced. */
  public record GetRunning(ActorRef<Running> replyTo) implements Command {}

  private record Tick() implements Command {}

  private record Retry() implements Command {}

  private record GiveUp(Load load) implements Command {}

  private record Ready(Rounds.Round round, NodePolicy policy, Outcome outcome) implements Command {}

  private record Failed(Rounds.Round round, Throwable cause) implements Command {}

  private record Cleared(ActorRef<StatusReply<Done>> replyTo, Throwable failure)
      implements Command {}

  /**
   * How policy is.
   *
   * @param applied whether what a view of the source that was in sync says is in force, but for
   *     what {@code failures} and {@code problems} tell
   * @param version of the snapshot that is in force
   * @param failures of interfaces, by name: what they enforce is what they did before, or nothing
   *     that passes
   * @param problems what cannot be as it is written, or not be written, a line each
   */
  public record Status(
      boolean applied,
      long version,
      Map<String, String> failures,
      List<String> problems,
      PolicyFigures figures) {}

  /**
   * What is enforced.
   *
   * @param policy the latest that a round was made of
   * @param applied when that round ended; the epoch: never yet
   * @param slots by interface
   */
  public record Running(NodePolicy policy, Instant applied, Map<String, Slots> slots) {
    /** Nothing yet. */
    public static final Running NONE = new Running(NodePolicy.NONE, Instant.EPOCH, Map.of());
  }

  /**
   * How long things may take.
   *
   * @param patience after which one who waits for programs is told what it waits for
   */
  public record Options(Duration minBackOff, Duration maxBackOff, Duration patience) {
    /** From 500 ms to 30 s; 20 s. */
    public static final Options DEFAULT =
        new Options(Duration.ofMillis(500), Duration.ofSeconds(30), Duration.ofSeconds(20));
  }

  /** What outlives a restart. */
  private static final class Memory {
    private Configure settings;
    private Optional<View> view = Optional.empty();
    private final Map<String, Load> places = new TreeMap<>();
    private final List<Load> waiting = new ArrayList<>();
    private final Set<ActorRef<HostPolicies>> listeners = new HashSet<>();
    private Optional<HostPolicies> hosts = Optional.empty();
    private NodePolicy policy = NodePolicy.NONE;
    private Instant applied = Instant.EPOCH;
    private long version;
    private Outcome outcome =
        new Outcome(Set.of(), Map.of(), List.of(), Set.of(), PolicyFigures.NONE, false);
    private Optional<String> complaint = Optional.empty();
    private final Installer.Totals totals = new Installer.Totals();
    private final Owners owners = new Owners();
    private Lane lane;
  }

  private final TimerScheduler<Command> timers;
  private final Rounds rounds;
  private final ActorRef<ConntrackKeeper.Command> conntrack;
  private final Options options;
  private final Memory memory;

  /** The round that is under way; null: none. */
  private Rounds.Round current;

  private boolean ticking;
  private boolean dirty;
  private boolean retry;

  /** Rounds that failed in a row. */
  private int failures;

  /** How often programs that fail were tried again. */
  private int attempts;

  /**
   * What the manager works with.
   *
   * @param calculator works out what is to be enforced, by settings
   * @param generator makes programs
   * @param conntrack told of endpoints whose flows are to be judged anew, and of addresses that
   *     have changed hands
   */
  public record Parts(
      Dataplane dataplane,
      Function<PolicySettings, Calculator> calculator,
      Function<Plan, PolicyProgram> generator,
      ActorRef<ConntrackKeeper.Command> conntrack) {}

  /** The manager, supervised: what was asked of it outlives its failures. */
  public static Behavior<Command> create(Configure settings, Parts parts, Options options) {
    Memory memory = new Memory();
    memory.settings = settings;
    return Behaviors.<Command>supervise(
            Restarts.counted(
                "policy",
                Behaviors.setup(
                    context ->
                        Behaviors.withTimers(
                            timers -> new PolicyManager(context, timers, parts, options, memory)))))
        .onFailure(
            SupervisorStrategy.restartWithBackoff(options.minBackOff(), options.maxBackOff(), 0.2));
  }

  private PolicyManager(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Parts parts,
      Options options,
      Memory memory) {
    super(context);
    this.timers = timers;
    this.conntrack = parts.conntrack();
    this.options = options;
    this.memory = memory;
    if (memory.lane == null) {
      memory.lane =
          new Lane(
              context
                  .getSystem()
                  .dispatchers()
                  .lookup(DispatcherSelector.fromConfig(MapActor.KERNEL_DISPATCHER)));
    }
    this.rounds = new Rounds(parts, memory.totals, memory.owners);
    changed();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Configure.class, this::configure)
        .onMessage(View.class, this::view)
        .onMessage(Load.class, this::load)
        .onMessage(Clear.class, this::clear)
        .onMessage(Cleared.class, this::cleared)
        .onMessage(Tick.class, tick -> tick())
        .onMessage(Retry.class, message -> tryAgain())
        .onMessage(Ready.class, this::ready)
        .onMessage(Failed.class, this::failed)
        .onMessage(GiveUp.class, this::giveUp)
        .onMessage(Subscribe.class, this::subscribe)
        .onMessage(GetStatus.class, this::status)
        .onMessage(GetRunning.class, this::running)
        .build();
  }

  // What is wanted.

  private Behavior<Command> configure(Configure settings) {
    if (!settings.equals(memory.settings)) {
      memory.settings = settings;
      changed();
    }
    return this;
  }

  private Behavior<Command> view(View view) {
    memory.view = Optional.of(view);
    changed();
    return this;
  }

  private Behavior<Command> load(Load load) {
    // A slot that was given back without a word is its new owner's.
    memory.places.values().removeIf(other -> overlaps(other.slots(), load.slots()));
    memory.places.put(load.nic(), load);
    memory.waiting.add(load);
    timers.startSingleTimer(load, new GiveUp(load), options.patience());
    changed();
    return this;
  }

  private Behavior<Command> clear(Clear clear) {
    memory.places.values().removeIf(load -> overlaps(load.slots(), clear.slots()));
    getContext()
        .pipeToSelf(
            memory.lane.run(() -> rounds.clear(clear.slots())),
            (done, failure) -> new Cleared(clear.replyTo(), failure));
    return this;
  }

  private static boolean overlaps(Slots one, Slots other) {
    return one.in() != 0 && one.in() == other.in() || one.out() != 0 && one.out() == other.out();
  }

  private Behavior<Command> cleared(Cleared cleared) {
    if (cleared.failure() == null) {
      cleared.replyTo().tell(StatusReply.ack());
    } else {
      cleared.replyTo().tell(StatusReply.error(message(cleared.failure())));
    }
    changed(); // what the program has used may go
    return this;
  }

  private Behavior<Command> subscribe(Subscribe subscribe) {
    memory.listeners.add(subscribe.listener());
    memory.hosts.ifPresent(subscribe.listener()::tell);
    return this;
  }

  // Rounds.

  private void changed() {
    dirty = true;
    if (!ticking && current == null) {
      ticking = true;
      getContext().getSelf().tell(new Tick());
    }
  }

  private boolean inSync() {
    return memory.view.filter(view -> view.snapshot().inSync()).isPresent();
  }

  private Behavior<Command> tick() {
    ticking = false;
    if (current != null
        || !dirty
        || !inSync()
        || timers.isTimerActive(Retry.class) && failures > 0) {
      return this;
    }
    Map<String, Slots> slots = new HashMap<>();
    memory.places.forEach((nic, load) -> slots.put(nic, load.slots()));
    Rounds.Round round =
        new Rounds.Round(
            memory.settings, memory.view.orElseThrow(), slots, List.copyOf(memory.waiting), retry);
    current = round;
    dirty = false;
    retry = false;
    getContext()
        .pipeToSelf(
            memory.lane.run(() -> rounds.make(round)),
            (made, failure) ->
                failure == null
                    ? new Ready(round, made.policy(), made.outcome())
                    : new Failed(round, failure));
    return this;
  }

  private Behavior<Command> ready(Ready ready) {
    if (ready.round() != current) {
      return this; // of a life before this one
    }
    current = null;
    if (failures > 0) {
      getContext().getLog().info("policy: works again");
      failures = 0;
    }
    memory.complaint = Optional.empty();
    memory.policy = ready.policy();
    tell(ready.outcome());
    memory.outcome = ready.outcome();
    memory.applied = Instant.now();
    memory.version = ready.round().view().snapshot().version();
    tellHosts(ready.round().view());
    answer(ready);
    review(ready.outcome());
    if (!ready.outcome().failures().isEmpty() && !timers.isTimerActive(Retry.class)) {
      timers.startSingleTimer(Retry.class, new Retry(), backOff(attempts++));
    } else if (ready.outcome().failures().isEmpty()) {
      attempts = 0;
      timers.cancel(Retry.class);
    }
    if (dirty || ready.outcome().again()) {
      changed();
    }
    return this;
  }

  private Duration backOff(int before) {
    Duration wait = options.minBackOff().multipliedBy(1L << Math.min(before, 20));
    return wait.compareTo(options.maxBackOff()) > 0 ? options.maxBackOff() : wait;
  }

  /** Says once what has gone wrong, and what not any more. */
  private void tell(Outcome now) {
    Outcome before = memory.outcome;
    now.failures()
        .forEach(
            (nic, line) -> {
              if (!line.equals(before.failures().get(nic))) {
                getContext()
                    .getLog()
                    .error("policy of {}: {}; what it enforces stays as it was", nic, line);
              }
            });
    before
        .failures()
        .keySet()
        .forEach(
            nic -> {
              if (now.inForce().contains(nic)) {
                getContext().getLog().info("policy of {}: in force now", nic);
              }
            });
    now.problems().stream()
        .filter(line -> !before.problems().contains(line))
        .forEach(line -> getContext().getLog().error("policy: {}", line));
  }

  private void tellHosts(View view) {
    Set<String> in = new TreeSet<>();
    Set<String> out = new TreeSet<>();
    Set<String> untracked = new TreeSet<>();
    for (String nic : view.hosts().keySet()) {
      EndpointPolicy policy = memory.policy.byNic().get(nic);
      if (policy != null) {
        policy.in().ifPresent(plan -> in.add(nic));
        // By way of the slot of the other: who has untracked policy has that, too.
        policy.in().flatMap(plan -> policy.untracked()).ifPresent(plan -> untracked.add(nic));
        policy.out().ifPresent(plan -> out.add(nic));
      }
    }
    HostPolicies now = new HostPolicies(Set.copyOf(view.hosts().keySet()), in, out, untracked);
    if (memory.hosts.filter(now::equals).isEmpty()) {
      memory.hosts = Optional.of(now);
      memory.listeners.forEach(listener -> listener.tell(now));
    }
  }

  /** Only a view that knows the workload counts (POL-1). */
  private void answer(Ready ready) {
    View view = ready.round().view();
    for (Load load : ready.round().loads()) {
      String failure = ready.outcome().failures().get(load.nic());
      boolean known =
          load.workload()
              .map(workload -> workload.equals(view.workloads().byNic().get(load.nic())))
              .orElse(view.hosts().containsKey(load.nic()));
      if (memory.places.get(load.nic()) != load) {
        reply(load, StatusReply.error("the interface is asked for something else by now"));
      } else if (failure != null) {
        reply(load, StatusReply.error(failure));
      } else if (known && ready.outcome().inForce().contains(load.nic())) {
        reply(load, StatusReply.ack());
      } else if (known && load.workload().isEmpty()) {
        reply(load, StatusReply.error(Installer.NO_POLICY));
      }
    }
  }

  private void reply(Load load, StatusReply<Done> reply) {
    timers.cancel(load);
    if (memory.waiting.remove(load)) {
      load.replyTo().tell(reply);
    }
  }

  private Behavior<Command> giveUp(GiveUp message) {
    String why =
        memory.complaint.orElse(
            inSync()
                ? "no view of the source knows the workload yet"
                : "the source is not in sync: nobody knows what it may do");
    reply(message.load(), StatusReply.error(why));
    return this;
  }

  private void review(Outcome outcome) {
    if (!memory.settings.endFlows() || outcome.changed().isEmpty()) {
      return;
    }
    Map<String, Plans> plans = new HashMap<>();
    for (String nic : outcome.changed()) {
      EndpointPolicy policy = memory.policy.byNic().get(nic);
      if (policy != null && outcome.inForce().contains(nic)) {
        plans.put(nic, new Plans(policy.in(), policy.out(), policy.untracked()));
      }
    }
    conntrack.tell(new ConntrackKeeper.Review(plans, memory.policy.sets()));
  }

  private Behavior<Command> tryAgain() {
    retry = true;
    changed();
    return this;
  }

  private static String message(Throwable failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private Behavior<Command> failed(Failed failed) {
    if (failed.round() != current) {
      return this;
    }
    current = null;
    String complaint = message(failed.cause());
    Duration wait = backOff(failures++);
    if (memory.complaint.filter(complaint::equals).isEmpty()) {
      getContext()
          .getLog()
          .warn("policy: {}; trying again in {} ms", complaint, wait.toMillis(), failed.cause());
    }
    memory.complaint = Optional.of(complaint);
    dirty = true;
    timers.startSingleTimer(Retry.class, new Retry(), wait);
    return this;
  }

  // What is told.

  private Behavior<Command> status(GetStatus get) {
    List<String> problems = new ArrayList<>();
    memory.complaint.ifPresent(line -> problems.add("policies cannot be applied: " + line));
    problems.addAll(memory.policy.problems());
    problems.addAll(memory.outcome.problems());
    boolean applied = inSync() && !memory.applied.equals(Instant.EPOCH) && failures == 0;
    get.replyTo()
        .tell(
            new Status(
                applied,
                memory.version,
                memory.outcome.failures(),
                problems,
                memory.outcome.figures()));
    return this;
  }

  private Behavior<Command> running(GetRunning get) {
    Map<String, Slots> slots = new TreeMap<>();
    memory.places.forEach((nic, load) -> slots.put(nic, load.slots()));
    get.replyTo().tell(new Running(memory.policy, memory.applied, slots));
    return this;
  }
}
