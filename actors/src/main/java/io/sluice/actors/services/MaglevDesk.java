// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import akka.actor.typed.ActorRef;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The syncer's dealings in Maglev tables: what is wished, what is agreed on, who is told. */
final class MaglevDesk {
  private final Map<ServiceName, LutTarget> targets = new HashMap<>();
  private MaglevLimits limits = MaglevLimits.DEFAULT;
  private MaglevWishes wishes = MaglevWishes.NONE;
  private long revision;
  private Set<ServiceName> unwanted = Set.of();
  private Optional<ActorRef<MaglevView>> watcher = Optional.empty();
  private Optional<MaglevView> told = Optional.empty();

  /** Whether that changes anything. */
  boolean limit(MaglevLimits now) {
    boolean changes = !limits.equals(now);
    limits = now;
    return changes;
  }

  void watch(ActorRef<MaglevView> by) {
    watcher = Optional.of(by);
    told = Optional.empty();
  }

  /** What the cluster agreed on; whether that is new. */
  boolean agreed(ServiceName name, LutTarget target) {
    LutTarget before = targets.put(name, target);
    return before == null
        || before.generation() != target.generation()
        || !before.digest().equals(target.digest());
  }

  /**
   * A whole view of the source.
   *
   * @return services that are to have a table and were not before, or the other way round
   */
  Set<ServiceName> complete(Collection<WantedService> wanted, long sourceRevision) {
    revision = sourceRevision;
    return judge(wanted);
  }

  /** The same by other limits. */
  Set<ServiceName> judge(Collection<WantedService> wanted) {
    Set<ServiceName> before = wishes.sets().keySet();
    wishes = MaglevWishes.of(wanted, limits);
    Set<ServiceName> now = wishes.sets().keySet();
    targets.keySet().retainAll(now);
    Set<ServiceName> changed = new HashSet<>(before);
    changed.removeAll(now);
    now.stream().filter(name -> !before.contains(name)).forEach(changed::add);
    return changed;
  }

  /** Tables that were found in the kernel: those that nobody wishes any more, others must hear. */
  void found(ServiceTable table) {
    Set<ServiceName> names = new HashSet<>();
    table
        .services()
        .forEach(
            (name, service) -> {
              if (table.luts().get(service.id()).isPresent()) {
                names.add(name);
              }
            });
    names.removeAll(wishes.sets().keySet());
    unwanted = names;
  }

  LutRound round() {
    return new LutRound(wishes.sets().keySet(), Map.copyOf(targets));
  }

  /** Why services have no table. */
  Map<ServiceName, String> problems() {
    return wishes.problems();
  }

  /** Tells the watcher, if there is news. */
  void tell(ServiceTable table) {
    Map<ServiceName, MaglevView.Running> running = new HashMap<>();
    table
        .services()
        .forEach(
            (name, service) ->
                table
                    .luts()
                    .get(service.id())
                    .ifPresent(
                        placed ->
                            running.put(
                                name,
                                new MaglevView.Running(
                                    placed.table().generation(), placed.digest()))));
    MaglevView view = new MaglevView(revision, wishes.sets(), unwanted, running, wishes.problems());
    if (watcher.isPresent() && !told.equals(Optional.of(view))) {
      told = Optional.of(view);
      watcher.get().tell(view);
    }
  }
}
