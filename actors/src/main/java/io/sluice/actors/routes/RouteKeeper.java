// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.StashBuffer;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.pattern.StatusReply;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/**
 * Where addresses live, told to the kernel and to the programs: a kernel route for each address of
 * a local workload, and the maps routes4 and routes6, whose one source of truth this actor is.
 *
 * <p>It finds what an earlier agent left, keeps it until the source is in sync and {@link
 * WorkloadsKnown} names the local workloads, and then removes what is not wanted (AG-3). Routes
 * that the kernel takes away with a link that goes down come back with it. It blocks in the kernel:
 * spawn it on the kernel dispatcher.
 */
public final class RouteKeeper extends AbstractBehavior<RouteKeeper.Command> {
  /** What the keeper takes. */
  public sealed interface Command {}

  /** Leads the host's stack to a workload; replaces what the same interface had before. */
  public record PutKernel(
      String nic, int ifindex, Set<Ip> addresses, ActorRef<StatusReply<Done>> replyTo)
      implements Command {
    public PutKernel {
      addresses = Set.copyOf(addresses);
    }
  }

  /** Takes a workload's kernel routes away, and what was found of the interface. */
  public record RemoveKernel(String nic, int ifindex, ActorRef<StatusReply<Done>> replyTo)
      implements Command {}

  /**
   * Leads the programs to a workload; replaces what the same interface had before.
   *
   * @param replyTo gets whether the maps have changed
   */
  public record PutBpf(
      String nic, int ifindex, Set<Ip> addresses, ActorRef<StatusReply<Boolean>> replyTo)
      implements Command {
    public PutBpf {
      addresses = Set.copyOf(addresses);
    }
  }

  /** Takes a workload's entries out of the maps, and what was found of the interface. */
  public record RemoveBpf(String nic, int ifindex, ActorRef<StatusReply<Boolean>> replyTo)
      implements Command {}

  /** What the resources say now. */
  public record Update(ClusterRoutes cluster) implements Command {}

  /**
   * The source is in sync and these are the addresses of all local workloads: whatever else was
   * found may go.
   */
  public record WorkloadsKnown(Set<Ip> addresses) implements Command {
    public WorkloadsKnown {
      addresses = Set.copyOf(addresses);
    }
  }

  /** Links or addresses of the host have changed, or may have. */
  public record Refresh() implements Command {}

  private record Adopted(Family family, Map<RouteKey, Route> entries) implements Command {}

  private record Finished(
      StatusReply<Boolean> result, Optional<ActorRef<StatusReply<Boolean>>> replyTo)
      implements Command {}

  private record Failed(Throwable cause) implements Command {}

  private static final Duration MAP_TIMEOUT = Duration.ofSeconds(30);
  private static final int STASH = 16384;
  private static final Duration REFRESH_INTERVAL = Duration.ofSeconds(30);

  private final Map<Family, ActorRef<MapActor.Command<RouteKey, Route>>> maps;
  private final KernelRoutes kernel;
  private final BpfRoutes bpf = new BpfRoutes();
  private final Map<Family, Map<RouteKey, Route>> told = new EnumMap<>(Family.class);
  private final StashBuffer<Command> stash;
  private final HostNet net;
  private final Memory memory;
  private boolean clusterKnown;

  /** What outlives a restart: what others have asked for. */
  private static final class Memory {
    private final Map<String, Workload> kernel = new HashMap<>();
    private final Map<String, Workload> bpf = new HashMap<>();
    private Optional<ClusterRoutes> cluster = Optional.empty();
    private Optional<Set<Ip>> workloads = Optional.empty();
  }

