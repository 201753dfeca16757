// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.pattern.StatusReply;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.Sysctls;
import io.sluice.actors.supervision.Restarts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Owner of the nftables table {@code inet sluice}, which drops what no program guards (see {@link
 * Ruleset}). It puts the whole table up in one transaction, adopts one of the same rules without
 * touching it, and repairs it when somebody flushes it. It blocks in the kernel: spawn it on the
 * kernel dispatcher.
 */
public final class TablesKeeper extends AbstractBehavior<TablesKeeper.Command> {
  /** What the keeper takes. */
  public sealed interface Command {}

  /**
   * Puts the table up. Before this, {@link Admit} and {@link Expel} only take note.
   *
   * @param prefixes of workload interfaces' names
   * @param ready the interfaces (ifindex to name) that are guarded already
   */
  public record Begin(
      List<String> prefixes, Map<Integer, String> ready, ActorRef<StatusReply<Done>> replyTo)
      implements Command {
    public Begin {
      prefixes = List.copyOf(prefixes);
      ready = Map.copyOf(ready);
    }
  }

  /** An interface is guarded by programs from now on: let its traffic through. */
  public record Admit(int ifindex, String nic, ActorRef<StatusReply<Done>> replyTo)
      implements Command {}

  /** An interface is not guarded any more; nothing happens if the index is another's by now. */
  public record Expel(int ifindex, String nic, ActorRef<StatusReply<Done>> replyTo)
      implements Command {}

  /**
   * Some service has, or none has any more, a backend outside of the cluster, whose answers come
   * back here only to this host's address. Until the first of these, what is found counts.
   */
  public record Masquerade(boolean needed) implements Command {}

  /** Asks for the table's state. */
  public record GetStatus(ActorRef<Status> replyTo) implements Command {}

  private record Check() implements Command {}

  private record Flush() implements Command {}

  /**
   * @param present whether the table was there, as wanted, when last looked at
   * @param conntrack whether it asks kernel conntrack
   * @param drops packets dropped, by counter: unready_in, unready_out, unseen_in, midflow
   */
  public record Status(boolean present, boolean conntrack, Map<String, Long> drops) {}

  private static final Duration CHECK_INTERVAL = Duration.ofSeconds(30);
  private static final String CONNTRACK_COUNT = "net/netfilter/nf_conntrack_count";

  private final Nftables nft;
  private final Sysctls sysctls;
  private final HostNet net;
  private final Memory memory;
  private final Set<Integer> added = new TreeSet<>();
  private final Set<Integer> removed = new TreeSet<>();
  private final List<ActorRef<StatusReply<Done>>> waiting = new ArrayList<>();
  private boolean present;

  /** What outlives a restart. */
  private static final class Memory {
    private final Map<Integer, String> ready = new TreeMap<>();
    private Optional<Ruleset> rules = Optional.empty();
    private Optional<Boolean> masquerade = Optional.empty();

    /** What kernel conntrack knows may be of our own asking: no sign of others any more. */
    private boolean tracksForUs;
  }

  /**
   * The keeper; a table that the kernel refuses is tried again, and nothing is admitted until then.
   */
  public static Behavior<Command> create(Nftables nft, Sysctls sysctls, HostNet net) {
    Memory memory = new Memory();
    return Behaviors.<Command>supervise(
            Restarts.counted(
                "tables",
                Behaviors.setup(
                    context ->
                        Behaviors.withTimers(
                            timers ->
                                new TablesKeeper(context, timers, nft, sysctls, net, memory)))))
        .onFailure(
            SupervisorStrategy.restartWithBackoff(
                Duration.ofMillis(200), Duration.ofSeconds(30), 0.2));
  }

