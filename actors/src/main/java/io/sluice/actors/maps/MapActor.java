// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maps;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.TypedMap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * The single writer of one BPF map.
 *
 * <p>Owners say what they want in the map, and what no more. The actor knows what is in the kernel
 * (read whole when it starts, and again after every failure), and writes the difference in batches,
 * one at a time, on a dispatcher of its own. An owner that must keep an order among maps waits for
 * {@link Applied} before it asks for the next step.
 *
 * <p>What is wanted outlives a restart of the actor; what is believed of the kernel does not. A
 * kernel that fails is asked again with growing back-off for as long as it takes. A map without
 * room is a state, not a failure: entries that do not fit are refused and forgotten, and their
 * owner is told ({@link Refused}); entries that exist are still updated and removed.
 *
 * <p>Entries that nobody asked for are found at start. With {@link Options#sweep} they are deleted
 * once {@link SourceInSync} came, never before (AG-3); without, they are their owner's business.
 *
 * @param <K> key of the map
 * @param <V> value of the map
 */
public final class MapActor<K, V> extends AbstractBehavior<MapActor.Command<K, V>> {
  /** The dispatcher for kernel calls, in reference.conf. */
  public static final String KERNEL_DISPATCHER = "sluice.kernel-dispatcher";

  /** What the actor takes. */
  public sealed interface Command<K, V> {}

  /**
   * A change of what is wanted.
   *
   * @param puts entries wanted from now on
   * @param removes keys that are not wanted any more; of a key in both, the put counts
   * @param replyTo told when all of it is in the kernel, or refused
   */
  public record Update<K, V>(Map<K, V> puts, Set<K> removes, ActorRef<Result<K>> replyTo)
      implements Command<K, V> {
    /** Copies, and keeps the order in which entries are to be written. */
    public Update {
      puts = Collections.unmodifiableMap(new LinkedHashMap<>(puts));
      removes = Collections.unmodifiableSet(new LinkedHashSet<>(removes));
    }
  }

  /** All that is wanted has been asked for: what is left over in the kernel may go. */
  public record SourceInSync<K, V>() implements Command<K, V> {}

  /** Asks for what is in the kernel, once that is known and all that was asked for is written. */
  public record Read<K, V>(ActorRef<Contents<K, V>> replyTo) implements Command<K, V> {}

  /** Reads the kernel anew and repairs what differs from what is wanted. */
  public record Refresh<K, V>() implements Command<K, V> {}

  /** Asks for the figures that metrics and status show. */
  public record GetOccupancy<K, V>(ActorRef<Occupancy> replyTo) implements Command<K, V> {}

  /** The answer to {@link Update}. */
  public sealed interface Result<K> {
    /** The map's name. */
    String map();
  }

  /** All of it is in the kernel. */
  public record Applied<K>(String map) implements Result<K> {}

  /**
   * The map has no room: all of it is in the kernel but for these keys, which are forgotten. Ask
   * again when there is room.
   *
   * @param reason one line for people
   */
  public record Refused<K>(String map, Set<K> keys, String reason) implements Result<K> {}

  /** The answer to {@link Read}: the kernel's entries, as far as this actor knows. */
  public record Contents<K, V>(String map, int maxEntries, Map<K, V> entries) {}

  /**
   * How full a map is.
   *
   * @param entries in the kernel, as far as known
   * @param refused entries refused since the actor was made
   * @param failure why the kernel cannot be written right now
   */
  public record Occupancy(
      String map, int entries, int maxEntries, long refused, Optional<String> failure) {}

  /**
   * @param sweep delete what nobody wants, once in sync; else leave it to the owner
   * @param minBackOff before the second attempt after a failure
   * @param maxBackOff the longest between two attempts
   */
  public record Options(boolean sweep, Duration minBackOff, Duration maxBackOff) {
    /** Sweeps, with back-off from 200 ms to 30 s. */
    public static final Options SWEEPING =
        new Options(true, Duration.ofMillis(200), Duration.ofSeconds(30));

    /** The same, but what is unknown stays. */
    public static final Options KEEPING =
        new Options(false, SWEEPING.minBackOff(), SWEEPING.maxBackOff());
  }

  private record Loaded<K, V>(int life, Map<K, V> entries) implements Command<K, V> {}

  private record Wrote<K, V>(int life) implements Command<K, V> {}

  private record Failed<K, V>(int life, Throwable cause) implements Command<K, V> {}

  private record Retry<K, V>(int life) implements Command<K, V> {}

  /** What outlives a restart. */
  private static final class Memory<K, V> {
    private final Map<K, V> wanted = new LinkedHashMap<>();

    /** Keys whose wanted and actual state may differ, explicit removals included. */
    private final Set<K> dirty = new LinkedHashSet<>();

    /** Refused in a round that failed, so that nobody has been told yet. */
    private final Set<K> refusedUntold = new LinkedHashSet<>();

    private final List<Update<K, V>> waiting = new ArrayList<>();
    private final List<Update<K, V>> inFlight = new ArrayList<>();
    private final List<ActorRef<Contents<K, V>>> readers = new ArrayList<>();
    private boolean inSync;
    private long refused;
    private int life;

    /** The kernel call in flight: the next one waits for it, even over a restart. */
    private CompletableFuture<?> tail = CompletableFuture.completedFuture(null);
  }

  private final TypedMap<K, V> map;
  private final Options options;
  private final Memory<K, V> memory;
  private final TimerScheduler<Command<K, V>> timers;
  private final Executor kernel;
  private final int life;

  /** What is in the kernel; null until read. */
  private Map<K, V> actual;

  private boolean busy;
  private boolean refresh;

  /** How often in a row the kernel said that the map is full. */
  private int timesFull;

  private int failures;
  private String failure;
  private String lastRefusal;
  private Flight<K, V> flight;

  /**
   * One round of writes.
   *
   * @param removesFirst the map has no room for the puts before the removals
   * @param refused keys that do not fit
   */
  private record Flight<K, V>(
      Map<K, V> puts, Set<K> removes, boolean removesFirst, Set<K> refused) {}

  /** A supervised writer: whatever fails, it starts anew and reads the kernel again. */
  public static <K, V> Behavior<Command<K, V>> create(TypedMap<K, V> map, Options options) {
    Memory<K, V> memory = new Memory<>();
    Behavior<Command<K, V>> writer =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> new MapActor<>(context, timers, map, options, memory)));
    return Behaviors.supervise(Restarts.counted("map", writer))
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(options.minBackOff(), options.maxBackOff(), 0.1));
  }

  private MapActor(
      ActorContext<Command<K, V>> context,
      TimerScheduler<Command<K, V>> timers,
      TypedMap<K, V> map,
      Options options,
      Memory<K, V> memory) {
    super(context);
    this.map = map;
    this.options = options;
    this.memory = memory;
    this.timers = timers;
    this.life = ++memory.life;
    memory.waiting.addAll(0, memory.inFlight);
    memory.inFlight.clear();
    this.kernel =
        context.getSystem().dispatchers().lookup(DispatcherSelector.fromConfig(KERNEL_DISPATCHER));
    load();
  }

  @Override
  public Receive<Command<K, V>> createReceive() {
    return newReceiveBuilder().onAnyMessage(this::onCommand).build();
  }

  private Behavior<Command<K, V>> onCommand(Command<K, V> command) {
    if (command instanceof Update<K, V> update) {
      onUpdate(update);
    } else if (command instanceof SourceInSync<K, V>) {
      memory.inSync = true;
      markUnknown();
    } else if (command instanceof Read<K, V> read) {
      memory.readers.add(read.replyTo());
    } else if (command instanceof Refresh<K, V>) {
      refresh = true;
    } else if (command instanceof GetOccupancy<K, V> get) {
      get.replyTo().tell(occupancy());
    } else if (command instanceof Loaded<K, V> loaded && loaded.life() == life) {
      onLoaded(loaded.entries());
    } else if (command instanceof Wrote<K, V> wrote && wrote.life() == life) {
      onWrote();
    } else if (command instanceof Failed<K, V> failed && failed.life() == life) {
      onFailed(failed.cause());
    } else if (command instanceof Retry<K, V> retry && retry.life() == life) {
      busy = false;
    }
    proceed();
    return this;
  }

  private void onUpdate(Update<K, V> update) {
    for (K key : update.removes()) {
      memory.wanted.remove(key);
      memory.dirty.add(key);
    }
    memory.wanted.putAll(update.puts());
    memory.dirty.addAll(update.puts().keySet());
    memory.waiting.add(update);
  }

  /** Starts the next kernel call, if there is something to do and none is under way. */
  private void proceed() {
    if (busy) {
      return;
    }
    if (actual == null || refresh) {
      refresh = false;
      load();
      return;
    }
    if (memory.dirty.isEmpty() && memory.waiting.isEmpty()) {
      recovered();
      if (!memory.readers.isEmpty()) {
        Contents<K, V> contents = new Contents<>(map.name(), map.maxEntries(), Map.copyOf(actual));
        memory.readers.forEach(reader -> reader.tell(contents));
        memory.readers.clear();
      }
      return;
    }
    flight = plan();
    if (flight.puts().isEmpty() && flight.removes().isEmpty()) {
      onWrote();
      return;
    }
    Flight<K, V> now = flight;
    call(
        () -> {
          if (now.removesFirst() && !now.removes().isEmpty()) {
            map.removeAll(now.removes());
          }
          if (!now.puts().isEmpty()) {
            map.putAll(now.puts());
          }
          if (!now.removesFirst() && !now.removes().isEmpty()) {
            map.removeAll(now.removes());
          }
          return new Wrote<K, V>(life);
        });
  }

  private Flight<K, V> plan() {
    Map<K, V> puts = new LinkedHashMap<>();
    Map<K, V> additions = new LinkedHashMap<>();
    Set<K> removes = new LinkedHashSet<>();
    for (K key : memory.dirty) {
      V want = memory.wanted.get(key);
      V have = actual.get(key);
      if (want == null && have != null) {
        removes.add(key);
      } else if (want != null && have == null) {
        additions.put(key, want);
      } else if (want != null && !want.equals(have)) {
        puts.put(key, want);
      }
    }
    int room = timesFull > 0 ? 0 : map.maxEntries() - actual.size();
    boolean removesFirst = additions.size() > room;
    if (removesFirst && timesFull < 2) {
      room += removes.size();
    }
    Set<K> refused = new LinkedHashSet<>(memory.refusedUntold);
    for (Map.Entry<K, V> addition : additions.entrySet()) {
      if (room-- > 0) {
        puts.put(addition.getKey(), addition.getValue());
      } else {
        refused.add(addition.getKey());
        memory.wanted.remove(addition.getKey());
        memory.dirty.remove(addition.getKey());
      }
    }
    memory.refusedUntold.clear();
    memory.inFlight.addAll(memory.waiting);
    memory.waiting.clear();
    return new Flight<>(puts, removes, removesFirst, refused);
  }

  private void onWrote() {
    Flight<K, V> done = flight;
    flight = null;
    busy = false;
    timesFull = 0;
    recovered();
    actual.putAll(done.puts());
    actual.keySet().removeAll(done.removes());
    // A key that changed again while it was written stays dirty.
    memory.dirty.removeIf(key -> Objects.equals(memory.wanted.get(key), actual.get(key)));
    String reason =
        String.format(
            "map %s is full (%d entries): %d refused",
            map.name(), map.maxEntries(), done.refused().size());
    if (!done.refused().isEmpty()) {
      memory.refused += done.refused().size();
      if (!reason.equals(lastRefusal)) {
        // Owners ask again: what they are told each time need not be logged each time.
        getContext().getLog().warn(reason);
      }
      lastRefusal = reason;
    }
    for (Update<K, V> update : memory.inFlight) {
      Set<K> refused = new LinkedHashSet<>(done.refused());
      refused.retainAll(update.puts().keySet());
      update
          .replyTo()
          .tell(
              refused.isEmpty()
                  ? new Applied<>(map.name())
                  : new Refused<>(map.name(), Collections.unmodifiableSet(refused), reason));
    }
    memory.inFlight.clear();
  }

  private void onLoaded(Map<K, V> entries) {
    busy = false;
    actual = entries;
    memory.dirty.addAll(memory.wanted.keySet());
    markUnknown();
  }

  private void markUnknown() {
    if (options.sweep() && memory.inSync && actual != null) {
      for (K key : actual.keySet()) {
        if (!memory.wanted.containsKey(key)) {
          memory.dirty.add(key);
        }
      }
    }
  }

  private void onFailed(Throwable cause) {
    // Some of it may be written: nothing is known until the kernel is read again.
    actual = null;
    if (flight != null) {
      memory.refusedUntold.addAll(flight.refused());
      memory.waiting.addAll(0, memory.inFlight);
      memory.inFlight.clear();
      flight = null;
    }
    if (isFull(cause) && timesFull < 2) {
      timesFull++;
      busy = false;
      return;
    }
    failure = String.valueOf(cause.getMessage());
    Duration wait = options.minBackOff().multipliedBy(1L << Math.min(failures, 20));
    if (wait.compareTo(options.maxBackOff()) > 0) {
      wait = options.maxBackOff();
    }
    failures++;
    getContext()
        .getLog()
        .warn(
            "map {}: {}; attempt {} in {} ms", map.name(), failure, failures + 1, wait.toMillis());
    timers.startSingleTimer(Retry.class, new Retry<>(life), wait);
  }

  private void recovered() {
    if (failures > 0) {
      getContext().getLog().info("map {}: the kernel takes writes again", map.name());
    }
    failures = 0;
    failure = null;
  }

  private void load() {
    call(
        () -> {
          Map<K, V> entries = new LinkedHashMap<>();
          map.forEach(entries::put);
          return new Loaded<K, V>(life, entries);
        });
  }

  private void call(Supplier<Command<K, V>> work) {
    busy = true;
    CompletableFuture<Command<K, V>> result =
        memory.tail.handle((ok, failed) -> 0).thenApplyAsync(ignored -> work.get(), kernel);
    memory.tail = result;
    getContext()
        .pipeToSelf(
            result,
            (command, failed) -> {
              if (command != null) {
                return command;
              }
              Throwable cause = failed.getCause() == null ? failed : failed.getCause();
              return new Failed<>(life, cause);
            });
  }

  private Occupancy occupancy() {
    return new Occupancy(
        map.name(),
        actual == null ? 0 : actual.size(),
        map.maxEntries(),
        memory.refused,
        Optional.ofNullable(failure));
  }

  /** Hashes answer E2BIG when they are full, tries ENOSPC. */
  private static boolean isFull(Throwable cause) {
    final int e2big = 7;
    final int enospc = 28;
    return cause instanceof KernelException kernel
        && (kernel.errno() == e2big || kernel.errno() == enospc);
  }
}