  /**
   * @param routes4 the writer of routes4
   * @param routes6 the writer of routes6; neither may sweep
   */
  public static Behavior<Command> create(
      HostNet net,
      ActorRef<MapActor.Command<RouteKey, Route>> routes4,
      ActorRef<MapActor.Command<RouteKey, Route>> routes6) {
    Memory memory = new Memory();
    return Behaviors.<Command>supervise(
            Restarts.counted(
                "routes",
                Behaviors.setup(
                    context ->
                        Behaviors.withTimers(
                            timers ->
                                Behaviors.withStash(
                                    STASH,
                                    stash ->
                                        new RouteKeeper(
                                            context,
                                            timers,
                                            stash,
                                            net,
                                            Map.of(Family.IPV4, routes4, Family.IPV6, routes6),
                                            memory))))))
        .onFailure(
            SupervisorStrategy.restartWithBackoff(
                Duration.ofMillis(200), Duration.ofSeconds(30), 0.2));
  }

  private RouteKeeper(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      StashBuffer<Command> stash,
      HostNet net,
      Map<Family, ActorRef<MapActor.Command<RouteKey, Route>>> maps,
      Memory memory) {
    super(context);
    this.stash = stash;
    this.net = net;
    this.maps = maps;
    this.memory = memory;
    this.kernel = new KernelRoutes(net, context.getLog());
    for (Family family : Family.values()) {
      adopt(family);
    }
    memory.kernel.forEach(kernel::want);
    timers.startTimerWithFixedDelay(Refresh.class, new Refresh(), REFRESH_INTERVAL);
  }

  private void adopt(Family family) {
    CompletionStage<MapActor.Contents<RouteKey, Route>> found =
        AskPattern.ask(
            maps.get(family),
            MapActor.Read::new,
            MAP_TIMEOUT,
            getContext().getSystem().scheduler());
    getContext()
        .pipeToSelf(
            found,
            (contents, failed) ->
                failed == null ? new Adopted(family, contents.entries()) : new Failed(failed));
  }

