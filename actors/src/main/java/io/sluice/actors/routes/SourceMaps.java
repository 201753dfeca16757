// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.NodeElement;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.NodeSourceKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The maps node_sources4 and node_sources6, and what their writers have been told. For one actor.
 */
final class SourceMaps {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final ActorSystem<?> system;
  private final NodeElement node;
  private final Map<Family, ActorRef<MapActor.Command<NodeSourceKey, Integer>>> writers;
  private final Set<NodeSourceKey> told = new HashSet<>();
  private List<String> problems = List.of();

  /**
   * @param writers neither may sweep
   */
  SourceMaps(
      ActorSystem<?> system,
      NodeElement node,
      Map<Family, ActorRef<MapActor.Command<NodeSourceKey, Integer>>> writers) {
    this.system = system;
    this.node = node;
    this.writers = Map.copyOf(writers);
  }

  /** What is in a map. */
  CompletionStage<Set<NodeSourceKey>> read(Family family) {
    CompletionStage<MapActor.Contents<NodeSourceKey, Integer>> found =
        AskPattern.ask(writers.get(family), MapActor.Read::new, TIMEOUT, system.scheduler());
    return found.thenApply(contents -> contents.entries().keySet());
  }

  /** Takes what was read as told. */
  void found(Set<NodeSourceKey> entries) {
    told.addAll(entries);
  }

  /**
   * Tells the writers what has changed since they were told last; and, once something is gone from
   * the maps, every flow to look again.
   *
   * @param complete whether what is not wanted may go
   * @return done when all of that is, with the writers' answers; empty if nothing has changed
   */
  Optional<CompletionStage<List<MapActor.Result<NodeSourceKey>>>> write(
      Set<NodeSourceKey> wanted, boolean complete) {
    Set<NodeSourceKey> puts = new HashSet<>(wanted);
    puts.removeAll(told);
    Set<NodeSourceKey> removes = new HashSet<>();
    if (complete) {
      removes.addAll(told);
      removes.removeAll(wanted);
    }
    if (puts.isEmpty() && removes.isEmpty()) {
      return Optional.empty();
    }
    told.addAll(puts);
    told.removeAll(removes);
    List<CompletableFuture<MapActor.Result<NodeSourceKey>>> writes = new ArrayList<>();
    for (Family family : Family.values()) {
      writes.add(tell(family, of(family, puts), of(family, removes)).toCompletableFuture());
    }
    CompletionStage<List<MapActor.Result<NodeSourceKey>>> all =
        writes.get(0).thenCombine(writes.get(1), List::of);
    return Optional.of(
        removes.isEmpty()
            ? all
            : all.thenCompose(results -> node.bumpEpoch().thenApply(done -> results)));
  }

  /** What had no room is asked for again with the next write. */
  void wrote(List<MapActor.Result<NodeSourceKey>> results) {
    Set<String> reasons = new TreeSet<>();
    for (MapActor.Result<NodeSourceKey> result : results) {
      if (result instanceof MapActor.Refused<NodeSourceKey> refused) {
        told.removeAll(refused.keys());
        reasons.add(refused.reason());
      }
    }
    problems = List.copyOf(reasons);
  }

  /** What keeps pods of other nodes from sending as they may, a line each. */
  List<String> problems() {
    return problems;
  }

  private static Set<NodeSourceKey> of(Family family, Set<NodeSourceKey> keys) {
    return keys.stream().filter(key -> key.addr().family() == family).collect(Collectors.toSet());
  }

  private CompletionStage<MapActor.Result<NodeSourceKey>> tell(
      Family family, Set<NodeSourceKey> puts, Set<NodeSourceKey> removes) {
    Map<NodeSourceKey, Integer> entries =
        puts.stream().collect(Collectors.toMap(Function.identity(), key -> 1));
    return AskPattern.ask(
        writers.get(family),
        ref -> new MapActor.Update<>(entries, removes, ref),
        TIMEOUT,
        system.scheduler());
  }
}
