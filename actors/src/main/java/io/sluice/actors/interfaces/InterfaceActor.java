// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One interface, a workload's or a host endpoint, by name, from the moment that somebody speaks of
 * it until nothing of it is left. Its states are behaviours:
 *
 * <ul>
 *   <li><b>discovered</b>: a workload without its interface, or something found that nobody has
 *       claimed yet. Waits.
 *   <li><b>attaching</b>: takes the steps of {@link BringUp} or {@link HostUp}.
 *   <li><b>ready</b>: new flows may enter.
 *   <li><b>detaching</b>: takes the steps of {@link TakeDown} or {@link HostDown}.
 * </ul>
 *
 * <p>A step that fails ends the actor's life; it starts anew after a back-off that grows, reads
 * from the kernel what there is, and goes on from there. What it is to become outlives that.
 */
public final class InterfaceActor {
  /** What the actor takes. */
  public sealed interface Command {}

  /**
   * What the interface is to become.
   *
   * @param endpoint what it is for; empty: nothing that source and settings know of
   * @param nic the interface, if it is there
   * @param mayRemove whether the source is in sync, so that an endpoint it does not know is gone
   */
  public record Target(Optional<Endpoint> endpoint, Optional<Nic> nic, boolean mayRemove)
      implements Command {}

  private record StepDone() implements Command {}

  private record StepFailed(String step, Throwable cause) implements Command {}

  private enum Way {
    UP,
    DOWN,
    NONE
  }

  /**
   * A way to go.
   *
   * @param takeDowns what is to be finished even if this life ends on the way
   * @param then the state at its end; empty: to be found out by looking again
   */
  private record Planned(
      Target target, Way way, List<WayDown> takeDowns, Deque<Step> steps, Optional<State> then)
      implements Command {}

  /** The states that others see. */
  public enum State {
    DISCOVERED,
    ATTACHING,
    READY,
    DETACHING,
    /** Nothing is left: the actor may be stopped. */
    GONE
  }

  /**
   * Tells of a change of state.
   *
   * @param detail why it is not ready; empty if it is
   */
  public record StateChanged(String nic, State state, String detail) {}

  /** One thing to have done; {@code what} is for people. */
  record Step(String what, Supplier<? extends CompletionStage<?>> action) {}

  private static final int READY_FLAGS = IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6;

  private static final Logger LOG = LoggerFactory.getLogger(InterfaceActor.class);

  private final ActorContext<Command> context;
  private final String nic;
  private final InterfaceHost host;
  private final ActorRef<StateChanged> listener;
  private final Memory memory;
  private State state = State.DISCOVERED;

  /** What outlives a restart. */
  private static final class Memory {
    private Target target;

    /** Read and replaced where attaching ends, on the kernel's dispatcher. */
    private volatile Set<String> foreignTold = Set.of();

    private String complaint = "";

    /**
     * Begun and not finished: taken up again even where the kernel shows nothing of it any more.
     */
    private final List<WayDown> takeDowns = new ArrayList<>();

    /** Something may have changed without every flow having been told to look again. */
    private boolean unannounced;
  }

  /**
   * @param nic the interface's name
   * @param listener told of every change of state
   */
  public static Behavior<Command> create(
      String nic, InterfaceHost host, ActorRef<StateChanged> listener) {
    return create(nic, host, listener, Duration.ofMillis(500), Duration.ofSeconds(30));
  }

  static Behavior<Command> create(
      String nic,
      InterfaceHost host,
      ActorRef<StateChanged> listener,
      Duration minBackOff,
      Duration maxBackOff) {
    Memory memory = new Memory();
    Behavior<Command> actor =
        Restarts.counted(
            "interface",
            Behaviors.setup(
                context -> new InterfaceActor(context, nic, host, listener, memory).begin()));
    SupervisorStrategy again = SupervisorStrategy.restartWithBackoff(minBackOff, maxBackOff, 0.2);
    Behavior<Command> told =
        Behaviors.supervise(actor).onFailure(StepException.class, again.withLoggingEnabled(false));
    return Behaviors.supervise(told).onFailure(again);
  }

  private InterfaceActor(
      ActorContext<Command> context,
      String nic,
      InterfaceHost host,
      ActorRef<StateChanged> listener,
      Memory memory) {
    this.context = context;
    this.nic = nic;
    this.host = host;
    this.listener = listener;
    this.memory = memory;
  }

