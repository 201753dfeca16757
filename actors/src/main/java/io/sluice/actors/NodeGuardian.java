// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.japi.function.Function;
import io.sluice.actors.affinity.AffinityKeeper;
import io.sluice.actors.conntrack.ConntrackKeeper;
import io.sluice.actors.conntrack.KernelTimeouts;
import io.sluice.actors.dsr.OptOutKeeper;
import io.sluice.actors.dsr.OptOuts;
import io.sluice.actors.health.HealthKeeper;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.Sysctls;
import io.sluice.actors.interfaces.InterfaceManager;
import io.sluice.actors.interfaces.InterfaceSettings;
import io.sluice.actors.interfaces.LiveInterfaceHost;
import io.sluice.actors.interfaces.PromisedSlots;
import io.sluice.actors.limits.LimitMaps;
import io.sluice.actors.maglev.MaglevKeeper;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.policy.ManagedPolicies;
import io.sluice.actors.policy.PolicyCalculator;
import io.sluice.actors.policy.PolicyManager;
import io.sluice.actors.policy.PolicySettings;
import io.sluice.actors.promises.Promises;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.services.MaglevLimits;
import io.sluice.actors.services.ServiceManager;
import io.sluice.actors.services.ServiceSyncer;
import io.sluice.actors.tables.Nftables;
import io.sluice.actors.tables.Strangers;
import io.sluice.actors.tables.TablesKeeper;
import io.sluice.actors.tunnel.TunnelKeeper;
import io.sluice.actors.tunnel.TunnelSettings;
import io.sluice.cluster.shared.Follower;
import io.sluice.cluster.tables.SharedTables;
import io.sluice.config.model.Problem;
import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Settings;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.policy.PolicyGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * The node: starts the keepers, hands each view of the source to those whom it concerns, and says
 * how they are.
 *
 * <p>Every keeper is its own supervisor: it restarts with back-off and reads the kernel again. One
 * that ends for good ends the guardian, and with it the agent, whose dataplane goes on forwarding
 * until the agent is started again (AG-1).
 */
public final class NodeGuardian extends AbstractBehavior<NodeGuardian.Command> {
  /** What the guardian takes. */
  public sealed interface Command {}

  /** Starts the keepers; until then nothing is read or written. */
  public record Begin() implements Command {}

  /** The source's view has changed. */
  public record SourceChanged(Snapshot snapshot) implements Command {}

  /** The tables that nodes share have begun to come, or, by nothing, ended to. */
  public record SharedTablesChanged(Optional<SharedTables.Followers> followers)
      implements Command {}

  /** Asks which node runs which generation of which Maglev table. */
  public record GetMaglevNodes(ActorRef<Follower.Views> replyTo) implements Command {}

  /** Asks whether anybody is there. */
  public record Ping(ActorRef<Pong> replyTo) implements Command {}

  /** Somebody is. */
  public record Pong() {}

  /** Asks all keepers how they are. */
  public record GetStatus(ActorRef<NodeStatus> replyTo) implements Command {}

  /** Asks which service has which ID. */
  public record GetServiceIds(ActorRef<Promises.Held> replyTo) implements Command {}

  /** Asks which policy the node enforces. */
  public record GetPolicy(ActorRef<PolicyManager.Running> replyTo) implements Command {}

  private record Writers(MapManager.Writers writers) implements Command {}

  private record Look() implements Command {}

  private record Looked(NodeStatus status) implements Command {}

  /** Turns resources into the settings that they put into force on this node. */
  @FunctionalInterface
  public interface SettingsOf {
    Settings of(Snapshot snapshot);
  }

  /**
   * What a node works with; all of it is the caller's to close.
   *
   * @param nodeName this node, as the resources name it
   * @param settings what the source's resources and the agent's own configuration make
   * @param started the settings that the dataplane was opened with
   * @param policySlots how many slots for policy programs there are, the reserved one included
   */
  public record Node(
      String nodeName,
      SettingsOf settings,
      Settings started,
      Dataplane dataplane,
      int policySlots,
      HostNet net,
      HostSettings hostSettings,
      Sysctls sysctls,
      Nftables nftables) {}

  private static final Duration ANSWER = Duration.ofSeconds(3);

