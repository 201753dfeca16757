// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.sluice.actors.limits.SlotRecount;
import io.sluice.actors.supervision.Restarts;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.layout.CtDirects;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.Sets;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Expires flows: scans both conntrack tables on a timer, judges who is dead, and has the in-kernel
 * cleaner delete those whom nobody touched since, twins together (CT-1, CT-3).
 *
 * <p>Housekeeping, never correctness: the packet path itself knows a stale backend or a moved
 * workload. It blocks in the kernel, so it runs on the kernel dispatcher. See
 * docs/design/conntrack-cleanup.md.
 */
public final class ConntrackKeeper extends AbstractBehavior<ConntrackKeeper.Command> {
  /** What the keeper takes. */
  public sealed interface Command {}

  /** New settings, from the next scan on. */
  public record Configure(Settings settings) implements Command {}

  /** Workloads have left this node: entries with these addresses that exist now are dead. */
  public record WorkloadsGone(Set<Ip> addresses) implements Command {
    public WorkloadsGone {
      addresses = Set.copyOf(addresses);
    }
  }

  /**
   * What interfaces enforce has changed: flows that it denies now are to end, within {@link
   * Settings#interval}.
   *
   * @param byNic what they enforce
   * @param sets that this looks up
   */
  public record Review(Map<String, Plans> byNic, Map<Long, IpSet> sets) implements Command {
    public Review {
      byNic = Map.copyOf(byNic);
    }
  }

  /**
   * Addresses of pods, of any node, have changed hands, and what this node enforces knows: flows
   * with one of them that are older are to end, within a moment.
   *
   * @param nobodys those that nobody has any more
   * @param taken those that somebody has who did not have them before
   * @param at when this node's policy knew, jiffies
   */
  public record OwnersChanged(Set<Ip> nobodys, Set<Ip> taken, int at) implements Command {
    public OwnersChanged {
      nobodys = Set.copyOf(nobodys);
      taken = Set.copyOf(taken);
    }
  }

  /** Asks for the figures of the last scan. */
  public record GetStats(ActorRef<Stats> replyTo) implements Command {}

  /** Scans now, and answers with its figures. */
  public record ScanNow(ActorRef<Stats> replyTo) implements Command {}

  private record Tick() implements Command {}

  private record ReviewNow() implements Command {}

  private record EndNow() implements Command {}

  /**
   * @param interval from one scan to the next
   * @param timeouts asked before each scan, so that {@code Auto} follows the kernel's settings
   */
  public record Settings(Duration interval, Supplier<Timeouts> timeouts) {
    /** Every ten seconds. */
    public static Settings of(Supplier<Timeouts> timeouts) {
      return new Settings(Duration.ofSeconds(10), timeouts);
    }
  }

  /**
   * Figures since the keeper started, but for {@code entries} and {@code scanMillis}.
   *
   * @param families of each table
   * @param scans passes over both tables
   * @param scanMillis duration of the last one
   * @param denied flows that a change of policy has ended
   * @param handedOver entries that ended because an address has another owner, or none
   */
  public record Stats(
      Map<Family, Table> families, long scans, long scanMillis, long denied, long handedOver) {
    /**
     * One table.
     *
     * @param entries at the last scan
     * @param capacity the most it can hold
     * @param deleted entries deleted, twins included
     * @param spared judged dead, but touched before the cleaner came
     * @param absent judged dead, but gone when the cleaner came
     * @param orphans deleted entries whose twin was missing
     * @param evicted estimate of live entries that the kernel evicted because the table was full
     * @param nearlyFull whether the alarm is on
     */
    public record Table(
        int entries,
        int capacity,
        long deleted,
        long spared,
        long absent,
        long orphans,
        long evicted,
        boolean nearlyFull) {
      static Table empty(int capacity) {
        return new Table(0, capacity, 0, 0, 0, 0, 0, false);
      }

      /** Occupancy from 0 to 1. */
      public double occupancy() {
        return capacity == 0 ? 0 : (double) entries / capacity;
      }
    }
  }

  /** Judgements handed to the cleaner at once: a part of what its map holds. */
  static final int CHUNK = 16384;

  /** Keys kept from one scan to the next, about, to notice evictions. */
  private static final int SAMPLE = 8192;

  private static final Duration REVIEW_DELAY = Duration.ofMillis(500);

  /** From the first handover to the pass that ends flows; longer if passes take long. */
  private static final Duration END_DELAY = Duration.ofMillis(100);

  /** Of the time, no more than one part in so many goes into passes that end flows. */
  private static final int END_SHARE = 5;

  private static final double ALARM_ON = 0.9;
  private static final double ALARM_OFF = 0.8;