  private TablesKeeper(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Nftables nft,
      Sysctls sysctls,
      HostNet net,
      Memory memory) {
    super(context);
    this.nft = nft;
    this.sysctls = sysctls;
    this.net = net;
    this.memory = memory;
    timers.startTimerWithFixedDelay(Check.class, new Check(), CHECK_INTERVAL);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Begin.class, this::begin)
        .onMessage(Admit.class, this::admit)
        .onMessage(Expel.class, this::expel)
        .onMessage(Masquerade.class, this::masquerade)
        .onMessage(Flush.class, flush -> flush())
        .onMessage(GetStatus.class, this::status)
        .onMessage(
            Check.class,
            check -> {
              repair();
              return this;
            })
        .build();
  }

  private Behavior<Command> begin(Begin begin) {
    begin.ready().forEach(memory.ready::putIfAbsent);
    begin
        .replyTo()
        .tell(
            attempt(
                () -> {
                  memory.rules = Optional.of(firstRules(begin.prefixes()));
                  apply();
                }));
    return this;
  }

  /**
   * By what is there: a table that masquerades has kernel conntrack at work by itself, and goes on
   * masquerading until it is known that nobody needs it.
   */
  private Ruleset firstRules(List<String> prefixes) {
    Optional<Nftables.Found> found =
        nft.find().filter(table -> table.counters().containsKey(Ruleset.MASQUERADED));
    boolean masquerade = memory.masquerade.orElse(found.isPresent());
    memory.tracksForUs |= found.isPresent() || masquerade;
    Ruleset ours = new Ruleset(prefixes, false, true);
    boolean nobodyElse = found.map(Nftables.Found::build).filter(ours.build()::equals).isPresent();
    return new Ruleset(prefixes, !nobodyElse && conntrackAtWork(), masquerade);
  }

  private Behavior<Command> masquerade(Masquerade message) {
    memory.masquerade = Optional.of(message.needed());
    memory.tracksForUs |= message.needed();
    memory
        .rules
        .filter(rules -> rules.masquerade() != message.needed())
        .ifPresent(
            rules -> {
              memory.rules =
                  Optional.of(new Ruleset(rules.prefixes(), rules.conntrack(), message.needed()));
              if (attempt(this::apply).isError()) {
                getContext().getLog().warn("table inet sluice: not applied; trying again");
              }
            });
    return this;
  }

  /**
   * Whether something in this namespace has kernel conntrack track flows. It tracks as long as a
   * rule of anybody needs it, so a table that asks it keeps it at work: once yes, always yes.
   */
  private boolean conntrackAtWork() {
    return sysctls.read(CONNTRACK_COUNT).map(Integer::parseInt).orElse(0) > 0;
  }

  private Behavior<Command> admit(Admit admit) {
    if (memory.ready.put(admit.ifindex(), admit.nic()) == null) {
      added.add(admit.ifindex());
      removed.remove(admit.ifindex());
    }
    return later(admit.replyTo());
  }

  private Behavior<Command> expel(Expel expel) {
    if (memory.ready.remove(expel.ifindex(), expel.nic())) {
      removed.add(expel.ifindex());
      added.remove(expel.ifindex());
    }
    return later(expel.replyTo());
  }

  /** What comes while the kernel is busy with one transaction becomes the next one together. */
  private Behavior<Command> later(ActorRef<StatusReply<Done>> replyTo) {
    if (waiting.isEmpty()) {
      getContext().getSelf().tell(new Flush());
    }
    waiting.add(replyTo);
    return this;
  }

  private Behavior<Command> flush() {
    StatusReply<Done> reply = attempt(this::write);
    added.clear();
    removed.clear();
    waiting.forEach(replyTo -> replyTo.tell(reply));
    waiting.clear();
    return this;
  }

  private void write() {
    if (!present) {
      apply();
    } else if (!added.isEmpty() || !removed.isEmpty()) {
      change(
          (added.isEmpty() ? "" : Ruleset.add(added))
              + (removed.isEmpty() ? "" : Ruleset.remove(removed)));
    }
  }

  /** Changes elements; where the kernel's set is not what we believe, makes all of it so. */
  private void change(String commands) {
    try {
      nft.run(commands);
    } catch (RuntimeException e) {
      getContext().getLog().debug("table inet sluice: {}", e.getMessage());
      apply();
    }
  }

  private StatusReply<Done> attempt(Runnable work) {
    try {
      work.run();
      return StatusReply.ack();
    } catch (RuntimeException e) {
      present = false;
      return StatusReply.error("table inet sluice: " + e.getMessage());
    }
  }

  private static Map<String, Long> drops(Map<String, Long> counters) {
    Map<String, Long> drops = new TreeMap<>(counters);
    drops.remove(Ruleset.MASQUERADED);
    return drops;
  }

  private void repair() {
    if (memory.rules.isEmpty()) {
      return;
    }
    try {
      Ruleset rules = memory.rules.get();
      if (!rules.conntrack() && !memory.tracksForUs && conntrackAtWork()) {
        memory.rules = Optional.of(new Ruleset(rules.prefixes(), true, rules.masquerade()));
        apply();
      } else if (present && apply()) {
        getContext().getLog().warn("table inet sluice was changed by somebody else: put back");
      } else if (!present) {
        apply();
      }
    } catch (RuntimeException e) {
      present = false;
      getContext().getLog().warn("table inet sluice: {}; trying again", e.getMessage());
    }
  }

  /**
   * Makes the kernel's table equal to the wanted one, in one transaction, if it is not.
   *
   * @return whether anything was written
   */
  private boolean apply() {
    if (memory.rules.isEmpty()) {
      return false;
    }
    Ruleset rules = memory.rules.get();
    Optional<Nftables.Found> found = nft.find();
    boolean written = true;
    if (found.isEmpty() || !found.get().build().equals(rules.build())) {
      nft.run(rules.replace(memory.ready.keySet()));
    } else if (!indexes(found.get().ready()).equals(memory.ready.keySet())) {
      nft.run(Ruleset.setTo(memory.ready.keySet()));
    } else {
      written = false;
    }
    present = true;
    return written;
  }

  /** nft tells an interface that exists by name, and one that does not by index. */
  private Set<Integer> indexes(Set<String> elements) {
    Map<String, Integer> byName = new TreeMap<>();
    net.nics().forEach(nic -> byName.put(nic.name(), nic.index()));
    Set<Integer> indexes = new TreeSet<>();
    for (String element : elements) {
      Integer index = byName.get(element);
      if (index != null) {
        indexes.add(index);
      } else if (element.matches("[0-9]{1,9}")) {
        indexes.add(Integer.parseInt(element));
      } else {
        indexes.add(0); // renamed or gone just now: no index is 0, so the set gets written
      }
    }
    return indexes;
  }

  private Behavior<Command> status(GetStatus get) {
    Optional<Nftables.Found> found;
    try {
      found = nft.find();
    } catch (RuntimeException e) {
      found = Optional.empty();
    }
    get.replyTo()
        .tell(
            new Status(
                present && found.isPresent(),
                memory.rules.map(Ruleset::conntrack).orElse(false),
                found.map(table -> drops(table.counters())).orElse(Map.of())));
    return this;
  }
}
