// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tunnel;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.InterfaceHost;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.routes.RouteKeeper;
import io.sluice.actors.routes.TunnelNeed;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * The owner of the VXLAN device to other nodes. {@link RouteKeeper} says whether it is needed, and
 * is told when it is there; this actor looks at it after any hint of a change, and repairs what
 * differs. When it, or the overlay in it, is not needed any more it goes, but not at once: other
 * nodes may learn later that they should not use it.
 */
public final class TunnelKeeper extends AbstractBehavior<TunnelKeeper.Command> {
  /** What the keeper takes. */
  public sealed interface Command {}

  /** The settings have changed. */
  public record Configure(TunnelSettings settings) implements Command {}

  /** Asks how the tunnel is. */
  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  private record Needed(TunnelNeed need) implements Command {}

  private record Look() implements Command {}

  private record Walk() implements Command {}

  private record Leave() implements Command {}

  private record Raised(Up up) implements Command {}

  private record Lowered() implements Command {}

  private record Failed(Throwable cause) implements Command {}

  /**
   * The device as it is.
   *
   * @param vni of the overlay; 0 if there is none
   * @param mtu4 the largest IPv4 packet in it, bytes, and the device's MTU
   * @param mtu6 the largest IPv6 packet in it, bytes
   * @param addresses of this node within the overlay
   * @param replaced what of the same name was removed for it, this time
   * @param repaired whether routes may have gone with something that was missing, this time
   */
  public record Up(
      int ifindex,
      int port,
      int vni,
      int mtu4,
      int mtu6,
      Map<Family, Ip> addresses,
      List<String> problems,
      Optional<String> replaced,
      boolean repaired) {
    public Up {
      addresses = Map.copyOf(addresses);
      problems = List.copyOf(problems);
    }
  }

  /**
   * @param needed whether some node is reached through it
   * @param up the device, when it was looked at last; empty if there is none
   * @param failure why it is not as it should be
   */
  public record Status(boolean needed, Optional<Up> up, Optional<String> failure) {}

  /**
   * @param linger how long the device stays when it is not needed any more
   * @param look how often it is looked at, beside hints
   */
  record Times(Duration linger, Duration look, Duration minBackOff, Duration maxBackOff) {
    static final Times DEFAULT =
        new Times(
            Duration.ofSeconds(10),
            Duration.ofSeconds(10),
            Duration.ofMillis(500),
            Duration.ofSeconds(30));
  }

  private static final Duration HINT_DELAY = Duration.ofMillis(20);

  private final TimerScheduler<Command> timers;
  private final Raise.Host host;
  private final ActorRef<RouteKeeper.Command> routes;
  private final Times times;
  private final Memory memory;
  private final AutoCloseable watch;
  private boolean walking;
  private boolean again;
  private Duration backOff;
  private Optional<Up> up = Optional.empty();

  /** What outlives a restart. */
  private static final class Memory {
    private TunnelSettings settings;
    private Optional<TunnelNeed> need = Optional.empty();
    private Optional<String> failure = Optional.empty();
    private boolean leaving;

    /**
     * What is needed when {@link #need} has lingered: the same without an overlay that has gone.
     */
    private Optional<TunnelNeed> later = Optional.empty();
  }

  /**
   * @param settings those in force at the start; later ones come with {@link Configure}
   */
  public static Behavior<Command> create(
      TunnelSettings settings,
      HostNet net,
      InterfaceHost interfaces,
      NodeElement node,
      ActorRef<RouteKeeper.Command> routes) {
    return create(settings, net, interfaces, node, routes, Times.DEFAULT);
  }

  static Behavior<Command> create(
      TunnelSettings settings,
      HostNet net,
      InterfaceHost interfaces,
      NodeElement node,
      ActorRef<RouteKeeper.Command> routes,
      Times times) {
    Memory memory = new Memory();
    memory.settings = settings;
    return Behaviors.<Command>supervise(
            Restarts.counted(
                "tunnel",
                Behaviors.setup(
                    context ->
                        Behaviors.withTimers(
                            timers -> {
                              Raise.Host host =
                                  new Raise.Host(
                                      net,
                                      interfaces,
                                      node,
                                      context
                                          .getSystem()
                                          .dispatchers()
                                          .lookup(
                                              DispatcherSelector.fromConfig(
                                                  MapActor.KERNEL_DISPATCHER)));
                              return new TunnelKeeper(context, timers, host, routes, times, memory);
                            }))))
        .onFailure(
            SupervisorStrategy.restartWithBackoff(times.minBackOff(), times.maxBackOff(), 0.2));
  }