  private final TimerScheduler<Command> timers;
  private final Dataplane dataplane;
  private final SlotRecount recount;
  private final Map<Family, Stats.Table> tables = new EnumMap<>(Family.class);
  private final Map<Family, Set<Integer>> samples = new EnumMap<>(Family.class);
  private final Map<Ip, Integer> gone = new HashMap<>();
  private Settings settings;
  private long scans;
  private long scanMillis;
  private final Map<String, Plans> review = new HashMap<>();
  private Map<Long, IpSet> sets = Map.of();
  private long denied;
  private final Map<Ip, Handovers.Handover> handovers = new HashMap<>();
  private Duration lastEnd = Duration.ZERO;
  private long handedOver;

  /** The keeper; a scan that fails is logged, and the next one is due as ever. */
  public static Behavior<Command> create(Dataplane dataplane, Settings settings) {
    return create(dataplane, settings, SlotRecount.NONE);
  }

  /**
   * @param recount of connections that flows hold of limits
   */
  public static Behavior<Command> create(
      Dataplane dataplane, Settings settings, SlotRecount recount) {
    return Behaviors.<Command>supervise(
            Restarts.counted(
                "conntrack",
                Behaviors.setup(
                    context ->
                        Behaviors.withTimers(
                            timers ->
                                new ConntrackKeeper(
                                    context, timers, dataplane, settings, recount)))))
        .onFailure(
            SupervisorStrategy.restartWithBackoff(
                Duration.ofSeconds(1), Duration.ofSeconds(30), 0.2));
  }

  private ConntrackKeeper(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Dataplane dataplane,
      Settings settings,
      SlotRecount recount) {
    super(context);
    this.timers = timers;
    this.dataplane = dataplane;
    this.recount = recount;
    for (Family family : Family.values()) {
      tables.put(family, Stats.Table.empty(dataplane.ct(family).maxEntries()));
    }
    configure(settings);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Tick.class, tick -> tick())
        .onMessage(Configure.class, message -> configure(message.settings()))
        .onMessage(Review.class, this::review)
        .onMessage(ReviewNow.class, now -> reviewNow())
        .onMessage(OwnersChanged.class, this::ownersChanged)
        .onMessage(EndNow.class, now -> endNow())
        .onMessage(WorkloadsGone.class, message -> workloadsGone(message.addresses()))
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

  private Behavior<Command> configure(Settings next) {
    settings = next;
    timers.startTimerWithFixedDelay("scan", new Tick(), next.interval());
    return this;
  }

  private Behavior<Command> workloadsGone(Collection<Ip> addresses) {
    int now = dataplane.jiffies();
    addresses.forEach(address -> gone.put(address, now));
    return this;
  }

  private Stats stats() {
    return new Stats(Map.copyOf(tables), scans, scanMillis, denied, handedOver);
  }

  /** What comes within a while is reviewed in one pass; the first of it does not wait longer. */
  private Behavior<Command> review(Review message) {
    review.putAll(message.byNic());
    sets = message.sets();
    if (!timers.isTimerActive(ReviewNow.class)) {
      timers.startSingleTimer(ReviewNow.class, new ReviewNow(), REVIEW_DELAY);
    }
    return this;
  }

  private Behavior<Command> reviewNow() {
    try {
      Map<Integer, Plans> workloads = new HashMap<>();
      Map<Integer, Plans> hosts = new HashMap<>();
      Map<String, Plans> later = new HashMap<>();
      dataplane
          .ifaces()
          .forEach(
              (index, iface) -> {
                Plans plans = review.get(iface.name());
                if (plans != null && (iface.flags() & IfaceFlags.IFACE_WORKLOAD) != 0) {
                  workloads.put(index, plans);
                } else if (plans != null && (iface.flags() & IfaceFlags.IFACE_HOST) != 0) {
                  if (isAsked(iface, plans)) {
                    hosts.put(index, plans);
                  } else {
                    later.put(iface.name(), plans);
                  }
                }
              });
      if (!workloads.isEmpty() || !hosts.isEmpty()) {
        review(workloads, hosts);
      }
      review.clear();
      if (later.isEmpty()) {
        sets = Map.of();
      } else {
        review.putAll(later);
        timers.startSingleTimer(ReviewNow.class, new ReviewNow(), REVIEW_DELAY);
      }
    } catch (RuntimeException e) {
      getContext().getLog().warn("review of flows: {}; it is tried again", e.getMessage());
      timers.startSingleTimer(ReviewNow.class, new ReviewNow(), REVIEW_DELAY);
    }
    return this;
  }