  /** Until the maps are read; everything else waits. */
  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Adopted.class, this::adopted)
        .onMessage(
            Failed.class,
            failed -> {
              throw new IllegalStateException("routes cannot be read", failed.cause());
            })
        .onAnyMessage(
            message -> {
              stash.stash(message);
              return Behaviors.same();
            })
        .build();
  }

  /** Its messages must not return {@code this}, for that is the behavior before. */
  private Receive<Command> ready() {
    return newReceiveBuilder()
        .onMessage(PutKernel.class, this::putKernel)
        .onMessage(RemoveKernel.class, this::removeKernel)
        .onMessage(PutBpf.class, this::putBpf)
        .onMessage(RemoveBpf.class, this::removeBpf)
        .onMessage(Update.class, this::update)
        .onMessage(WorkloadsKnown.class, this::workloadsKnown)
        .onMessage(Refresh.class, refresh -> refresh())
        .onMessage(Finished.class, this::finished)
        .build();
  }

  private Behavior<Command> putKernel(PutKernel put) {
    Workload workload = new Workload(put.ifindex(), put.addresses());
    memory.kernel.put(put.nic(), workload);
    answer(put.replyTo(), () -> kernel.put(put.nic(), workload));
    return Behaviors.same();
  }

  private Behavior<Command> removeKernel(RemoveKernel remove) {
    memory.kernel.remove(remove.nic(), remove.ifindex());
    answer(remove.replyTo(), () -> kernel.remove(remove.nic(), remove.ifindex()));
    return Behaviors.same();
  }

  private static void answer(ActorRef<StatusReply<Done>> replyTo, Runnable work) {
    try {
      work.run();
      replyTo.tell(StatusReply.ack());
    } catch (RuntimeException e) {
      replyTo.tell(StatusReply.error(e.getMessage()));
    }
  }

  private Behavior<Command> putBpf(PutBpf put) {
    Workload workload = new Workload(put.ifindex(), put.addresses());
    memory.bpf.put(put.nic(), workload);
    bpf.put(put.nic(), workload);
    write(Optional.of(put.replyTo()));
    return Behaviors.same();
  }

  private Behavior<Command> removeBpf(RemoveBpf remove) {
    memory.bpf.remove(remove.nic(), remove.ifindex());
    bpf.remove(remove.nic(), remove.ifindex());
    write(Optional.of(remove.replyTo()));
    return Behaviors.same();
  }

  private Behavior<Command> update(Update update) {
    memory.cluster = Optional.of(update.cluster());
    useCluster();
    write(Optional.empty());
    return Behaviors.same();
  }

  private void useCluster() {
    memory.cluster.ifPresent(
        cluster -> {
          clusterKnown = true;
          bpf.cluster(cluster);
          kernel.sources(cluster.ownAddresses());
        });
  }

  private Behavior<Command> workloadsKnown(WorkloadsKnown known) {
    memory.workloads = Optional.of(known.addresses());
    sweep();
    return Behaviors.same();
  }

  /** Drops what was found and nobody claimed, once everybody could. */
  private void sweep() {
    if (memory.workloads.isPresent() && clusterKnown) {
      kernel.sweep(memory.workloads.get());
      bpf.sweep(memory.workloads.get());
      write(Optional.empty());
    }
  }

  private Behavior<Command> refresh() {
    bpf.localHosts(net.addresses());
    kernel.refresh();
    sweep();
    write(Optional.empty());
    return Behaviors.same();
  }

  private Behavior<Command> adopted(Adopted found) {
    told.put(found.family(), found.entries());
    bpf.adopt(found.entries());
    if (told.size() < Family.values().length) {
      return Behaviors.same();
    }
    memory.bpf.forEach(bpf::put);
    bpf.localHosts(net.addresses());
    useCluster();
    kernel.refresh();
    sweep();
    write(Optional.empty());
    return stash.unstashAll(ready());
  }

  /** Tells the maps' writers what has changed since they were told last. */
  private void write(Optional<ActorRef<StatusReply<Boolean>>> replyTo) {
    List<CompletionStage<Void>> writes = new ArrayList<>();
    for (Family family : Family.values()) {
      Map<RouteKey, Route> want = bpf.wanted(family);
      Map<RouteKey, Route> before = told.put(family, want);
      Map<RouteKey, Route> puts = new HashMap<>(want);
      puts.entrySet().removeIf(entry -> entry.getValue().equals(before.get(entry.getKey())));
      Set<RouteKey> removes = new HashSet<>(before.keySet());
      removes.removeAll(want.keySet());
      if (!puts.isEmpty() || !removes.isEmpty()) {
        writes.add(ask(family, puts, removes));
      }
    }
    if (writes.isEmpty()) {
      replyTo.ifPresent(ref -> ref.tell(StatusReply.success(false)));
      return;
    }
    CompletionStage<Void> all = writes.get(0);
    for (CompletionStage<Void> write : writes.subList(1, writes.size())) {
      all = all.thenCombine(write, (one, other) -> other);
    }
    getContext()
        .pipeToSelf(
            all,
            (done, failed) ->
                new Finished(
                    failed == null
                        ? StatusReply.success(true)
                        : StatusReply.error(String.valueOf(failed.getMessage())),
                    replyTo));
  }

  private CompletionStage<Void> ask(
      Family family, Map<RouteKey, Route> puts, Set<RouteKey> removes) {
    CompletionStage<MapActor.Result<RouteKey>> reply =
        AskPattern.ask(
            maps.get(family),
            ref -> new MapActor.Update<>(puts, removes, ref),
            MAP_TIMEOUT,
            getContext().getSystem().scheduler());
    return reply.thenAccept(
        result -> {
          if (result instanceof MapActor.Refused<RouteKey> refused) {
            throw new IllegalStateException(refused.reason());
          }
        });
  }

  private Behavior<Command> finished(Finished finished) {
    if (finished.replyTo().isPresent()) {
      finished.replyTo().get().tell(finished.result());
    } else if (finished.result().isError()) {
      getContext().getLog().warn("routes: {}", finished.result().getError().getMessage());
    }
    return Behaviors.same();
  }
}
