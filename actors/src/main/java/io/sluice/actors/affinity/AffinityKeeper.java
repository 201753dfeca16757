// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.affinity;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.affinity.AffinityJudge.Cause;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Family;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Deletes elements of the affinity maps that are good for nothing: scans both on a timer, and
 * deletes those of services that are no more or have no affinity, of dead backends, and those older
 * than the service's time. Nobody else deletes any (SVC-5).
 *
 * <p>Housekeeping, never correctness: such an element is a miss for the programs. It blocks in the
 * kernel, so it runs on the kernel dispatcher. See docs/design/session-affinity.md.
 */
public final class AffinityKeeper extends AbstractBehavior<AffinityKeeper.Command> {
  /** What the keeper takes. */
  public sealed interface Command {}

  /** The source is in sync: from now on services that are not in the kernel are no more (AG-3). */
  public record SourceInSync() implements Command {}

  /** Asks for the figures of the last scan. */
  public record GetStats(ActorRef<Stats> replyTo) implements Command {}

  /** Scans now, if the source is in sync, and answers with the figures. */
  public record ScanNow(ActorRef<Stats> replyTo) implements Command {}

  private record Tick() implements Command {}

  /**
   * @param interval from one scan to the next
   * @param least a time that holds for all services where theirs is shorter: that of other writers
   *     of the maps. There are none yet
   */
  public record Settings(Duration interval, Duration least) {
    /** Every ten seconds, by the services' own times. */
    public static final Settings DEFAULT = new Settings(Duration.ofSeconds(10), Duration.ZERO);
  }

  /**
   * Figures since the keeper started, but for {@code entries}.
   *
   * @param scans passes over both maps
   */
  public record Stats(Map<Family, Table> families, long scans) {
    /**
     * One map.
     *
     * @param entries after the last scan
     * @param capacity the most it can hold; beyond that the kernel evicts those used least lately
     * @param ofServices deleted because the service is no more, or has no affinity
     * @param ofBackends deleted because the backend is no more
     * @param old deleted for their age
     * @param spared judged, but changed before they could be deleted
     */
    public record Table(
        int entries, int capacity, long ofServices, long ofBackends, long old, long spared) {}
  }

  /** What outlives a restart. */
  private static final class Memory {
    private boolean inSync;
  }

  /** Elements that are looked at again together, just before they are deleted. */
  private static final int CHUNK = 256;

  private final Dataplane dataplane;
  private final Settings settings;
  private final Memory memory;
  private final Map<Family, Stats.Table> tables = new EnumMap<>(Family.class);
  private long scans;

  /** The keeper; a scan that fails is logged, and the next one is due as ever. */
  public static Behavior<Command> create(Dataplane dataplane, Settings settings) {
    Memory memory = new Memory();
    Behavior<Command> keeper =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> new AffinityKeeper(context, timers, dataplane, settings, memory)));
    return Behaviors.supervise(Restarts.counted("affinity", keeper))
        .onFailure(
            SupervisorStrategy.restartWithBackoff(
                Duration.ofSeconds(1), Duration.ofSeconds(30), 0.2));
  }

  private AffinityKeeper(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Dataplane dataplane,
      Settings settings,
      Memory memory) {
    super(context);
    this.dataplane = dataplane;
    this.settings = settings;
    this.memory = memory;
    for (Family family : Family.values()) {
      int capacity = dataplane.affinity(family).maxEntries();
      tables.put(family, new Stats.Table(0, capacity, 0, 0, 0, 0));
    }
    timers.startTimerWithFixedDelay(new Tick(), settings.interval());
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(
            SourceInSync.class,
            sync -> {
              memory.inSync = true;
              return this;
            })
        .onMessage(Tick.class, tick -> tick())
        .onMessage(
            ScanNow.class,
            message -> {
              scan();
              message.replyTo().tell(stats());
              return this;
            })
        .onMessage(
            GetStats.class,
            message -> {
              message.replyTo().tell(stats());
              return this;
            })
        .build();
  }

  private Stats stats() {
    return new Stats(Map.copyOf(tables), scans);
  }

  /** What a failed scan has not done, the next one does. */
  private Behavior<Command> tick() {
    try {
      scan();
    } catch (RuntimeException e) {
      getContext().getLog().warn("affinity scan: {}; the next one is due as ever", e.getMessage());
    }
    return this;
  }

  private void scan() {
    if (!memory.inSync) {
      return;
    }
    for (Family family : Family.values()) {
      scan(family);
    }
    scans++;
  }

  private void scan(Family family) {
    TypedMap<AffinityKey, Affinity> map = dataplane.affinity(family);
    Map<AffinityKey, Affinity> all = new HashMap<>();
    map.forEach(all::put);
    // Services and backends are read after the elements: what an element knows, they know, too.
    AffinityJudge judge = new AffinityJudge(dataplane, family, settings.least());
    Map<AffinityKey, Affinity> judged = new HashMap<>();
    Map<AffinityKey, Cause> causes = new HashMap<>();
    all.forEach(
        (key, element) ->
            judge
                .judge(key, element)
                .ifPresent(
                    cause -> {
                      judged.put(key, element);
                      causes.put(key, cause);
                    }));
    List<AffinityKey> gone = deleteUnchanged(map, judged);
    Map<Cause, Long> deleted = new EnumMap<>(Cause.class);
    gone.forEach(key -> deleted.merge(causes.get(key), 1L, Long::sum));
    Stats.Table before = tables.get(family);
    tables.put(
        family,
        new Stats.Table(
            all.size() - gone.size(),
            before.capacity(),
            before.ofServices() + deleted.getOrDefault(Cause.SERVICE, 0L),
            before.ofBackends() + deleted.getOrDefault(Cause.BACKEND, 0L),
            before.old() + deleted.getOrDefault(Cause.AGE, 0L),
            before.spared() + judged.size() - gone.size()));
  }

  /**
   * Deletes what is still as it was judged. A program may renew an element between the second look
   * and the deletion: for it the element was a miss, so it has chosen by hash, and chooses the same
   * when it finds none.
   */
  private static List<AffinityKey> deleteUnchanged(
      TypedMap<AffinityKey, Affinity> map, Map<AffinityKey, Affinity> judged) {
    List<AffinityKey> deleted = new ArrayList<>();
    List<AffinityKey> chunk = new ArrayList<>();
    int left = judged.size();
    for (Map.Entry<AffinityKey, Affinity> entry : judged.entrySet()) {
      left--;
      if (map.get(entry.getKey()).filter(entry.getValue()::equals).isPresent()) {
        chunk.add(entry.getKey());
      }
      if (chunk.size() == CHUNK || left == 0) {
        map.removeAll(chunk);
        deleted.addAll(chunk);
        chunk.clear();
      }
    }
    return deleted;
  }
}
