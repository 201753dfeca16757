// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.promises;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.SnapshotAdapter;
import akka.persistence.typed.javadsl.CommandHandler;
import akka.persistence.typed.javadsl.Effect;
import akka.persistence.typed.javadsl.EventHandler;
import akka.persistence.typed.javadsl.EventSourcedBehavior;
import akka.persistence.typed.javadsl.RetentionCriteria;
import io.sluice.persistence.CborSerializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What this node has promised and must not forget: which service, backend and policy slot has which
 * number, and values that somebody wants back after a restart (a sysctl as it was before us).
 *
 * <p>Everything that is answered is in the journal. A number belongs to one key at a time, and is
 * given out again only when all others have been (SVC-2). Requests come in lists: ten thousand keys
 * cost a few events, not ten thousand.
 */
public final class Promises
    extends EventSourcedBehavior<Promises.Command, Promises.Event, Promises.State> {
  /** The one journal entry of a node: its data folder is its own. */
  public static final PersistenceId ID = PersistenceId.ofUniqueId("promises");

  /** Keys in one event: events of some hundred kilobytes at most. */
  private static final int EVENT_KEYS = 2_000;

  /** What numbers are for; each kind has its own. */
  public enum Kind {
    /** Index in the map services. Keys: ServiceName.text(). */
    SERVICE,
    /** Index in the map backend_gen. Keys: {@code service ID/address/port}. */
    BACKEND,
    /** Policy slot. Keys: the owner's choice. */
    SLOT
  }

  /** What the actor takes. */
  public sealed interface Command {}

  /**
   * Asks for the numbers of keys, old ones and new ones.
   *
   * @param replyTo told when they are in the journal
   */
  public record Assign(Kind kind, List<String> keys, ActorRef<Assigned> replyTo)
      implements Command {
    public Assign {
      keys = List.copyOf(keys);
    }
  }

  /**
   * @param ids by key
   * @param refused keys for which no number is left
   */
  public record Assigned(Kind kind, Map<String, Integer> ids, List<String> refused) {}

  /** These keys need their numbers no more; unknown keys are no error. */
  public record Release(Kind kind, Set<String> keys, ActorRef<Done> replyTo) implements Command {
    public Release {
      keys = Set.copyOf(keys);
    }
  }

  /**
   * Makes a kind's promises what the kernel agrees to: keys that are not named are forgotten.
   *
   * @param ids the promises from now on; numbers must differ
   * @param blocked numbers that somebody unknown uses in the kernel: not given out until {@link
   *     Unblock}, or a restart
   */
  public record Adopt(
      Kind kind, Map<String, Integer> ids, Set<Integer> blocked, ActorRef<Done> replyTo)
      implements Command {
    public Adopt {
      ids = new LinkedHashMap<>(ids);
      blocked = Set.copyOf(blocked);
    }
  }

  /** Numbers that nobody unknown uses any more. */
  public record Unblock(Kind kind, Set<Integer> ids) implements Command {
    public Unblock {
      ids = Set.copyOf(ids);
    }
  }

  /** Asks for all promises of a kind. */
  public record Get(Kind kind, ActorRef<Held> replyTo) implements Command {}

  public record Held(Kind kind, Map<String, Integer> ids) {}

  /**
   * Remembers and forgets values.
   *
   * @param group whose they are; the owner's choice
   */
  public record Save(
      String group, Map<String, String> values, Set<String> forget, ActorRef<Done> replyTo)
      implements Command {
    public Save {
      values = Map.copyOf(values);
      forget = Set.copyOf(forget);
    }
  }

  /** Asks for all values of a group. */
  public record GetSaved(String group, ActorRef<SavedValues> replyTo) implements Command {}

  public record SavedValues(String group, Map<String, String> values) {}

  /** What the journal holds. */
  public sealed interface Event extends CborSerializable {}

  /** Numbers were given to keys. */
  public record IdsAssigned(Kind kind, Map<String, Integer> ids) implements Event {}

  /** Keys gave their numbers back. */
  public record IdsReleased(Kind kind, Set<String> keys) implements Event {}

  /** Values were remembered and forgotten. */
  public record ValuesSaved(String group, Map<String, String> values, Set<String> forget)
      implements Event {}

  /** All of it, for snapshots. */
  public record Everything(
      Map<Kind, Map<String, Integer>> ids,
      Map<Kind, Integer> last,
      Map<String, Map<String, String>> saved)
      implements CborSerializable {}

  /** The state: changed in place, by this actor alone. Snapshots are copies. */
  public static final class State {
    private final Map<Kind, IdPool> pools = new EnumMap<>(Kind.class);
    private final Map<String, Map<String, String>> saved = new TreeMap<>();

    private State(Limits limits) {
      pools.put(Kind.SERVICE, new IdPool(limits.services()));
      pools.put(Kind.BACKEND, new IdPool(limits.backends()));
      pools.put(Kind.SLOT, new IdPool(limits.slots()));
    }
  }

  /** The highest number of each kind: one less than the entries of its map. */
  public record Limits(int services, int backends, int slots) {}

  private final Limits limits;

  /** Numbers in use by unknown owners in the kernel: found anew at each start, not remembered. */
  private final Map<Kind, BitSet> blocked = new EnumMap<>(Kind.class);

  public static Behavior<Command> create(Limits limits) {
    return create(ID, limits);
  }

  static Behavior<Command> create(PersistenceId id, Limits limits) {
    return new Promises(id, limits);
  }

  private Promises(PersistenceId id, Limits limits) {
    super(
        id,
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(200), Duration.ofSeconds(30), 0.1));
    this.limits = limits;
    for (Kind kind : Kind.values()) {
      blocked.put(kind, new BitSet());
    }
  }

  @Override
  public State emptyState() {
    return new State(limits);
  }

  @Override
  public CommandHandler<Command, Event, State> commandHandler() {
    return newCommandHandlerBuilder()
        .forAnyState()
        .onCommand(Assign.class, this::onAssign)
        .onCommand(Release.class, this::onRelease)
        .onCommand(Adopt.class, this::onAdopt)
        .onCommand(
            Unblock.class,
            (state, unblock) -> {
              unblock.ids().forEach(blocked.get(unblock.kind())::clear);
              return Effect().none();
            })
        .onCommand(
            Get.class,
            (state, get) -> {
              Map<String, Integer> ids = Map.copyOf(state.pools.get(get.kind()).byKey());
              get.replyTo().tell(new Held(get.kind(), ids));
              return Effect().none();
            })
        .onCommand(Save.class, this::onSave)
        .onCommand(
            GetSaved.class,
            (state, get) -> {
              Map<String, String> values = state.saved.getOrDefault(get.group(), Map.of());
              get.replyTo().tell(new SavedValues(get.group(), Map.copyOf(values)));
              return Effect().none();
            })
        .build();
  }

  private Effect<Event, State> onAssign(State state, Assign assign) {
    IdPool pool = state.pools.get(assign.kind());
    BitSet taken = (BitSet) blocked.get(assign.kind()).clone();
    Map<String, Integer> ids = new LinkedHashMap<>();
    Map<String, Integer> fresh = new LinkedHashMap<>();
    List<String> refused = new ArrayList<>();
    int last = pool.last();
    for (String key : new LinkedHashSet<>(assign.keys())) {
      Integer held = pool.byKey().get(key);
      if (held != null) {
        ids.put(key, held);
        continue;
      }
      int id = pool.next(last, taken);
      if (id == 0) {
        refused.add(key);
        continue;
      }
      taken.set(id);
      last = id;
      ids.put(key, id);
      fresh.put(key, id);
    }
    Assigned reply = new Assigned(assign.kind(), ids, refused);
    return Effect()
        .persist(assigned(assign.kind(), fresh))
        .thenRun(() -> assign.replyTo().tell(reply));
  }

  private Effect<Event, State> onRelease(State state, Release release) {
    Set<String> known = new LinkedHashSet<>(release.keys());
    known.retainAll(state.pools.get(release.kind()).byKey().keySet());
    return Effect()
        .persist(released(release.kind(), known))
        .thenRun(() -> release.replyTo().tell(Done.getInstance()));
  }

  private Effect<Event, State> onAdopt(State state, Adopt adopt) {
    if (new LinkedHashSet<>(adopt.ids().values()).size() != adopt.ids().size()) {
      throw new IllegalArgumentException("two promises of one number: " + adopt.kind());
    }
    BitSet taken = blocked.get(adopt.kind());
    taken.clear();
    adopt.blocked().forEach(taken::set);
    Map<String, Integer> held = state.pools.get(adopt.kind()).byKey();
    Set<String> dropped = new LinkedHashSet<>(held.keySet());
    dropped.removeIf(key -> held.get(key).equals(adopt.ids().get(key)));
    Map<String, Integer> added = new LinkedHashMap<>(adopt.ids());
    added.keySet().removeIf(key -> adopt.ids().get(key).equals(held.get(key)));
    List<Event> events = new ArrayList<>(released(adopt.kind(), dropped));
    events.addAll(assigned(adopt.kind(), added));
    return Effect().persist(events).thenRun(() -> adopt.replyTo().tell(Done.getInstance()));
  }

  private Effect<Event, State> onSave(State state, Save save) {
    Map<String, String> held = state.saved.getOrDefault(save.group(), Map.of());
    Map<String, String> values = new TreeMap<>(save.values());
    values.entrySet().removeIf(e -> e.getValue().equals(held.get(e.getKey())));
    Set<String> forget = new LinkedHashSet<>(save.forget());
    forget.removeAll(save.values().keySet());
    forget.retainAll(held.keySet());
    List<Event> events =
        values.isEmpty() && forget.isEmpty()
            ? List.of()
            : List.of(new ValuesSaved(save.group(), values, forget));
    return Effect().persist(events).thenRun(() -> save.replyTo().tell(Done.getInstance()));
  }

  private static List<Event> assigned(Kind kind, Map<String, Integer> ids) {
    List<Event> events = new ArrayList<>();
    Map<String, Integer> part = new LinkedHashMap<>();
    for (Map.Entry<String, Integer> id : ids.entrySet()) {
      part.put(id.getKey(), id.getValue());
      if (part.size() == EVENT_KEYS) {
        events.add(new IdsAssigned(kind, part));
        part = new LinkedHashMap<>();
      }
    }
    if (!part.isEmpty()) {
      events.add(new IdsAssigned(kind, part));
    }
    return events;
  }

  private static List<Event> released(Kind kind, Collection<String> keys) {
    List<Event> events = new ArrayList<>();
    List<String> all = List.copyOf(keys);
    for (int from = 0; from < all.size(); from += EVENT_KEYS) {
      int to = Math.min(all.size(), from + EVENT_KEYS);
      events.add(new IdsReleased(kind, new LinkedHashSet<>(all.subList(from, to))));
    }
    return events;
  }

  @Override
  public EventHandler<State, Event> eventHandler() {
    return newEventHandlerBuilder()
        .forAnyState()
        .onEvent(
            IdsAssigned.class,
            (state, event) -> {
              event.ids().forEach(state.pools.get(event.kind())::assign);
              return state;
            })
        .onEvent(
            IdsReleased.class,
            (state, event) -> {
              event.keys().forEach(state.pools.get(event.kind())::release);
              return state;
            })
        .onEvent(
            ValuesSaved.class,
            (state, event) -> {
              Map<String, String> values =
                  state.saved.computeIfAbsent(event.group(), group -> new TreeMap<>());
              values.keySet().removeAll(event.forget());
              values.putAll(event.values());
              return state;
            })
        .build();
  }

  @Override
  public RetentionCriteria retentionCriteria() {
    return RetentionCriteria.snapshotEvery(200, 1).withDeleteEventsOnSnapshot();
  }

  @Override
  public SnapshotAdapter<State> snapshotAdapter() {
    return new SnapshotAdapter<>() {
      @Override
      public Object toJournal(State state) {
        Map<Kind, Map<String, Integer>> ids = new EnumMap<>(Kind.class);
        Map<Kind, Integer> last = new EnumMap<>(Kind.class);
        Map<String, Map<String, String>> saved = new TreeMap<>();
        state.pools.forEach(
            (kind, pool) -> {
              ids.put(kind, new LinkedHashMap<>(pool.byKey()));
              last.put(kind, pool.last());
            });
        state.saved.forEach((group, values) -> saved.put(group, new TreeMap<>(values)));
        return new Everything(ids, last, saved);
      }

      @Override
      public State fromJournal(Object from) {
        Everything everything = (Everything) from;
        State state = new State(limits);
        everything.ids().forEach((kind, ids) -> ids.forEach(state.pools.get(kind)::assign));
        everything.last().forEach((kind, last) -> state.pools.get(kind).last(last));
        everything
            .saved()
            .forEach((group, values) -> state.saved.put(group, new TreeMap<>(values)));
        return state;
      }
    };
  }
}
