// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.services.ServiceManager;
import io.sluice.actors.services.ServiceSyncer;
import io.sluice.actors.supervision.Restarts;
import io.sluice.config.source.Snapshot;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Answers load balancers as kube-proxy does: a port for each service that asks for a health check,
 * and one for the node. Ports open and close with the source's view; what they answer changes with
 * it at once, without the sockets' knowing.
 *
 * <p>The node is healthy while its services are what the source says. One that cannot be applied is
 * a problem of that service, not of the node: else a full map would take every node out of its load
 * balancers.
 */
public final class HealthKeeper extends AbstractBehavior<HealthKeeper.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /**
   * What is configured.
   *
   * @param port of the node's healthz; 0: none
   */
  public record Configure(Snapshot snapshot, int port) implements Command {}

  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  /**
   * @param ports that are open
   * @param healthy what healthz says, but for the node's being deleted
   * @param eligible the node is not about to be deleted
   * @param problems ports that are not open, and why
   */
  public record Status(
      int ports, boolean healthy, boolean eligible, SortedMap<String, String> problems) {}

  /**
   * @param look how often services are asked how they stand
   * @param bound how long a change may wait until the node is no longer healthy; kube-proxy's is a
   *     minute, too
   * @param retry how long to wait for a port that is in use
   */
  public record Options(Duration look, Duration bound, Duration retry) {
    public static final Options DEFAULT =
        new Options(Duration.ofSeconds(1), Duration.ofSeconds(60), Duration.ofSeconds(1));
  }

  private record Tick() implements Command {}

  private record Stand(ServiceSyncer.Status status) implements Command {}

  private record Reported(HealthPort.Report report) implements Command {}

  private record PortClosed(int port) implements Command {}

  /** What outlives a restart. */
  private static final class Memory {
    private final Health health;
    private Optional<Configure> configured = Optional.empty();

    private Memory(Options options) {
      health = new Health(options.bound());
    }
  }

  private record Wanted(String name, HealthPort.Answer answer) {}

  /** A port: its answer may change while it is open. */
  private static final class Port {
    private final ActorRef<HealthPort.Command> actor;
    private final AtomicReference<HealthPort.Answer> answer;
    private String name;
    private boolean open;
    private boolean closing;
    private Optional<String> problem = Optional.empty();

    private Port(
        ActorRef<HealthPort.Command> actor, AtomicReference<HealthPort.Answer> answer, Wanted by) {
      this.actor = actor;
      this.answer = answer;
      this.name = by.name();
    }
  }

  private final String node;
  private final ActorRef<ServiceManager.Command> services;
  private final Options options;
  private final Memory memory;
  private final ActorRef<HealthPort.Report> reports;
  private final ActorRef<ServiceSyncer.Status> stands;
  private final Map<Integer, Port> ports = new HashMap<>();
  private SortedMap<String, String> conflicts = new TreeMap<>();
  private final Progress progress = new Progress();

  /**
   * @param node this one, as resources name it
   */
  public static Behavior<Command> create(
      String node, ActorRef<ServiceManager.Command> services, Options options) {
    Memory memory = new Memory(options);
    Behavior<Command> keeper =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> new HealthKeeper(context, timers, node, services, options, memory)));
    return Behaviors.supervise(Restarts.counted("health", keeper))
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(
                Duration.ofMillis(200), Duration.ofSeconds(30), 0.1));
  }

  private HealthKeeper(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      String node,
      ActorRef<ServiceManager.Command> services,
      Options options,
      Memory memory) {
    super(context);
    this.node = node;
    this.services = services;
    this.options = options;
    this.memory = memory;
    this.reports = context.messageAdapter(HealthPort.Report.class, Reported::new);
    this.stands = context.messageAdapter(ServiceSyncer.Status.class, Stand::new);
    timers.startTimerWithFixedDelay(new Tick(), Duration.ZERO, options.look());
    apply();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(
            Configure.class,
            configure -> {
              memory.configured = Optional.of(configure);
              return apply();
            })
        .onMessage(
            Tick.class,
            tick -> {
              services.tell(new ServiceManager.GetStatus(stands));
              return this;
            })
        .onMessage(Stand.class, stand -> onStand(stand.status()))
        .onMessage(Reported.class, reported -> onReport(reported.report()))
        .onMessage(
            PortClosed.class,
            closed -> {
              ports.remove(closed.port());
              return apply();
            })
        .onMessage(
            GetStatus.class,
            get -> {
              get.replyTo().tell(status());
              return this;
            })
        .build();
  }

  private Behavior<Command> onStand(ServiceSyncer.Status status) {
    boolean inSync = memory.configured.filter(c -> c.snapshot().inSync()).isPresent();
    progress
        .upToDate(inSync && status.applied(), status.settled(), status.rounds())
        .ifPresent(memory.health::confirm);
    return this;
  }

  /** Nothing is opened before the source is whole: an endpoint that is missing is no answer. */
  private Behavior<Command> apply() {
    if (memory.configured.isEmpty()) {
      return this;
    }
    Configure now = memory.configured.get();
    Map<Integer, Wanted> wanted = new TreeMap<>();
    if (now.snapshot().inSync()) {
      HealthChecks all = HealthChecks.of(now.snapshot(), node, now.port());
      memory.health.eligible(!all.leaving());
      conflicts = all.problems();
      all.checks()
          .forEach(
              (port, check) ->
                  wanted.put(
                      port,
                      new Wanted(
                          HealthChecks.name(port, check),
                          request ->
                              HealthAnswers.ofService(request, check, memory.health.look()))));
    }
    if (now.port() != 0) {
      wanted.put(
          now.port(),
          new Wanted(
              "bpfKubeProxyHealthzPort " + now.port(),
              request -> HealthAnswers.ofNode(request, memory.health.look())));
    }
    ports.forEach(
        (number, port) -> {
          if (!wanted.containsKey(number) && !port.closing) {
            port.closing = true;
            port.actor.tell(new HealthPort.Close());
          }
        });
    wanted.forEach(this::open);
    return this;
  }

  private void open(int number, Wanted wanted) {
    Port there = ports.get(number);
    if (there == null) {
      AtomicReference<HealthPort.Answer> answer = new AtomicReference<>(wanted.answer());
      ActorRef<HealthPort.Command> actor =
          getContext()
              .spawn(
                  HealthPort.create(
                      number, request -> answer.get().of(request), options.retry(), reports),
                  "port-" + number);
      getContext().watchWith(actor, new PortClosed(number));
      ports.put(number, new Port(actor, answer, wanted));
    } else if (!there.closing) {
      there.name = wanted.name();
      there.answer.set(wanted.answer());
    } // else: when it is closed
  }

  private Behavior<Command> onReport(HealthPort.Report report) {
    Port port = ports.get(report.port());
    if (port == null) {
      return this;
    }
    if (!port.problem.equals(report.problem())) {
      report
          .problem()
          .ifPresentOrElse(
              problem -> getContext().getLog().warn("{} cannot be opened: {}", port.name, problem),
              () -> getContext().getLog().info("{} is open now", port.name));
    }
    port.problem = report.problem();
    port.open = report.problem().isEmpty();
    return this;
  }

  private Status status() {
    SortedMap<String, String> problems = new TreeMap<>(conflicts);
    for (Port port : ports.values()) {
      if (!port.closing) {
        port.problem.ifPresent(
            problem ->
                problems.put(
                    port.name,
                    "cannot be opened: %s; tried again every %d s"
                        .formatted(problem, Math.max(1, options.retry().toSeconds()))));
      }
    }
    Health.Seen health = memory.health.look();
    int open = (int) ports.values().stream().filter(p -> p.open && !p.closing).count();
    return new Status(open, health.healthy(), health.eligible(), problems);
  }
}