  private Behavior<Command> begin() {
    return memory.target == null ? discovered() : pursue();
  }

  private Behavior<Command> discovered() {
    return resting();
  }

  private Behavior<Command> ready() {
    return resting();
  }

  private Behavior<Command> resting() {
    return Behaviors.receive(Command.class)
        .onMessage(
            Target.class,
            target -> {
              memory.target = target;
              return pursue();
            })
        .build();
  }

  /**
   * Reads what there is, and plans the way from there to the target; which may change meanwhile.
   */
  private Behavior<Command> pursue() {
    Target target = memory.target;
    context.pipeToSelf(
        host.elements(),
        (elements, failed) ->
            failed == null ? plan(target, elements) : new StepFailed("read state", failed));
    return Behaviors.receive(Command.class)
        .onMessage(
            Target.class,
            newer -> {
              memory.target = newer;
              return Behaviors.same();
            })
        .onMessage(
            Planned.class, plan -> plan.target().equals(memory.target) ? start(plan) : pursue())
        .onMessage(StepFailed.class, failure -> failed(target, failure))
        .build();
  }

  private Planned plan(Target target, Map<Integer, Iface> elements) {
    Integer current = target.nic().map(Nic::index).orElse(null);
    List<WayDown> takeDowns = new ArrayList<>(memory.takeDowns);
    for (Map.Entry<Integer, Iface> found : elements.entrySet()) {
      boolean ours = found.getValue().name().equals(nic);
      boolean present = found.getKey().equals(current);
      if (ours && (!present || isUnwanted(target, found.getValue()))) {
        Nic old = new Nic(found.getKey(), nic, present);
        takeDowns.removeIf(begun -> begun.nic().equals(old));
        takeDowns.add(wayDown(old, found.getValue(), present));
      }
    }
    if (!takeDowns.isEmpty()) {
      return new Planned(target, Way.DOWN, takeDowns, steps(takeDowns), Optional.empty());
    }
    if (target.endpoint().isEmpty()) {
      return planForNobody(target, elements);
    }
    return planUp(target, target.endpoint().get(), elements);
  }

  private static boolean isUnwanted(Target target, Iface element) {
    return target
        .endpoint()
        .map(wanted -> !wanted.isKindOf(element.flags()))
        .orElse(target.mayRemove());
  }

  private WayDown wayDown(Nic old, Iface element, boolean present) {
    return (element.flags() & IfaceFlags.IFACE_HOST) != 0
        ? new HostDown(
            host,
            old,
            new InterfaceHost.Slots(element.policySlot0(), element.policySlot1()),
            present)
        : new TakeDown(host, old, Optional.of(element), present);
  }

  /** A host endpoint needs not be up for its programs: they are there when it is. */
  private Planned planUp(Target target, Endpoint endpoint, Map<Integer, Iface> elements) {
    boolean workload = endpoint instanceof Workload;
    if (target.nic().isEmpty() || workload && !target.nic().get().up()) {
      return rest(target, State.DISCOVERED);
    }
    Nic present = target.nic().get();
    Iface there = elements.get(present.index());
    Deque<Step> steps =
        endpoint instanceof HostEndpoint beyond
            ? new HostUp(host, present, beyond, there, this::foreign).steps()
            : new BringUp(
                    host, present, (Workload) endpoint, there, memory.unannounced, this::foreign)
                .steps();
    return new Planned(target, Way.UP, List.of(), steps, Optional.of(State.READY));
  }

  private static Deque<Step> steps(List<WayDown> takeDowns) {
    Deque<Step> steps = new ArrayDeque<>();
    takeDowns.forEach(takeDown -> steps.addAll(takeDown.steps()));
    return steps;
  }

  private static Planned rest(Target target, State then) {
    return new Planned(target, Way.NONE, List.of(), new ArrayDeque<>(), Optional.of(then));
  }

  private Planned planForNobody(Target target, Map<Integer, Iface> elements) {
    if (!target.mayRemove()) {
      boolean works =
          target.nic().map(Nic::index).map(elements::get).stream()
              .anyMatch(iface -> iface.name().equals(nic) && (iface.flags() & READY_FLAGS) != 0);
      return rest(target, works ? State.READY : State.DISCOVERED);
    }
    // An earlier agent may have ended on the way: the element is gone, and other things are not.
    Deque<Step> steps = new ArrayDeque<>();
    target
        .nic()
        .ifPresent(
            present -> steps.addAll(new TakeDown(host, present, Optional.empty(), true).steps()));
    steps.add(new Step("release slots", () -> host.releaseSlots(nic)));
    return new Planned(target, Way.NONE, List.of(), steps, Optional.of(State.GONE));
  }

