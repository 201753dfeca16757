// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.StashBuffer;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.InterfaceActor.State;
import io.sluice.actors.interfaces.InterfaceActor.StateChanged;
import io.sluice.actors.interfaces.InterfaceActor.Target;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.routes.ClusterRoutes;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.supervision.Restarts;
import io.sluice.actors.tables.TablesKeeper;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Link;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/**
 * Brings the workloads that the source knows, and the host endpoints that the settings name,
 * together with the interfaces that the kernel has: one {@link InterfaceActor} for each, told what
 * it is to become whenever either side changes.
 *
 * <p>It first prepares the host, finds what an earlier agent left, and has the tables put up with
 * what is ready already, so that no packet of a ready workload is lost; only then it attaches
 * anything. Interfaces are looked at whole after any hint of a change, so no lost event matters.
 */
public final class InterfaceManager extends AbstractBehavior<InterfaceManager.Command> {
  /** What the manager takes. */
  public sealed interface Command {}

  /** The source has a new view. */
  public record SourceChanged(Snapshot snapshot, InterfaceSettings settings) implements Command {}

  /** Asks for the state of all interfaces. */
  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  private record Began(LiveInterfaceHost.Found found, Sight sight) implements Command {}

  private record Hint() implements Command {}

  private record Look() implements Command {}

  private record RefreshRoutes() implements Command {}

  private record Seen(Sight sight) implements Command {}

  private record Policed(HostPolicies policies) implements Command {}

  /** What the kernel shows. */
  private record Sight(List<Link> links, List<HostNet.HostAddress> addresses) {
    static Sight of(HostNet net) {
      return new Sight(net.links(), net.addresses());
    }
  }

  private record Check() implements Command {}

  private record Checked(List<String> written) implements Command {}

  private record Failed(String what, Throwable cause) implements Command {}

  private record Changed(StateChanged change) implements Command {}

  /**
   * @param begun whether the host is prepared and the tables are up
   * @param settled whether the source is in sync, every workload whose interface is there and up is
   *     ready, and so is every host endpoint: nothing that could be done is left to do
   * @param interfaces in the order of their names
   * @param refusals workloads and host endpoints that are not set up, a line each
   */
  public record Status(
      boolean begun, boolean settled, List<InterfaceStatus> interfaces, List<String> refusals) {}

  /**
   * @param endpoint what it is for; empty for an interface that nobody claims
   * @param ifindex 0 if there is no such interface
   * @param detail why it is not ready; empty if it is
   */
  public record InterfaceStatus(
      String nic, Optional<Endpoint> endpoint, int ifindex, State state, String detail) {
    /** Who lives behind it; empty for a host endpoint, or if nobody claims it. */
    public Optional<Workload> workload() {
      return endpoint.filter(Workload.class::isInstance).map(Workload.class::cast);
    }
  }

  private static final Duration HINT_DELAY = Duration.ofMillis(20);

  /** Address changes come in hundreds while interfaces are set up: look at them together. */
  private static final Duration REFRESH_DELAY = Duration.ofMillis(500);

  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int STASH = 1000;
  private static final int READY = IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6;

  private final TimerScheduler<Command> timers;
  private final StashBuffer<Command> stash;
  private final String nodeName;
  private final HostNet net;
  private final LiveInterfaceHost host;
  private final LiveInterfaceHost.Owners owners;
  private final Executor kernel;
  private final ActorRef<StateChanged> listener;
  private final Memory memory;
  private final Map<String, ActorRef<InterfaceActor.Command>> actors = new HashMap<>();
  private final Map<String, Target> told = new HashMap<>();
  private final Map<String, StateChanged> states = new TreeMap<>();
  private Sight sight = new Sight(List.of(), List.of());
  private Map<String, Nic> nics = Map.of();
  private HostPolicies policed = HostPolicies.UNKNOWN;
  private PolicyView policyView;
  private boolean looking;
  private boolean lookAgain;
  private AutoCloseable watch = () -> {};

  /** What policy was told. Snapshots are compared by identity. */
  private record PolicyView(
      Snapshot snapshot, Workloads workloads, SortedMap<String, Set<Ip>> hosts) {
    @Override
    public boolean equals(Object other) {
      return other instanceof PolicyView view
          && snapshot == view.snapshot
          && workloads == view.workloads
          && hosts.equals(view.hosts);
    }

    @Override
    public int hashCode() {
      return hosts.hashCode();
    }
  }

  /** What outlives a restart. */
  private static final class Memory {
    private final InterfaceSettings initial;
    private Optional<SourceChanged> view = Optional.empty();
    private Workloads workloads = Workloads.NONE;
    private HostEndpoints hostEndpoints = HostEndpoints.NONE;

    Memory(InterfaceSettings initial) {
      this.initial = initial;
    }
  }