  private void review(Map<Integer, Plans> workloads, Map<Integer, Plans> hosts) {
    for (Family family : Family.values()) {
      FlowReview pass =
          new FlowReview(family, workloads, hosts, Sets.of(sets), hostAddresses(family));
      dataplane.ct(family).forEachRaw(pass::visit);
      denied += clean(family, pass.revoke(dataplane.ct(family)::get)).deleted();
    }
  }

  /** What comes within a while is one pass; the first of it does not wait longer. */
  private Behavior<Command> ownersChanged(OwnersChanged change) {
    change.nobodys().forEach(ip -> handovers.put(ip, new Handovers.Handover(change.at(), true)));
    change.taken().forEach(ip -> handovers.put(ip, new Handovers.Handover(change.at(), false)));
    if (!timers.isTimerActive(EndNow.class)) {
      endSoon();
    }
    return this;
  }

  private void endSoon() {
    Duration rest = lastEnd.multipliedBy(END_SHARE - 1);
    timers.startSingleTimer(
        EndNow.class, new EndNow(), rest.compareTo(END_DELAY) > 0 ? rest : END_DELAY);
  }

  private Behavior<Command> endNow() {
    long start = System.nanoTime();
    boolean complete = true;
    try {
      Set<Integer> workloads = new HashSet<>();
      dataplane
          .ifaces()
          .forEach(
              (index, iface) -> {
                if ((iface.flags() & IfaceFlags.IFACE_WORKLOAD) != 0) {
                  workloads.add(index);
                }
              });
      for (Family family : Family.values()) {
        complete &= endFlows(family, workloads);
      }
      if (complete) {
        handovers.clear();
      }
    } catch (RuntimeException e) {
      complete = false;
      getContext().getLog().warn("flows of former owners: {}; trying again", e.getMessage());
    }
    lastEnd = Duration.ofNanos(System.nanoTime() - start);
    if (!complete) {
      endSoon();
    }
    return this;
  }

  /** Whether none is left. */
  private boolean endFlows(Family family, Set<Integer> workloads) {
    Handovers its = new Handovers(family, handovers);
    if (its.size() == 0) {
      return true;
    }
    Liveness clock = new Liveness(Timeouts.DEFAULTS, dataplane.hz());
    FormerFlows pass =
        new FormerFlows(
            family, its, clock, dataplane.jiffies(), workloads, ConntrackScan.MAX_SUSPECTS);
    dataplane.ct(family).forEachRaw(pass::visit);
    handedOver += clean(family, pass.judge(dataplane.ct(family)::get)).deleted();
    return pass.complete();
  }

  /**
   * Whether a host interface's element names its programs, as it does a moment after the first of
   * them are there: before, who is to be asked again would be let through.
   */
  private static boolean isAsked(Iface iface, Plans plans) {
    return (plans.in().isEmpty() || iface.policySlot0() != 0)
        && (plans.out().isEmpty() || iface.policySlot1() != 0);
  }

  /** By routes, as programs find it out; each address is asked for once. */
  private Predicate<Ip> hostAddresses(Family family) {
    Map<Ip, Boolean> known = new HashMap<>();
    int both = RouteFlags.ROUTE_LOCAL | RouteFlags.ROUTE_WORKLOAD;
    return address ->
        known.computeIfAbsent(
            address,
            ip ->
                dataplane
                    .routes(family)
                    .get(new RouteKey(family.bits(), ip))
                    .filter(route -> (route.flags() & both) == RouteFlags.ROUTE_LOCAL)
                    .isPresent());
  }

  /** What a failed scan has not done, the next one does. */
  private Behavior<Command> tick() {
    try {
      return scan();
    } catch (RuntimeException e) {
      getContext().getLog().warn("conntrack scan: {}; the next one is due as ever", e.getMessage());
      return this;
    }
  }

  private Behavior<Command> scan() {
    long start = System.nanoTime();
    Liveness liveness = new Liveness(settings.timeouts().get(), dataplane.hz());
    Set<Ip> seen = new HashSet<>();
    boolean complete = true;
    Map<QosKey, QosUse> used = recount.begin();
    Map<QosKey, Integer> slots = new HashMap<>();
    for (Family family : Family.values()) {
      ConntrackScan scan = scan(family, liveness);
      scan.slots().forEach((key, n) -> slots.merge(key, n, Integer::sum));
      seen.addAll(scan.stillSeen());
      complete &= scan.complete();
    }
    recount.end(used, slots);
    if (complete) {
      gone.keySet().retainAll(seen);
    } else {
      getContext().getSelf().tell(new Tick());
    }
    scans++;
    scanMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    return this;
  }