  /**
   * How often the guardian itself asks whether the node is ready, to log it: at first, and then.
   */
  private static final Duration FIRST_LOOKS = Duration.ofMillis(500);

  private static final Duration LATER_LOOKS = Duration.ofSeconds(10);

  private record Keepers(
      MapManager.Writers writers,
      ActorRef<Promises.Command> promises,
      ActorRef<TablesKeeper.Command> tables,
      ActorRef<RouteKeeper.Command> routes,
      ActorRef<TunnelKeeper.Command> tunnel,
      ActorRef<ConntrackKeeper.Command> conntrack,
      ActorRef<AffinityKeeper.Command> affinity,
      ActorRef<PolicyManager.Command> policy,
      ActorRef<InterfaceManager.Command> interfaces,
      ActorRef<ServiceManager.Command> services,
      ActorRef<MaglevKeeper.Command> maglev,
      ActorRef<OptOutKeeper.Command> optOuts,
      ActorRef<HealthKeeper.Command> health) {}

  private final TimerScheduler<Command> timers;
  private final Node node;
  private Snapshot snapshot = Snapshot.EMPTY;
  private Instant changed = Instant.EPOCH;
  private Settings settings;
  private Optional<Keepers> keepers = Optional.empty();
  private Optional<SharedTables.Followers> followers = Optional.empty();
  private List<String> reasonsTold = List.of("the agent is starting");

  /** A guardian that waits for {@link Begin}. */
  public static Behavior<Command> create(Node node) {
    return Behaviors.setup(
        context -> Behaviors.withTimers(timers -> new NodeGuardian(context, timers, node)));
  }

