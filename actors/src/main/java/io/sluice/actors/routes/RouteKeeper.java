// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.StashBuffer;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.pattern.StatusReply;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/**
 * Where addresses live, told to the kernel and to the programs: a kernel route for each address of
 * a local workload and for each pod network of another node that takes one ({@link Ways}), and the
 * maps routes4 and routes6, whose one source of truth this actor is; likewise node_sources4 and
 * node_sources6, what other nodes' pods may send from besides. No route leads there.
 *
 * <p>What leads through the tunnel is held back until the tunnel is there, and the tunnel until
 * nothing leads through it any more.
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

  /**
   * Tells what is needed of the tunnel, now and whenever that changes: that there is no overlay, or
   * no need at all, only when nothing leads into it any more and the source is in sync.
   */
  public record SubscribeTunnel(ActorRef<TunnelNeed> listener) implements Command {}

  /** The tunnel is ready to be used; empty: it is not there any more. */
  public record TunnelIs(Optional<Tunnel> tunnel) implements Command {}

  /**
   * @param ifindex of its device
   * @param sources what this host sends from through it; for a family without, from its own address
   */
  public record Tunnel(int ifindex, Map<Family, Ip> sources) {
    public Tunnel {
      sources = Map.copyOf(sources);
    }
  }

  /** Asks how other nodes are reached. */
  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  /**
   * @param nodes that have pods, by the way to them
   * @param problems what keeps pods from being reached, a line each
   */
  public record Status(Map<Ways.Way, Integer> nodes, List<String> problems) {
    public Status {
      nodes = Map.copyOf(nodes);
      problems = List.copyOf(problems);
    }
  }

  private record Adopted(Family family, Map<RouteKey, Route> entries, Set<NodeSourceKey> sources)
      implements Command {}

  private record SourcesWritten(List<MapActor.Result<NodeSourceKey>> results) implements Command {}

  private record Finished(
      StatusReply<Boolean> result, Optional<ActorRef<StatusReply<Boolean>>> replyTo)
      implements Command {}

  private record Failed(Throwable cause) implements Command {}

  private static final int STASH = 16384;
  private static final Duration REFRESH_INTERVAL = Duration.ofSeconds(30);

  /**
   * The maps' writers, none of which may sweep.
   *
   * @param routes of routes4 and routes6
   * @param sources of node_sources4 and node_sources6
   */
  public record Writers(
      Map<Family, ActorRef<MapActor.Command<RouteKey, Route>>> routes,
      Map<Family, ActorRef<MapActor.Command<NodeSourceKey, Integer>>> sources) {
    public Writers {
      routes = Map.copyOf(routes);
      sources = Map.copyOf(sources);
    }

    public static Writers of(MapManager.Writers all) {
      return new Writers(
          Map.of(Family.IPV4, all.routes4(), Family.IPV6, all.routes6()),
          Map.of(Family.IPV4, all.nodeSources4(), Family.IPV6, all.nodeSources6()));
    }
  }

  private final RouteMaps maps;
  private final SourceMaps sources;
  private final KernelRoutes kernel;
  private final BpfRoutes bpf = new BpfRoutes();
  private final StashBuffer<Command> stash;
  private final HostNet net;
  private final Memory memory;
  private List<HostNet.HostAddress> addresses = List.of();
  private Ways ways = Ways.NONE;
  private boolean clusterKnown;
  private boolean swept;
  private int writing;

  /** What outlives a restart: what others have asked for. */
  private static final class Memory {
    private final Map<String, Workload> kernel = new HashMap<>();
    private final Map<String, Workload> bpf = new HashMap<>();
    private Optional<ClusterRoutes> cluster = Optional.empty();
    private Optional<Set<Ip>> workloads = Optional.empty();
    private Optional<Tunnel> tunnel = Optional.empty();
    private Optional<ActorRef<TunnelNeed>> listener = Optional.empty();
    private Optional<TunnelNeed> needTold = Optional.empty();
  }

  /**
   * @param node what all flows look at
   */
  public static Behavior<Command> create(HostNet net, NodeElement node, Writers writers) {
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
                                            new RouteMaps(
                                                context.getSystem(), node, writers.routes()),
                                            new SourceMaps(
                                                context.getSystem(), node, writers.sources()),
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
      RouteMaps maps,
      SourceMaps sources,
      Memory memory) {
    super(context);
    this.sources = sources;
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
    getContext()
        .pipeToSelf(
            maps.read(family)
                .thenCombine(
                    sources.read(family),
                    (entries, allowed) -> new Adopted(family, entries, allowed)),
            (adopted, failed) -> failed == null ? adopted : new Failed(failed));
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
        .onMessage(SubscribeTunnel.class, this::subscribe)
        .onMessage(TunnelIs.class, this::tunnelIs)
        .onMessage(GetStatus.class, this::status)
        .onMessage(Finished.class, this::finished)
        .onMessage(SourcesWritten.class, this::sourcesWritten)
        .onMessage(Failed.class, this::sourcesFailed)
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

  /** Most views of the source are about something else: then nothing is read or written. */
  private Behavior<Command> update(Update update) {
    Optional<ClusterRoutes> cluster = Optional.of(update.cluster());
    if (!clusterKnown || !cluster.equals(memory.cluster)) {
      memory.cluster = cluster;
      useCluster();
      write(Optional.empty());
    }
    return Behaviors.same();
  }

  private void useCluster() {
    memory.cluster.ifPresent(
        cluster -> {
          clusterKnown = true;
          kernel.sources(cluster.ownAddresses());
          chooseWays();
        });
  }

  /** From here on it is known how each network is to be reached; the tunnel is asked for first. */
  private void chooseWays() {
    ClusterRoutes cluster = memory.cluster.orElse(ClusterRoutes.EMPTY);
    ways = Ways.of(cluster, addresses);
    bpf.cluster(cluster, ways);
    kernel.remotes(
        remoteRoutes(), memory.tunnel.isPresent() ? Set.of() : ways.nets(Ways.Way.TUNNEL));
    if (clusterKnown) {
      maps.own(ways.own());
    }
    TunnelNeed need = ways.need(cluster);
    if (!need.overlay().isEmpty()) {
      tellNeed(need);
    }
  }

  private Map<RouteKey, HostNet.HostRoute> remoteRoutes() {
    Map<RouteKey, HostNet.HostRoute> routes = new HashMap<>();
    for (Ways.Path path : ways.paths()) {
      RouteKey to = path.remote().net();
      if (path.way() == Ways.Way.DIRECT) {
        routes.put(
            to,
            new HostNet.HostRoute(
                to.addr(),
                to.prefixlen(),
                path.ifindex(),
                path.remote().nextHop(),
                Optional.empty()));
      } else if (path.way() == Ways.Way.TUNNEL && memory.tunnel.isPresent()) {
        Tunnel tunnel = memory.tunnel.get();
        Optional<Ip> source = Optional.ofNullable(tunnel.sources().get(to.addr().family()));
        routes.put(to, new HostNet.HostRoute(to.addr(), to.prefixlen(), tunnel.ifindex(), source));
      }
    }
    return routes;
  }

  private void tellNeed(TunnelNeed need) {
    if (memory.listener.isPresent() && !memory.needTold.equals(Optional.of(need))) {
      memory.needTold = Optional.of(need);
      memory.listener.get().tell(need);
    }
  }

  /**
   * Once all is known and written: nothing leads into an overlay that is not needed, so it may go.
   */
  private void settled() {
    if (swept && writing == 0) {
      tellNeed(ways.need(memory.cluster.orElse(ClusterRoutes.EMPTY)));
    }
  }

  private Behavior<Command> subscribe(SubscribeTunnel subscribe) {
    memory.listener = Optional.of(subscribe.listener());
    memory.needTold = Optional.empty();
    chooseWays();
    write(Optional.empty());
    return Behaviors.same();
  }

  private Behavior<Command> tunnelIs(TunnelIs now) {
    if (!memory.tunnel.equals(now.tunnel())) {
      memory.tunnel = now.tunnel();
      kernel.refresh();
      chooseWays();
      write(Optional.empty());
    }
    return Behaviors.same();
  }

  private Behavior<Command> status(GetStatus get) {
    List<String> problems = new ArrayList<>();
    memory.cluster.ifPresent(cluster -> problems.addAll(cluster.problems()));
    problems.addAll(ways.problems());
    problems.addAll(kernel.problems());
    problems.addAll(sources.problems());
    get.replyTo().tell(new Status(ways.nodes(), problems));
    return Behaviors.same();
  }

  private Behavior<Command> workloadsKnown(WorkloadsKnown known) {
    Optional<Set<Ip>> workloads = Optional.of(known.addresses());
    if (!swept || !workloads.equals(memory.workloads)) {
      memory.workloads = workloads;
      sweep();
    }
    return Behaviors.same();
  }

  /** Drops what was found and nobody claimed, once everybody could. */
  private void sweep() {
    if (memory.workloads.isPresent() && clusterKnown) {
      kernel.sweep(memory.workloads.get());
      bpf.sweep(memory.workloads.get());
      swept = true;
      write(Optional.empty());
    }
  }

  private Behavior<Command> refresh() {
    look();
    chooseWays();
    sweep();
    write(Optional.empty());
    return Behaviors.same();
  }

  private void look() {
    addresses = net.addresses();
    bpf.localHosts(addresses);
    kernel.refresh();
  }

  private Behavior<Command> adopted(Adopted found) {
    bpf.adopt(found.entries());
    sources.found(found.sources());
    if (!maps.found(found.family(), found.entries())) {
      return Behaviors.same();
    }
    memory.bpf.forEach(bpf::put);
    look();
    useCluster();
    sweep();
    write(Optional.empty());
    return stash.unstashAll(ready());
  }

  private Behavior<Command> sourcesWritten(SourcesWritten written) {
    sources.wrote(written.results());
    return Behaviors.same();
  }

  private Behavior<Command> sourcesFailed(Failed failed) {
    getContext().getLog().warn("allowed sources of other nodes", failed.cause());
    return Behaviors.same();
  }

  private void writeSources() {
    Set<NodeSourceKey> wanted = memory.cluster.orElse(ClusterRoutes.EMPTY).sources();
    sources
        .write(wanted, swept)
        .ifPresent(
            written ->
                getContext()
                    .pipeToSelf(
                        written,
                        (results, failed) ->
                            failed == null ? new SourcesWritten(results) : new Failed(failed)));
  }

  /** Tells the maps' writers what has changed since they were told last. */
  private void write(Optional<ActorRef<StatusReply<Boolean>>> replyTo) {
    writeSources();
    Map<Family, Map<RouteKey, Route>> wanted = new EnumMap<>(Family.class);
    for (Family family : Family.values()) {
      wanted.put(family, bpf.wanted(family, memory.tunnel.isPresent(), maps.told(family)));
    }
    Optional<CompletionStage<Void>> written = maps.write(wanted);
    if (written.isEmpty()) {
      replyTo.ifPresent(ref -> ref.tell(StatusReply.success(false)));
      settled();
      return;
    }
    writing++;
    getContext()
        .pipeToSelf(
            written.get(),
            (done, failed) ->
                new Finished(
                    failed == null
                        ? StatusReply.success(true)
                        : StatusReply.error(String.valueOf(failed.getMessage())),
                    replyTo));
  }

  private Behavior<Command> finished(Finished finished) {
    writing--;
    if (finished.replyTo().isPresent()) {
      finished.replyTo().get().tell(finished.result());
    } else if (finished.result().isError()) {
      getContext().getLog().warn("routes: {}", finished.result().getError().getMessage());
    }
    if (finished.result().isSuccess()) {
      settled();
    }
    return Behaviors.same();
  }
}
