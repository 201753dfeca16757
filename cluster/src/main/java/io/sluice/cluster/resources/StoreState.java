// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.cluster.resources.Commit.Change;
import io.sluice.cluster.resources.Commit.Outcome;
import io.sluice.cluster.resources.Commit.Verb;
import io.sluice.cluster.resources.Submission.Item;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** What the store holds, in memory: judges requests, and applies commits. Used by one thread. */
final class StoreState {
  /** Bytes of all resources together, which every node holds in memory. */
  static final long MOST_BYTES = 64L << 20;

  /** Answers that are remembered for those who ask again. */
  private static final int OUTCOMES = 64;

  private final Clock clock;
  private final Map<Ref, Stored> all = new HashMap<>();
  private final Map<String, Ref> owners = new HashMap<>();
  private final LinkedHashMap<String, Outcome> outcomes = new LinkedHashMap<>();
  private String store;
  private long version;
  private long created;
  private long bytes;

  /** What is to be done about a request. */
  sealed interface Judgement {}

  /**
   * It may be done.
   *
   * @param commit nothing: there is nothing to be done
   */
  record Accepted(Outcome outcome, Optional<Commit> commit) implements Judgement {}

  /**
   * It may not.
   *
   * @param conflict whether another state of the store would allow it
   */
  record Refused(boolean conflict, List<String> reasons) implements Judgement {
    Refused {
      reasons = List.copyOf(reasons);
    }
  }

  StoreState(Clock clock) {
    this.clock = clock;
    this.store = UUID.randomUUID().toString();
  }

  /** Which store this is: another one begins at version 0 again. */
  String store() {
    return store;
  }

  long version() {
    return version;
  }

  int size() {
    return all.size();
  }

  long bytes() {
    return bytes;
  }

  Optional<Stored> find(Ref ref) {
    return Optional.ofNullable(all.get(ref));
  }

  /** As it is now; what comes later does not change it. */
  Codec.Snapshot snapshot() {
    return new Codec.Snapshot(
        store, version, created, List.copyOf(outcomes.values()), new HashMap<>(all));
  }

  /** Begins with that. */
  void restore(Codec.Snapshot snapshot) {
    store = snapshot.store();
    version = snapshot.version();
    created = snapshot.created();
    snapshot.outcomes().forEach(outcome -> outcomes.put(outcome.request(), outcome));
    snapshot.all().forEach(this::put);
  }

  /**
   * Says what a request would change, without changing anything.
   *
   * @return what was answered before, if it is a request that was done already
   */
  Judgement judge(Submission submission) {
    Outcome before = outcomes.get(submission.id());
    if (before != null) {
      return new Accepted(before, Optional.empty());
    }
    List<String> conflicts = new ArrayList<>();
    List<Change> changes = new ArrayList<>();
    StringBuilder verbs = new StringBuilder();
    long next = version + 1;
    long time = Math.max(created, ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant()));
    for (Item item : submission.items()) {
      Stored stored = all.get(item.ref());
      stale(item, stored).ifPresent(conflicts::add);
      Verb verb = verb(item, stored);
      verbs.append(verb.code());
      if (verb == Verb.DELETED) {
        changes.add(new Change(item.ref(), Optional.empty()));
      } else if (verb == Verb.CREATED) {
        String uid = UUID.randomUUID().toString();
        Stored now = new Stored(next, uid, ++time, item.body(), item.claims());
        changes.add(new Change(item.ref(), Optional.of(now)));
      } else if (verb == Verb.CONFIGURED) {
        Stored now = new Stored(next, stored.uid(), stored.created(), item.body(), item.claims());
        changes.add(new Change(item.ref(), Optional.of(now)));
      }
    }
    conflicts.addAll(claimed(changes));
    if (!conflicts.isEmpty()) {
      return new Refused(true, conflicts);
    }
    long grown = bytes + growth(changes);
    if (grown > MOST_BYTES && grown > bytes) {
      return new Refused(
          false,
          List.of(
              "the store is full: %d MiB of resources would be more than %d MiB"
                  .formatted(grown >> 20, MOST_BYTES >> 20)));
    }
    Outcome outcome =
        new Outcome(submission.id(), changes.isEmpty() ? version : next, verbs.toString());
    return new Accepted(
        outcome,
        changes.isEmpty() || submission.dryRun()
            ? Optional.empty()
            : Optional.of(new Commit(next, outcome, changes)));
  }

  private long growth(List<Change> changes) {
    long growth = 0;
    for (Change change : changes) {
      Stored before = all.get(change.ref());
      growth += change.now().map(Stored::size).orElse(0) - (before == null ? 0 : before.size());
    }
    return growth;
  }

  private static Verb verb(Item item, Stored stored) {
    if (item.deletes()) {
      return stored == null ? Verb.NOT_FOUND : Verb.DELETED;
    }
    if (stored == null) {
      return Verb.CREATED;
    }
    return Documents.same(stored.body(), item.body()) ? Verb.UNCHANGED : Verb.CONFIGURED;
  }

  private static Optional<String> stale(Item item, Stored stored) {
    if (item.expected() == 0 || stored != null && stored.version() == item.expected()) {
      return Optional.empty();
    }
    return Optional.of(
        item.ref()
            + ": metadata.resourceVersion: has changed: yours is "
            + item.expected()
            + (stored == null
                ? ", it is not there any more"
                : ", the store's is " + stored.version())
            + "; get it again");
  }

  /** Claims of the changes that are another's, now or by the same request. */
  private List<String> claimed(List<Change> changes) {
    Set<Ref> changed = new HashSet<>();
    changes.forEach(change -> changed.add(change.ref()));
    Map<String, Ref> taken = new HashMap<>();
    List<String> conflicts = new ArrayList<>();
    for (Change change : changes) {
      for (String claim : change.now().map(Stored::claims).orElse(List.of())) {
        Ref owner = owners.get(claim);
        if (owner == null || changed.contains(owner)) {
          owner = taken.putIfAbsent(claim, change.ref());
        }
        if (owner != null && !owner.equals(change.ref())) {
          conflicts.add(change.ref() + ": " + claim + " belongs to " + owner + " already");
        }
      }
    }
    return conflicts;
  }

  /** Makes it so. */
  void apply(Commit commit) {
    if (commit.version() != version + 1) {
      throw new IllegalStateException(
          "commit " + commit.version() + " does not follow version " + version);
    }
    version = commit.version();
    // What is released first may be claimed by another resource of the same commit.
    commit.changes().forEach(change -> remove(change.ref()));
    commit.changes().forEach(change -> change.now().ifPresent(now -> put(change.ref(), now)));
    outcomes.put(commit.outcome().request(), commit.outcome());
    if (outcomes.size() > OUTCOMES) {
      outcomes.remove(outcomes.keySet().iterator().next());
    }
  }

  private void put(Ref ref, Stored stored) {
    all.put(ref, stored);
    created = Math.max(created, stored.created());
    bytes += stored.size();
    stored.claims().forEach(claim -> owners.put(claim, ref));
  }

  private void remove(Ref ref) {
    Stored before = all.remove(ref);
    if (before != null) {
      bytes -= before.size();
      before.claims().forEach(claim -> owners.remove(claim, ref));
    }
  }
}
