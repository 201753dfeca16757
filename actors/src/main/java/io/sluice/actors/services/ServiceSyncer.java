// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.layout.Family;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * Brings the service maps to what all {@link ServiceActor}s want, in rounds: what changed since the
 * last one goes through the steps of {@link SyncRound} together, so that ten thousand services cost
 * a handful of batches. Nothing is written before the source is in sync: then the maps are adopted
 * ({@link Adoption}), and the first round is the mark and sweep (AG-3).
 *
 * <p>Whatever fails, the actor starts anew from the kernel's maps, the journal and what is wanted.
 */
public final class ServiceSyncer extends AbstractBehavior<ServiceSyncer.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /**
   * All that one owner wants; replaces what it wanted before.
   *
   * @param owner whose it is: a Kubernetes service
   */
  public record Want(String owner, List<WantedService> services) implements Command {
    public Want {
      services = List.copyOf(services);
    }
  }

  /**
   * What was wanted so far is a whole, and may be applied.
   *
   * @param inSync nothing is missing: what nobody wants may go
   * @param revision of the source: an order across nodes
   */
  public record Complete(boolean inSync, long revision) implements Command {}

  /** How many Maglev tables there may be. */
  public record Configure(MaglevLimits limits) implements Command {}

  /** The cluster has agreed on a service's Maglev table. */
  public record Agreed(ServiceName service, LutTarget target) implements Command {}

  /** From now on the watcher is told what this node wants of Maglev tables, and has. */
  public record WatchMaglev(ActorRef<MaglevView> watcher) implements Command {}

  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  /**
   * @param applied what was wanted when the source came in sync has been written
   * @param settled nothing is wanted that is not written, and nothing waits to be zeroed
   * @param services service ports, by family, in the kernel
   * @param problems what could not be done, by service port
   * @param rounds finished since the start
   * @param writes steps that wrote something
   * @param lastRound how long the last round took
   */
  public record Status(
      boolean applied,
      boolean settled,
      int services,
      int frontends,
      Map<Family, Integer> backendsUsed,
      Map<Family, Integer> backendsMax,
      Map<String, String> problems,
      long rounds,
      long writes,
      Duration lastRound) {}

  /**
   * @param longestPause between two rounds; it is as long as the one before took, so that a change
   *     alone is applied at once, and a flood of them takes half of a core
   * @param quarantine how long a span rests before it is zeroed; at least 1 s (the programs' need)
   * @param retry before what was refused is tried again
   */
  public record Options(Duration longestPause, Duration quarantine, Duration retry) {
    public static final Options DEFAULT =
        new Options(Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(10));
  }

  /** The end of a piece of work; {@code life} tells those of an actor before a restart. */
  private record Finished(int life, Runnable then, Throwable failure) implements Command {}

  private record PauseOver() implements Command {}

  private record RetryRefused() implements Command {}

  private record Rested(int life, long round) implements Command {}

  /** What outlives a restart. */
  private static final class Memory {
    private final Demand demand = new Demand();
    private final MaglevDesk maglev = new MaglevDesk();
    private boolean inSync;
    private boolean applied;
    private int life;
  }

  private final ServiceMaps maps;
  private final Options options;
  private final Memory memory;
  private final TimerScheduler<Command> timers;
  private final int life;

  private ServiceTable table;
  private boolean busy;
  private boolean dirty;
  private boolean throttled;

  /** A note in the journal says that frontends are being added. */
  private boolean noted;

  /** The kernel holds what nobody has looked at yet: the next round does. */
  private boolean unswept = true;

  private final Map<ServiceName, String> refused = new HashMap<>();
  private final Map<ServiceName, String> problems = new TreeMap<>();
  private long round;
  private long rested;
  private long writes;
  private long began;
  private Duration lastRound = Duration.ZERO;

  /**
   * @param writers of the service maps, of which this actor must be the only user
   */
  public static Behavior<Command> create(
      MapManager.Writers writers, ActorRef<Promises.Command> promises, Options options) {
    Memory memory = new Memory();
    Behavior<Command> syncer =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers ->
                        new ServiceSyncer(
                            context,
                            timers,
                            new ServiceMaps(context.getSystem(), writers, promises),
                            options,
                            memory)));
    return Behaviors.supervise(Restarts.counted("service-syncer", syncer))
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(
                Duration.ofMillis(200), Duration.ofSeconds(30), 0.1));
  }

  private ServiceSyncer(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      ServiceMaps maps,
      Options options,
      Memory memory) {
    super(context);
    this.timers = timers;
    this.maps = maps;
    this.options = options;
    this.memory = memory;
    this.life = ++memory.life;
    this.dirty = memory.inSync;
    proceed();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(
            Want.class,
            want -> {
              memory.demand.put(want.owner(), want.services());
              return this;
            })
        .onMessage(Complete.class, this::onComplete)
        .onMessage(Configure.class, this::onConfigure)
        .onMessage(
            Agreed.class,
            agreed -> {
              dirty |= memory.maglev.agreed(agreed.service(), agreed.target());
              return proceed();
            })
        .onMessage(
            WatchMaglev.class,
            watch -> {
              memory.maglev.watch(watch.watcher());
              tellMaglev();
              return this;
            })
        .onMessage(Finished.class, this::onFinished)
        .onMessage(
            PauseOver.class,
            over -> {
              throttled = false;
              return proceed();
            })
        .onMessage(
            RetryRefused.class,
            retry -> {
              retryRefused();
              return proceed();
            })
        .onMessage(
            Rested.class,
            message -> {
              if (message.life() == life) {
                rested = Math.max(rested, message.round());
              }
              return proceed();
            })
        .onMessage(
            GetStatus.class,
            get -> {
              get.replyTo().tell(status());
              return this;
            })
        .build();
  }

  private Behavior<Command> onComplete(Complete complete) {
    memory.inSync |= complete.inSync();
    memory.demand.touch(memory.maglev.complete(wanted(), complete.revision()));
    dirty = true;
    tellMaglev();
    return proceed();
  }

  private Behavior<Command> onConfigure(Configure configure) {
    if (memory.maglev.limit(configure.limits())) {
      memory.demand.touch(memory.maglev.judge(wanted()));
      dirty = true;
      tellMaglev();
    }
    return proceed();
  }

  /** Before the kernel has been read, and the source whole, there is nothing to tell. */
  private void tellMaglev() {
    if (memory.inSync && table != null) {
      memory.maglev.tell(table);
    }
  }

  private Behavior<Command> onFinished(Finished finished) {
    if (finished.life() != life) {
      return this;
    }
    if (finished.failure() != null) {
      throw new IllegalStateException(
          "syncing services: " + finished.failure(), finished.failure());
    }
    finished.then().run();
    return this;
  }

  /** Begins the next piece of work, if there is one and none is under way. */
  private Behavior<Command> proceed() {
    if (busy || !memory.inSync) {
      return this;
    }
    if (table == null) {
      busy = true;
      when(maps.read(), this::adopt);
      return this;
    }
    List<ServiceTable.Retired> due = table.takeDue(rested);
    if (!due.isEmpty()) {
      busy = true;
      zero(due);
    } else if (dirty && !throttled) {
      busy = true;
      beginRound();
    }
    return this;
  }

  private <T> void when(CompletionStage<T> work, Consumer<? super T> then) {
    getContext()
        .pipeToSelf(
            work, (value, failure) -> new Finished(life, () -> then.accept(value), failure));
  }

  private void idle() {
    busy = false;
    proceed();
  }

  // Adoption.

  private Collection<WantedService> wanted() {
    return memory.demand.all();
  }

  private void adopt(ServiceMaps.Found found) {
    Adoption.Result adopted =
        Adoption.adopt(found.kernel(), found.services(), found.backends(), wanted());
    adopted.notes().forEach(note -> getContext().getLog().warn(note));
    noted = found.noted();
    if (noted) {
      adopted.table().stale().add(0);
    }
    getContext()
        .getLog()
        .info(
            "adopted {} service ports of {} in the kernel",
            adopted.table().services().size(),
            found.kernel().services().size());
    when(
        maps.adopt(found, adopted),
        done -> {
          table = adopted.table();
          memory.demand.touchAll();
          memory.demand.touch(table.services().keySet());
          dirty = true;
          memory.maglev.found(table);
          tellMaglev();
          idle();
        });
  }

  // A round.

  private void beginRound() {
    dirty = false;
    throttled = true;
    began = System.nanoTime();
    SyncRound.Scope scope = unswept ? SyncRound.Scope.WHOLE : SyncRound.Scope.CHANGED;
    SyncRound next = new SyncRound(table, memory.demand, memory.maglev.round(), scope);
    List<String> services = next.needServices();
    when(
        maps.assign(Promises.Kind.SERVICE, services),
        ids -> {
          next.giveServices(ids);
          when(
              maps.assign(Promises.Kind.BACKEND, next.needBackends()),
              backends -> carryOut(next, next.finish(backends)));
        });
  }

  private void carryOut(SyncRound next, SyncRound.Outcome outcome) {
    refused.clear();
    Iterator<SyncRound.Step> steps = outcome.steps().iterator();
    if (outcome.addsFrontends() && !noted) {
      noted = true;
      when(maps.note(true), done -> carryOut(next, steps, () -> endRound(next, outcome)));
    } else {
      carryOut(next, steps, () -> endRound(next, outcome));
    }
  }

  private void carryOut(SyncRound next, Iterator<SyncRound.Step> steps, Runnable atTheEnd) {
    if (!steps.hasNext()) {
      atTheEnd.run();
      return;
    }
    SyncRound.Step step = steps.next();
    writes++;
    getContext().getLog().debug("syncing services: {}", step.name());
    when(
        maps.write(step.writes()),
        refusals -> {
          refusals.forEach(refusal -> refuse(next, refusal));
          carryOut(next, steps, atTheEnd);
        });
  }

  private void refuse(SyncRound next, ServiceMaps.Refusal refusal) {
    if (refusal instanceof ServiceMaps.Refusal.OfRange range) {
      table.ranges().remove(range.key());
      int bits = range.key().prefixlen() - Integer.SIZE;
      table
          .name(range.key().service())
          .ifPresent(
              name ->
                  refused.put(
                      name,
                      "source range %s/%d is shut out: %s"
                          .formatted(range.key().addr(), bits, range.reason())));
    } else if (refusal instanceof ServiceMaps.Refusal.OfFrontend frontend) {
      table.frontends().remove(frontend.key());
      refused.put(
          next.holder(frontend.key()),
          String.format("%s: %s", frontend.key().addr(), frontend.reason()));
    }
  }

  private void endRound(SyncRound next, SyncRound.Outcome outcome) {
    round++;
    table.rest(round);
    timers.startSingleTimer(new Rested(life, round), new Rested(life, round), options.quarantine());
    lastRound = Duration.ofNanos(System.nanoTime() - began);
    Duration longest = options.longestPause();
    Duration pause = lastRound.compareTo(longest) < 0 ? lastRound : longest;
    timers.startSingleTimer(PauseOver.class, new PauseOver(), pause);
    report(next);
    tellMaglev();
    unswept = false;
    memory.applied = true;
    if (noted) {
      noted = false;
      when(maps.note(false), done -> idle());
    } else {
      idle();
    }
  }

  private void report(SyncRound next) {
    Map<ServiceName, String> now = new TreeMap<>(refused);
    now.putAll(next.problems());
    now.forEach(
        (service, problem) -> {
          if (!problem.equals(problems.put(service, problem))) {
            getContext().getLog().warn("service {}: {}", service, problem);
          }
        });
    for (ServiceName service : next.looked()) {
      if (!now.containsKey(service) && problems.remove(service) != null) {
        getContext().getLog().info("service {}: no longer refused", service);
      }
    }
    if (!problems.isEmpty()) {
      timers.startSingleTimer(RetryRefused.class, new RetryRefused(), options.retry());
    }
  }

  private void retryRefused() {
    memory.demand.touch(problems.keySet());
    dirty |= !problems.isEmpty();
  }

  // Spans that have rested.

  private void zero(List<ServiceTable.Retired> due) {
    Writes zeroes = new Writes();
    due.forEach(span -> zeroes.removeBackends(span.family(), span.base(), span.count()));
    when(
        maps.write(zeroes),
        none -> {
          ServiceTable.Freed freed = table.free(due);
          // Room: what was refused for want of it gets another try.
          retryRefused();
          when(maps.release(freed), done -> idle());
        });
  }

  private Map<String, String> refusals() {
    Map<String, String> byText = new TreeMap<>();
    problems.forEach((service, problem) -> byText.put(service.text(), problem));
    return byText;
  }

  private Status status() {
    Map<Family, Integer> used = new EnumMap<>(Family.class);
    Map<Family, Integer> max = new EnumMap<>(Family.class);
    for (Family family : Family.values()) {
      used.put(family, table == null ? 0 : table.spans(family).used());
      max.put(family, table == null ? 0 : table.spans(family).size());
    }
    return new Status(
        memory.applied,
        memory.applied && !busy && !dirty && table != null && !table.anyResting(),
        table == null ? 0 : table.services().size(),
        table == null ? 0 : table.frontends().size(),
        used,
        max,
        refusals(),
        round,
        writes,
        lastRound);
  }
}