  /**
   * @param nodeName this node, as the resources name it
   * @param settings those in force at the start; later ones come with {@link SourceChanged}
   * @param owners the same that {@code host} was made with
   */
  public static Behavior<Command> create(
      String nodeName,
      InterfaceSettings settings,
      HostNet net,
      LiveInterfaceHost host,
      LiveInterfaceHost.Owners owners) {
    Memory memory = new Memory(settings);
    Behavior<Command> manager =
        Restarts.counted(
            "interfaces",
            Behaviors.setup(
                context ->
                    Behaviors.withTimers(
                        timers ->
                            Behaviors.withStash(
                                STASH,
                                stash ->
                                    new InterfaceManager(
                                        context, timers, stash, nodeName, net, host, owners,
                                        memory)))));
    SupervisorStrategy again =
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(500), Duration.ofSeconds(30), 0.2);
    Behavior<Command> told =
        Behaviors.supervise(manager)
            .onFailure(ToldException.class, again.withLoggingEnabled(false));
    return Behaviors.supervise(told).onFailure(again);
  }

  /** A failure that people were told of already. */
  private static final class ToldException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ToldException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private InterfaceManager(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      StashBuffer<Command> stash,
      String nodeName,
      HostNet net,
      LiveInterfaceHost host,
      LiveInterfaceHost.Owners owners,
      Memory memory) {
    super(context);
    this.timers = timers;
    this.stash = stash;
    this.nodeName = nodeName;
    this.net = net;
    this.host = host;
    this.owners = owners;
    this.memory = memory;
    this.kernel =
        context
            .getSystem()
            .dispatchers()
            .lookup(DispatcherSelector.fromConfig(MapActor.KERNEL_DISPATCHER));
    this.listener = context.messageAdapter(StateChanged.class, Changed::new);
    context.pipeToSelf(
        begin(), (began, failed) -> failed == null ? began : new Failed("start", failed));
  }

  private CompletionStage<Command> begin() {
    InterfaceSettings settings = memory.initial;
    var scheduler = getContext().getSystem().scheduler();
    // An agent that died may have changed something and not said so: once, every flow looks again.
    return host.prepareHost(settings, List.of())
        .thenCompose(done -> host.bumpEpoch())
        .thenCompose(done -> host.found())
        .thenApplyAsync(found -> new Began(found, Sight.of(net)), kernel)
        .thenCompose(
            began -> {
              CompletionStage<Done> up =
                  AskPattern.askWithStatus(
                      owners.tables(),
                      ref -> new TablesKeeper.Begin(settings.prefixes(), readyAlready(began), ref),
                      TIMEOUT,
                      scheduler);
              return up.thenApply(done -> began);
            });
  }

  /**
   * Workload interfaces that are guarded: the element is about this very interface, and programs
   * are on it.
   */
  private static Map<Integer, String> readyAlready(Began began) {
    Map<Integer, String> ready = new HashMap<>();
    for (Link link : began.sight().links()) {
      Iface element = began.found().elements().get(link.index());
      if (element != null
          && element.name().equals(link.name())
          && (element.flags() & IfaceFlags.IFACE_WORKLOAD) != 0
          && (element.flags() & READY) != 0
          && began.found().attachments().containsKey(link.index())) {
        ready.put(link.index(), link.name());
      }
    }
    return ready;
  }

  /** Until the host is prepared; what the source says waits. */
  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Began.class, this::began)
        .onMessage(Failed.class, this::failed)
        .onMessage(
            GetStatus.class,
            get -> {
              get.replyTo().tell(new Status(false, false, List.of(), List.of()));
              return Behaviors.same();
            })
        .onAnyMessage(
            message -> {
              stash.stash(message);
              return Behaviors.same();
            })
        .build();
  }

  /** Its messages must not return {@code this}, for that is the behavior before. */
  private Receive<Command> working() {
    return newReceiveBuilder()
        .onMessage(SourceChanged.class, this::sourceChanged)
        .onMessage(Hint.class, this::hint)
        .onMessage(Look.class, look -> look())
        .onMessage(Seen.class, this::seen)
        .onMessage(Policed.class, this::policed)
        .onMessage(Check.class, check -> check())
        .onMessage(Checked.class, this::checked)
        .onMessage(RefreshRoutes.class, refresh -> refreshRoutes())
        .onMessage(Changed.class, changed -> stateChanged(changed.change()))
        .onMessage(GetStatus.class, this::status)
        .onMessage(Failed.class, this::failed)
        .onSignal(PreRestart.class, signal -> unwatch())
        .onSignal(PostStop.class, signal -> unwatch())
        .build();
  }

  private Behavior<Command> unwatch() throws Exception {
    watch.close();
    return Behaviors.same();
  }

  private Behavior<Command> failed(Failed failed) {
    Throwable cause =
        failed.cause().getCause() == null ? failed.cause() : failed.cause().getCause();
    String complaint = failed.what() + ": " + cause.getMessage();
    getContext().getLog().error("interfaces: {}; trying again", complaint);
    throw new ToldException(complaint, cause);
  }

  private Behavior<Command> began(Began began) {
    ActorRef<Command> self = getContext().getSelf();
    watch = net.watch(() -> self.tell(new Hint()));
    timers.startTimerWithFixedDelay("look", new Look(), LOOK_INTERVAL);
    timers.startTimerWithFixedDelay("check", new Check(), LOOK_INTERVAL);
    Set<String> found = new HashSet<>(began.found().promised());
    began.found().elements().values().stream()
        .filter(
            element -> (element.flags() & (IfaceFlags.IFACE_WORKLOAD | IfaceFlags.IFACE_HOST)) != 0)
        .forEach(element -> found.add(element.name()));
    began.found().attachments().values().forEach(attachment -> found.add(attachment.name()));
    found.remove(TunnelDevice.NAME); // has a keeper of its own
    found.forEach(this::actor);
    take(began.sight());
    owners.policies().subscribe(getContext().messageAdapter(HostPolicies.class, Policed::new));
    memory.view.ifPresent(this::sourceChanged);
    tellTargets();
    self.tell(new Look());
    return stash.unstashAll(working());
  }

  private ActorRef<InterfaceActor.Command> actor(String nic) {
    return actors.computeIfAbsent(
        nic,
        name -> {
          states.put(name, new StateChanged(name, State.DISCOVERED, ""));
          return getContext().spawn(InterfaceActor.create(name, host, listener), "if-" + name);
        });
  }

  private void take(Sight now) {
    Map<String, Nic> byName = new HashMap<>();
    now.links()
        .forEach(link -> byName.put(link.name(), new Nic(link.index(), link.name(), link.isUp())));
    sight = now;
    nics = byName;
  }

  private Behavior<Command> sourceChanged(SourceChanged change) {
    InterfaceSettings settings = inForce(change);
    if (!change.settings().prefixes().equals(memory.initial.prefixes())) {
      getContext().getLog().warn("interfacePrefix has changed: that needs a restart of the agent");
    }
    Workloads before = memory.workloads;
    Workloads now = Workloads.of(change.snapshot(), nodeName, settings, before);
    now.refusals().stream()
        .filter(line -> !before.refusals().contains(line))
        .forEach(line -> getContext().getLog().warn("refused: {}", line));
    memory.view = Optional.of(change);
    host.use(settings);
    memory.workloads = now;
    tellPolicies();
    // Before any interface asks for a route, so that each is written with its final flags.
    owners
        .routes()
        .tell(
            new RouteKeeper.Update(
                ClusterRoutes.of(change.snapshot(), nodeName, settings.anySource())));
    if (change.snapshot().inSync()) {
      owners.routes().tell(new RouteKeeper.WorkloadsKnown(now.addresses()));
    }
    tellInterfaces();
    return Behaviors.same();
  }

  private InterfaceSettings inForce(SourceChanged change) {
    return change.settings().withPrefixes(memory.initial.prefixes());
  }

  /**
   * Before the source is in sync, a setting may be missing that says otherwise: what is there stays
   * as it is, and nothing is added.
   */
  private void findHostEndpoints() {
    if (inSync()) {
      HostEndpoints before = memory.hostEndpoints;
      memory.hostEndpoints = HostEndpoints.of(sight.links(), inForce(memory.view.orElseThrow()));
      memory.hostEndpoints.refusals().stream()
          .filter(line -> !before.refusals().contains(line))
          .forEach(line -> getContext().getLog().warn("refused: {}", line));
    }
  }

  private Optional<Endpoint> endpoint(String nic) {
    Workload workload = memory.workloads.byNic().get(nic);
    return workload != null
        ? Optional.of(workload)
        : Optional.ofNullable(memory.hostEndpoints.byNic().get(nic))
            .map(
                endpoint ->
                    endpoint.withPolicy(policed.in(nic), policed.out(nic), policed.untracked(nic)));
  }

  private Behavior<Command> policed(Policed change) {
    policed = change.policies();
    tellTargets();
    return Behaviors.same();
  }

  /**
   * Before its targets are told: an interface is not ready before policy knows its workload; and
   * before all else, because policy of what is there already waits for nothing but this.
   */
  private void tellPolicies() {
    findHostEndpoints();
    memory.view.ifPresent(
        view -> {
          PolicyView now =
              new PolicyView(
                  view.snapshot(),
                  memory.workloads,
                  memory.hostEndpoints.addresses(sight.links(), sight.addresses()));
          if (!now.equals(policyView)) {
            policyView = now;
            owners.policies().view(now.snapshot(), now.workloads(), now.hosts());
          }
        });
  }

  private boolean inSync() {
    return memory.view.map(view -> view.snapshot().inSync()).orElse(false);
  }

  private void tellTargets() {
    tellPolicies();
    tellInterfaces();
  }

  private void tellInterfaces() {
    memory.workloads.byNic().keySet().forEach(this::actor);
    memory.hostEndpoints.byNic().keySet().forEach(this::actor);
    for (String nic : List.copyOf(actors.keySet())) {
      // What a host endpoint is to become is not known before policy is: until then it stays.
      boolean isHost = memory.hostEndpoints.byNic().containsKey(nic);
      if (!isHost || policed.knows(nic)) {
        Target target = new Target(endpoint(nic), Optional.ofNullable(nics.get(nic)), inSync());
        if (!target.equals(told.put(nic, target))) {
          actors.get(nic).tell(target);
        }
      }
    }
  }

  private Behavior<Command> hint(Hint hint) {
    if (!timers.isTimerActive(Hint.class)) {
      timers.startSingleTimer(Hint.class, new Look(), HINT_DELAY);
    }
    return Behaviors.same();
  }

  private Behavior<Command> look() {
    lookAgain = looking;
    if (!looking) {
      looking = true;
      getContext()
          .pipeToSelf(
              CompletableFuture.supplyAsync(() -> Sight.of(net), kernel),
              (seen, failed) -> failed == null ? new Seen(seen) : new Failed("links", failed));
    }
    return Behaviors.same();
  }

  private Behavior<Command> seen(Seen seen) {
    looking = false;
    Map<String, Nic> before = nics;
    take(seen.sight());
    if (!nics.equals(before)) {
      refreshRoutes();
    } else if (!timers.isTimerActive(RefreshRoutes.class)) {
      timers.startSingleTimer(RefreshRoutes.class, new RefreshRoutes(), REFRESH_DELAY);
    }
    tellTargets();
    return lookAgain ? look() : Behaviors.same();
  }

  /** Others set sysctls, too, at any time. */
  private Behavior<Command> check() {
    if (inSync()) {
      List<Nic> hosts =
          memory.hostEndpoints.byNic().keySet().stream()
              .filter(nic -> states.get(nic).state() == State.READY && nics.containsKey(nic))
              .map(nics::get)
              .toList();
      getContext()
          .pipeToSelf(
              host.prepareHost(inForce(memory.view.orElseThrow()), hosts),
              (written, failed) ->
                  failed == null ? new Checked(written) : new Failed("host settings", failed));
    }
    return Behaviors.same();
  }

  private Behavior<Command> checked(Checked checked) {
    checked
        .written()
        .forEach(
            key -> getContext().getLog().warn("{} was changed by somebody else: set again", key));
    return Behaviors.same();
  }

  private Behavior<Command> refreshRoutes() {
    owners.routes().tell(new RouteKeeper.Refresh());
    return Behaviors.same();
  }

  private Behavior<Command> stateChanged(StateChanged change) {
    String nic = change.nic();
    StateChanged before = states.put(nic, change);
    Optional<Endpoint> endpoint = endpoint(nic);
    if (change.state() == State.GONE && endpoint.isEmpty()) {
      getContext().stop(actors.remove(nic));
      told.remove(nic);
      states.remove(nic);
    } else if (change.state() == State.DISCOVERED
        && endpoint.isPresent()
        && !nics.containsKey(nic)
        && (before == null || !before.equals(change))) {
      getContext()
          .getLog()
          .warn(
              "interface {}{} does not exist: it is set up when it appears",
              nic,
              endpoint.get().ofWhom());
    }
    return Behaviors.same();
  }

  private Behavior<Command> status(GetStatus get) {
    List<InterfaceStatus> all = new ArrayList<>();
    boolean settled = inSync();
    for (StateChanged state : states.values()) {
      Nic nic = nics.get(state.nic());
      Optional<Endpoint> endpoint = endpoint(state.nic());
      all.add(
          new InterfaceStatus(
              state.nic(), endpoint, nic == null ? 0 : nic.index(), state.state(), state.detail()));
      boolean waits = endpoint.isPresent() && (nic == null || !nic.up());
      settled &= waits || endpoint.isPresent() && state.state() == State.READY;
    }
    settled &= states.keySet().containsAll(memory.hostEndpoints.byNic().keySet());
    List<String> refusals = new ArrayList<>(memory.workloads.refusals());
    refusals.addAll(memory.hostEndpoints.refusals());
    get.replyTo().tell(new Status(true, settled, all, refusals));
    return Behaviors.same();
  }
}