  /**
   * Programs of others on our hooks are told once, for they stay and may drop what we pass. Called
   * on the kernel's dispatcher, where the actor's context may not be touched.
   */
  private void foreign(List<String> programs) {
    Set<String> fresh = new HashSet<>(programs);
    fresh.removeAll(memory.foreignTold);
    memory.foreignTold = Set.copyOf(programs);
    if (!fresh.isEmpty()) {
      LOG.warn(
          "interface {}: programs of somebody else are attached, too, and see its packets: {}",
          nic,
          String.join(", ", programs));
    }
  }

  /** What is ready stays so to others while its way is walked anew: nothing of it is taken away. */
  private Behavior<Command> start(Planned plan) {
    memory.takeDowns.clear();
    memory.takeDowns.addAll(plan.takeDowns());
    if (plan.way() == Way.DOWN) {
      tell(State.DETACHING, "");
    } else if (plan.way() == Way.UP && state != State.READY) {
      tell(State.ATTACHING, "");
    }
    return next(plan);
  }

  private Behavior<Command> next(Planned plan) {
    Step step = plan.steps().poll();
    if (step == null) {
      return arrive(plan);
    }
    CompletionStage<?> done;
    try {
      done = step.action().get();
    } catch (RuntimeException e) {
      return failed(plan.target(), new StepFailed(step.what(), e));
    }
    context.pipeToSelf(
        done,
        (ok, failed) -> failed == null ? new StepDone() : new StepFailed(step.what(), failed));
    return walking(plan);
  }

  /** Attaching or detaching: a new target waits until the way to the old one is walked. */
  private Behavior<Command> walking(Planned plan) {
    return Behaviors.receive(Command.class)
        .onMessage(
            Target.class,
            target -> {
              memory.target = target;
              return Behaviors.same();
            })
        .onMessage(StepDone.class, done -> next(plan))
        .onMessage(StepFailed.class, failure -> failed(plan.target(), failure))
        .build();
  }

  private Behavior<Command> arrive(Planned plan) {
    memory.takeDowns.clear();
    if (plan.way() == Way.UP) {
      memory.unannounced = false;
    }
    if (!memory.target.equals(plan.target()) || plan.then().isEmpty()) {
      return pursue();
    }
    State then = plan.then().get();
    if (then == State.READY && !memory.complaint.isEmpty()) {
      context.getLog().info("interface {}: works now", nic);
    }
    memory.complaint = "";
    tell(then, then == State.DISCOVERED ? reason() : "");
    return then == State.READY ? ready() : discovered();
  }

  private String reason() {
    if (memory.target.endpoint().isEmpty()) {
      return "no workload that is known";
    }
    return memory.target.nic().isEmpty() ? "the interface does not exist" : "the interface is down";
  }

  private void tell(State now, String detail) {
    state = now;
    listener.tell(new StateChanged(nic, now, detail));
  }

  /**
   * Ends this life, but for a target that changed meanwhile: then the failure may be its doing,
   * such as an interface that went, and the way to the new one is tried at once.
   */
  private Behavior<Command> failed(Target pursued, StepFailed failure) {
    Throwable cause =
        failure.cause() instanceof CompletionException wrapper && wrapper.getCause() != null
            ? wrapper.getCause()
            : failure.cause();
    String complaint = failure.step() + ": " + cause.getMessage();
    memory.unannounced = true;
    if (!memory.target.equals(pursued)) {
      context.getLog().debug("interface {}: {}", nic, complaint);
      return pursue();
    }
    if (!complaint.equals(memory.complaint)) {
      context
          .getLog()
          .warn(
              "interface {}{}: {}; trying again",
              nic,
              memory.target.endpoint().map(Endpoint::ofWhom).orElse(""),
              complaint);
    }
    memory.complaint = complaint;
    tell(State.DISCOVERED, complaint);
    throw new StepException(complaint, cause);
  }

  /** A step that failed, of which people were told already. */
  private static final class StepException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StepException(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