  private ConntrackScan scan(Family family, Liveness liveness) {
    int capacity = dataplane.ct(family).maxEntries();
    ConntrackScan scan =
        new ConntrackScan(family, liveness, dataplane.jiffies(), gone, mask(capacity));
    Optional<Integer> made = dataplane.directs(family).get(CtDirects.CT_DIRECTS_MADE);
    dataplane.ct(family).forEachRaw(scan::visit);
    if (!scan.direct()) {
      made.ifPresent(count -> noneOfDirects(family, count));
    }
    Function<CtKey, Optional<CtValue>> lookUp = dataplane.ct(family)::get;
    Map<CtKey, CtJudged> judged = scan.judge(lookUp);
    Dataplane.CleanResult cleaned = clean(family, judged);
    Stats.Table before = tables.get(family);
    long evicted = before.evicted() + evicted(family, scan, before, judged);
    Stats.Table table =
        new Stats.Table(
            scan.entries(),
            capacity,
            before.deleted() + cleaned.deleted(),
            before.spared() + cleaned.spared(),
            before.absent() + cleaned.absent(),
            before.orphans() + scan.orphans(),
            evicted,
            before.nearlyFull());
    tables.put(family, alarm(family, table));
    return scan;
  }

  /** Programs need not look for direct flows until there are more than these. */
  private void noneOfDirects(Family family, int made) {
    var directs = dataplane.directs(family);
    if (directs.get(CtDirects.CT_DIRECTS_OVER).orElse(0) != made) {
      directs.put(CtDirects.CT_DIRECTS_OVER, made);
    }
  }

  private Dataplane.CleanResult clean(Family family, Map<CtKey, CtJudged> judged) {
    long deleted = 0;
    long spared = 0;
    long absent = 0;
    for (Map<CtKey, CtJudged> chunk : chunks(judged)) {
      Dataplane.CleanResult result = dataplane.clean(family, chunk);
      deleted += result.deleted();
      spared += result.spared();
      absent += result.absent();
    }
    return new Dataplane.CleanResult(deleted, spared, absent);
  }

  private static List<Map<CtKey, CtJudged>> chunks(Map<CtKey, CtJudged> judged) {
    if (judged.size() <= CHUNK) {
      return judged.isEmpty() ? List.of() : List.of(judged);
    }
    List<Map<CtKey, CtJudged>> chunks = new java.util.ArrayList<>();
    Map<CtKey, CtJudged> chunk = new HashMap<>();
    for (Map.Entry<CtKey, CtJudged> entry : judged.entrySet()) {
      chunk.put(entry.getKey(), entry.getValue());
      if (chunk.size() == CHUNK) {
        chunks.add(chunk);
        chunk = new HashMap<>();
      }
    }
    if (!chunk.isEmpty()) {
      chunks.add(chunk);
    }
    return chunks;
  }

  /** Sampling one key in a power of two, so that about {@link #SAMPLE} of a full table are kept. */
  private static int mask(int capacity) {
    int parts = Integer.highestOneBit(Math.max(1, capacity / SAMPLE));
    return parts - 1;
  }

  /**
   * Keys that were there at the scan before, and went without having been judged. Only a table that
   * is nearly full evicts; what goes from an emptier one was replaced.
   */
  private long evicted(
      Family family, ConntrackScan scan, Stats.Table before, Map<CtKey, CtJudged> judged) {
    Set<Integer> now = scan.sample();
    Set<Integer> previous = samples.put(family, now);
    long missing =
        previous == null || before.occupancy() < ALARM_OFF
            ? 0
            : previous.stream().filter(hash -> !now.contains(hash)).count();
    judged.forEach(
        (key, judgement) -> {
          now.remove(scan.hash(key));
          now.remove(scan.hash(judgement.twin()));
        });
    return missing * (mask(before.capacity()) + 1L);
  }

  private Stats.Table alarm(Family family, Stats.Table table) {
    boolean on = table.occupancy() > (table.nearlyFull() ? ALARM_OFF : ALARM_ON);
    if (on && !table.nearlyFull()) {
      getContext()
          .getLog()
          .warn(
              "conntrack table ct{} is {} % full ({} of {} entries): the kernel will evict flows;"
                  + " raise bpfMapSizeConntrack",
              family.number(),
              Math.round(100 * table.occupancy()),
              table.entries(),
              table.capacity());
    } else if (!on && table.nearlyFull()) {
      getContext()
          .getLog()
          .info(
              "conntrack table ct{} is {} % full again",
              family.number(), Math.round(100 * table.occupancy()));
    }
    return new Stats.Table(
        table.entries(),
        table.capacity(),
        table.deleted(),
        table.spared(),
        table.absent(),
        table.orphans(),
        table.evicted(),
        on);
  }
}