  private TunnelKeeper(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Raise.Host host,
      ActorRef<RouteKeeper.Command> routes,
      Times times,
      Memory memory) {
    super(context);
    this.timers = timers;
    this.host = host;
    this.routes = routes;
    this.times = times;
    this.memory = memory;
    this.backOff = times.minBackOff();
    ActorRef<Command> self = context.getSelf();
    this.watch = host.net().watch(() -> self.tell(new Look()));
    routes.tell(
        new RouteKeeper.SubscribeTunnel(context.messageAdapter(TunnelNeed.class, Needed::new)));
    timers.startTimerWithFixedDelay("look", new Look(), times.look());
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Configure.class, this::configure)
        .onMessage(Needed.class, this::needed)
        .onMessage(Look.class, this::look)
        .onMessage(Walk.class, walk -> walkNow())
        .onMessage(Leave.class, leave -> leave())
        .onMessage(Raised.class, raised -> raised(raised.up()))
        .onMessage(Lowered.class, lowered -> lowered())
        .onMessage(Failed.class, failed -> failed(failed.cause()))
        .onMessage(GetStatus.class, this::status)
        .onSignal(PreRestart.class, signal -> unwatch())
        .onSignal(PostStop.class, signal -> unwatch())
        .build();
  }

  private Behavior<Command> unwatch() throws Exception {
    watch.close();
    return this;
  }

  private Behavior<Command> configure(Configure configure) {
    if (!configure.settings().equals(memory.settings)) {
      memory.settings = configure.settings();
      walk();
    }
    return this;
  }

  private Behavior<Command> needed(Needed needed) {
    TunnelNeed before = memory.need.orElse(TunnelNeed.NONE);
    TunnelNeed now = needed.need();
    memory.leaving = false;
    memory.later = Optional.empty();
    timers.cancel(Leave.class);
    if (now.isNone()) {
      memory.need = Optional.of(now);
      timers.startSingleTimer(Leave.class, new Leave(), times.linger());
    } else if (now.lacksOverlayOf(before)) {
      memory.need = Optional.of(now.withOverlayOf(before));
      memory.later = Optional.of(now);
      timers.startSingleTimer(Leave.class, new Leave(), times.linger());
      walk();
    } else {
      memory.need = Optional.of(now);
      walk();
    }
    return this;
  }

  private Behavior<Command> leave() {
    if (memory.later.isPresent()) {
      memory.need = memory.later;
      memory.later = Optional.empty();
    } else {
      memory.leaving = true;
    }
    walk();
    return this;
  }

  /** Events come in bursts: look once at what they leave behind. */
  private Behavior<Command> look(Look look) {
    if (!timers.isTimerActive(Look.class)) {
      timers.startSingleTimer(Look.class, new Walk(), HINT_DELAY);
    }
    return this;
  }

  private Behavior<Command> walkNow() {
    walk();
    return this;
  }

  private boolean isNeeded() {
    return memory.need.map(need -> !need.isNone()).orElse(false);
  }

  private void walk() {
    if (walking) {
      again = true;
      return;
    }
    if (isNeeded()) {
      start(
          new Raise(host, memory.need.orElseThrow(), memory.settings)
              .walk()
              .thenApply(Raised::new));
    } else if (memory.leaving) {
      start(Lower.walk(host).thenApply(done -> new Lowered()));
    }
  }

  private void start(CompletionStage<? extends Command> walk) {
    walking = true;
    getContext().pipeToSelf(walk, (done, failed) -> failed == null ? done : new Failed(failed));
  }

  private Behavior<Command> raised(Up now) {
    now.replaced()
        .ifPresent(
            what -> getContext().getLog().warn("{} was {}: replaced", TunnelDevice.NAME, what));
    if (memory.failure.isPresent()) {
      getContext().getLog().info("{}: works now", TunnelDevice.NAME);
    }
    up = Optional.of(now);
    routes.tell(
        new RouteKeeper.TunnelIs(
            Optional.of(new RouteKeeper.Tunnel(now.ifindex(), now.addresses()))));
    if (now.repaired()) {
      routes.tell(new RouteKeeper.Refresh());
    }
    return done();
  }

  private Behavior<Command> lowered() {
    memory.leaving = false;
    up = Optional.empty();
    routes.tell(new RouteKeeper.TunnelIs(Optional.empty()));
    return done();
  }

  private Behavior<Command> done() {
    memory.failure = Optional.empty();
    backOff = times.minBackOff();
    walking = false;
    if (again) {
      again = false;
      walk();
    }
    return this;
  }

  private Behavior<Command> failed(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String complaint = String.valueOf(cause.getMessage());
    if (!memory.failure.equals(Optional.of(complaint))) {
      getContext().getLog().warn("{}: {}; trying again", TunnelDevice.NAME, complaint);
    }
    memory.failure = Optional.of(complaint);
    walking = false;
    again = false;
    timers.startSingleTimer(Look.class, new Walk(), backOff);
    Duration doubled = backOff.multipliedBy(2);
    backOff = doubled.compareTo(times.maxBackOff()) > 0 ? times.maxBackOff() : doubled;
    return this;
  }

  private Behavior<Command> status(GetStatus get) {
    get.replyTo().tell(new Status(isNeeded(), up, memory.failure));
    return this;
  }
}