  private NodeGuardian(ActorContext<Command> context, TimerScheduler<Command> timers, Node node) {
    super(context);
    this.timers = timers;
    this.node = node;
    this.settings = node.started();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Begin.class, begin -> begin())
        .onMessage(Writers.class, found -> start(found.writers()))
        .onMessage(SourceChanged.class, this::sourceChanged)
        .onMessage(
            Ping.class,
            ping -> {
              ping.replyTo().tell(new Pong());
              return this;
            })
        .onMessage(SharedTablesChanged.class, this::sharedTables)
        .onMessage(GetMaglevNodes.class, this::maglevNodes)
        .onMessage(GetStatus.class, this::status)
        .onMessage(Look.class, look -> look())
        .onMessage(Looked.class, looked -> looked(looked.status()))
        .onMessage(GetServiceIds.class, this::serviceIds)
        .onMessage(GetPolicy.class, this::policy)
        .onSignal(Terminated.class, this::keeperEnded)
        .build();
  }

  private Behavior<Command> begin() {
    ActorRef<MapManager.Command> maps = keeper(MapManager.create(node.dataplane()), "maps");
    maps.tell(
        new MapManager.GetWriters(
            getContext().messageAdapter(MapManager.Writers.class, Writers::new)));
    return this;
  }

  private Behavior<Command> start(MapManager.Writers writers) {
    ActorRef<Promises.Command> promises =
        keeper(
            Promises.create(
                new Promises.Limits(
                    node.dataplane().services().maxEntries() - 1,
                    node.dataplane().backendGen().maxEntries() - 1,
                    node.policySlots() - 1)),
            "promises");
    ActorRef<TablesKeeper.Command> tables =
        blocking(TablesKeeper.create(node.nftables(), node.sysctls(), node.net()), "tables");
    NodeElement element = new NodeElement(getContext().getSystem(), writers.node());
    ActorRef<RouteKeeper.Command> routes =
        blocking(
            RouteKeeper.create(node.net(), element, RouteKeeper.Writers.of(writers)), "routes");
    LimitMaps limits = new LimitMaps(node.dataplane());
    ActorRef<ConntrackKeeper.Command> conntrack =
        blocking(
            ConntrackKeeper.create(node.dataplane(), conntrackSettings(), limits), "conntrack");
    ActorRef<AffinityKeeper.Command> affinity =
        blocking(
            AffinityKeeper.create(node.dataplane(), AffinityKeeper.Settings.DEFAULT), "affinity");
    ActorRef<PolicyManager.Command> policy =
        keeper(
            PolicyManager.create(
                policySettings(),
                new PolicyManager.Parts(
                    node.dataplane(),
                    s -> new PolicyCalculator(node.nodeName(), s)::update,
                    PolicyGenerator::generate,
                    conntrack),
                PolicyManager.Options.DEFAULT),
            "policy");
    LiveInterfaceHost.Owners owners =
        new LiveInterfaceHost.Owners(
            writers.ifaces(),
            element,
            routes,
            tables,
            conntrack,
            new PromisedSlots(getContext().getSystem(), promises),
            new ManagedPolicies(getContext().getSystem(), policy),
            limits);
    LiveInterfaceHost host =
        new LiveInterfaceHost(
            getContext().getSystem(), node.dataplane(), node.net(), node.hostSettings(), owners);
    ActorRef<InterfaceManager.Command> interfaces =
        keeper(
            InterfaceManager.create(
                node.nodeName(), InterfaceSettings.of(settings), node.net(), host, owners),
            "interfaces");
    ActorRef<TunnelKeeper.Command> tunnel =
        keeper(
            TunnelKeeper.create(TunnelSettings.of(settings), node.net(), host, element, routes),
            "tunnel");
    ActorRef<ServiceManager.Command> services =
        keeper(
            ServiceManager.create(
                node.nodeName(), writers, promises, ServiceSyncer.Options.DEFAULT),
            "services");
    keepers =
        Optional.of(
            new Keepers(
                writers,
                promises,
                tables,
                routes,
                tunnel,
                conntrack,
                affinity,
                policy,
                interfaces,
                services,
                keeper(MaglevKeeper.create(services), "maglev"),
                keeper(OptOutKeeper.create(writers), "dsr-optout"),
                keeper(
                    HealthKeeper.create(node.nodeName(), services, HealthKeeper.Options.DEFAULT),
                    "health")));
    connect();
    handOut();
    timers.startSingleTimer(new Look(), FIRST_LOOKS);
    return this;
  }

  private <T> ActorRef<T> keeper(Behavior<T> behavior, String name) {
    ActorRef<T> ref = getContext().spawn(behavior, name);
    getContext().watch(ref);
    return ref;
  }

  /** A keeper that waits for the kernel in its own messages. */
  private <T> ActorRef<T> blocking(Behavior<T> behavior, String name) {
    ActorRef<T> ref =
        getContext()
            .spawn(behavior, name, DispatcherSelector.fromConfig(MapActor.KERNEL_DISPATCHER));
    getContext().watch(ref);
    return ref;
  }

  private ConntrackKeeper.Settings conntrackSettings() {
    return ConntrackKeeper.Settings.of(
        new KernelTimeouts(settings.get(FelixSettings.CONNTRACK_TIMEOUTS), node.sysctls()));
  }

  private PolicyManager.Configure policySettings() {
    return new PolicyManager.Configure(
        PolicySettings.of(settings),
        settings.get(FelixSettings.ESTABLISHED_FLOWS) == Choices.EstablishedFlows.END);
  }

  private Behavior<Command> keeperEnded(Terminated terminated) {
    getContext()
        .getLog()
        .error(
            "the keeper of {} has ended for good: the agent ends, and what it has attached goes on",
            terminated.getRef().path().name());
    return Behaviors.stopped();
  }

  private Behavior<Command> sourceChanged(SourceChanged change) {
    tellProblems(change.snapshot());
    if (change.snapshot().inSync() && !snapshot.inSync()) {
      getContext()
          .getLog()
          .info("the source is in sync: {} resources", change.snapshot().resources().size());
    }
    snapshot = change.snapshot();
    changed = Instant.now();
    Settings before = settings;
    settings = node.settings().of(snapshot);
    if (!settings.equals(before)) {
      RestartSettings.changed(before, settings).forEach(line -> getContext().getLog().warn(line));
      keepers.ifPresent(
          k -> k.conntrack().tell(new ConntrackKeeper.Configure(conntrackSettings())));
    }
    handOut();
    return this;
  }

  private void tellProblems(Snapshot now) {
    for (Problem problem : now.newProblems()) {
      if (problem.severity() == Problem.Severity.ERROR) {
        getContext().getLog().error("refused: {}", problem);
      } else {
        getContext().getLog().warn("{}", problem);
      }
    }
  }

  /** Hands the latest view to all keepers that work by it. */
  private void handOut() {
    if (keepers.isPresent() && snapshot.version() > 0) {
      Keepers k = keepers.get();
      k.tunnel().tell(new TunnelKeeper.Configure(TunnelSettings.of(settings)));
      k.policy().tell(policySettings());
      k.interfaces()
          .tell(new InterfaceManager.SourceChanged(snapshot, InterfaceSettings.of(settings)));
      k.services()
          .tell(
              new ServiceManager.Configure(
                  new MaglevLimits(
                      settings.get(FelixSettings.MAGLEV_MAX_SERVICES),
                      settings.get(FelixSettings.MAGLEV_MAX_ENDPOINTS))));
      k.services().tell(new ServiceManager.Changed(snapshot));
      k.health()
          .tell(new HealthKeeper.Configure(snapshot, settings.get(FelixSettings.HEALTHZ_PORT)));
      boolean strangers = Strangers.any(snapshot);
      if (strangers || snapshot.inSync()) {
        k.tables().tell(new TablesKeeper.Masquerade(strangers));
      }
      if (snapshot.inSync()) {
        k.optOuts().tell(OptOuts.configured(snapshot, settings));
        k.affinity().tell(new AffinityKeeper.SourceInSync());
      }
    }
  }

  /** The cluster's actor system may end and begin anew, the keepers stay. */
  private Behavior<Command> sharedTables(SharedTablesChanged change) {
    followers = change.followers();
    connect();
    return this;
  }

  private void connect() {
    keepers.ifPresent(
        k -> {
          k.maglev().tell(new MaglevKeeper.Connect(followers.map(SharedTables.Followers::maglev)));
          k.optOuts()
              .tell(new OptOutKeeper.Connect(followers.map(SharedTables.Followers::dsrOptOut)));
        });
  }

  private Behavior<Command> maglevNodes(GetMaglevNodes get) {
    keepers.ifPresentOrElse(
        k -> k.maglev().tell(new MaglevKeeper.GetNodes(get.replyTo())),
        () -> get.replyTo().tell(new Follower.Views(List.of(), List.of())));
    return this;
  }

  private Behavior<Command> serviceIds(GetServiceIds get) {
    if (keepers.isPresent()) {
      keepers.get().promises().tell(new Promises.Get(Promises.Kind.SERVICE, get.replyTo()));
    } else {
      get.replyTo().tell(new Promises.Held(Promises.Kind.SERVICE, Map.of()));
    }
    return this;
  }

  private Behavior<Command> policy(GetPolicy get) {
    keepers.ifPresentOrElse(
        k -> k.policy().tell(new PolicyManager.GetRunning(get.replyTo())),
        () -> get.replyTo().tell(PolicyManager.Running.NONE));
    return this;
  }

  // Status.

  private Behavior<Command> look() {
    return status(new GetStatus(getContext().messageAdapter(NodeStatus.class, Looked::new)));
  }

  /** Logs each change of what keeps the node from being ready. */
  private Behavior<Command> looked(NodeStatus status) {
    List<String> reasons = status.unready();
    if (!reasons.equals(reasonsTold)) {
      if (reasons.isEmpty()) {
        getContext().getLog().info("ready");
      } else {
        getContext().getLog().info("not ready: {}", String.join("; ", reasons));
      }
      reasonsTold = reasons;
    }
    timers.startSingleTimer(new Look(), reasons.isEmpty() ? LATER_LOOKS : FIRST_LOOKS);
    return this;
  }

  /** The answer of a keeper, or nothing if it has none in time. */
  private <Q, A> CompletableFuture<Optional<A>> ask(
      ActorRef<Q> keeper, Function<ActorRef<A>, Q> question) {
    CompletionStage<A> answer =
        AskPattern.ask(keeper, question, ANSWER, getContext().getSystem().scheduler());
    return answer
        .toCompletableFuture()
        .thenApply(Optional::of)
        .exceptionally(failure -> Optional.empty());
  }

  private Behavior<Command> status(GetStatus get) {
    List<String> restart = RestartSettings.changed(node.started(), settings);
    if (keepers.isEmpty()) {
      get.replyTo()
          .tell(
              new NodeStatus(
                  false,
                  snapshot,
                  changed,
                  settings,
                  restart,
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  List.of(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty()));
      return this;
    }
    Keepers k = keepers.get();
    Snapshot now = snapshot;
    Instant since = changed;
    Settings inForce = settings;
    var interfaces =
        this.<InterfaceManager.Command, InterfaceManager.Status>ask(
            k.interfaces(), InterfaceManager.GetStatus::new);
    var services =
        this.<ServiceManager.Command, ServiceSyncer.Status>ask(
            k.services(), ServiceManager.GetStatus::new);
    var notices =
        this.<ServiceManager.Command, ServiceManager.Notices>ask(
            k.services(), ServiceManager.GetNotices::new);
    var tables =
        this.<TablesKeeper.Command, TablesKeeper.Status>ask(
            k.tables(), TablesKeeper.GetStatus::new);
    var conntrack =
        this.<ConntrackKeeper.Command, ConntrackKeeper.Stats>ask(
            k.conntrack(), ConntrackKeeper.GetStats::new);
    var affinity =
        this.<AffinityKeeper.Command, AffinityKeeper.Stats>ask(
            k.affinity(), AffinityKeeper.GetStats::new);
    var routes =
        this.<RouteKeeper.Command, RouteKeeper.Status>ask(k.routes(), RouteKeeper.GetStatus::new);
    var tunnel =
        this.<TunnelKeeper.Command, TunnelKeeper.Status>ask(
            k.tunnel(), TunnelKeeper.GetStatus::new);
    var maglev =
        this.<MaglevKeeper.Command, MaglevKeeper.Status>ask(
            k.maglev(), MaglevKeeper.GetStatus::new);
    var optOuts =
        this.<OptOutKeeper.Command, OptOutKeeper.Status>ask(
            k.optOuts(), OptOutKeeper.GetStatus::new);
    var health =
        this.<HealthKeeper.Command, HealthKeeper.Status>ask(
            k.health(), HealthKeeper.GetStatus::new);
    var policy =
        this.<PolicyManager.Command, PolicyManager.Status>ask(
            k.policy(), PolicyManager.GetStatus::new);
    List<CompletableFuture<Optional<MapActor.Occupancy>>> maps = occupancies(k.writers());
    List<CompletableFuture<?>> all =
        new ArrayList<>(
            List.of(
                interfaces,
                services,
                notices,
                tables,
                conntrack,
                affinity,
                routes,
                tunnel,
                maglev,
                optOuts,
                health,
                policy));
    all.addAll(maps);
    CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
        .orTimeout(ANSWER.toSeconds() * 2, TimeUnit.SECONDS)
        .thenRun(
            () ->
                get.replyTo()
                    .tell(
                        new NodeStatus(
                            true,
                            now,
                            since,
                            inForce,
                            restart,
                            interfaces.join(),
                            services.join(),
                            notices.join(),
                            tables.join(),
                            conntrack.join(),
                            affinity.join(),
                            routes.join(),
                            tunnel.join(),
                            maps.stream().flatMap(m -> m.join().stream()).toList(),
                            maglev.join(),
                            optOuts.join(),
                            health.join(),
                            policy.join())));
    return this;
  }

  private List<CompletableFuture<Optional<MapActor.Occupancy>>> occupancies(
      MapManager.Writers writers) {
    return List.of(
        occupancy(writers.frontends4()),
        occupancy(writers.frontends6()),
        occupancy(writers.services()),
        occupancy(writers.backends4()),
        occupancy(writers.backends6()),
        occupancy(writers.backendGen()),
        occupancy(writers.maglev()),
        occupancy(writers.sourceRanges4()),
        occupancy(writers.sourceRanges6()),
        occupancy(writers.dsrOptout4()),
        occupancy(writers.dsrOptout6()),
        occupancy(writers.routes4()),
        occupancy(writers.routes6()),
        occupancy(writers.nodeSources4()),
        occupancy(writers.nodeSources6()),
        occupancy(writers.ifaces()),
        occupancy(writers.node()));
  }

  private <K, V> CompletableFuture<Optional<MapActor.Occupancy>> occupancy(
      ActorRef<MapActor.Command<K, V>> writer) {
    return ask(writer, MapActor.GetOccupancy::new);
  }
}
