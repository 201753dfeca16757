// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.routes;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.NodeElement;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;

/** The maps routes4 and routes6, and what their writers have been told. For one actor. */
final class RouteMaps {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final ActorSystem<?> system;
  private final NodeElement node;
  private final Map<Family, ActorRef<MapActor.Command<RouteKey, Route>>> writers;
  private final Map<Family, Map<RouteKey, Route>> told = new EnumMap<>(Family.class);

  /**
   * @param writers neither may sweep
   */
  RouteMaps(
      ActorSystem<?> system,
      NodeElement node,
      Map<Family, ActorRef<MapActor.Command<RouteKey, Route>>> writers) {
    this.system = system;
    this.node = node;
    this.writers = Map.copyOf(writers);
  }

  /** What is in a map. */
  CompletionStage<Map<RouteKey, Route>> read(Family family) {
    CompletionStage<MapActor.Contents<RouteKey, Route>> found =
        AskPattern.ask(writers.get(family), MapActor.Read::new, TIMEOUT, system.scheduler());
    return found.thenApply(MapActor.Contents::entries);
  }

  /**
   * Takes what was read as told.
   *
   * @return whether both families have been found now
   */
  boolean found(Family family, Map<RouteKey, Route> entries) {
    told.put(family, entries);
    return told.size() == Family.values().length;
  }

  /** What the writer was told, or had found. */
  Map<RouteKey, Route> told(Family family) {
    return told.get(family);
  }

  /**
   * Tells the writers what has changed since they were told last; and, once it is in the maps and
   * another node's pods are reached another way, every flow to look again.
   *
   * @return done when all of that is; empty if nothing has changed
   */
  Optional<CompletionStage<Void>> write(Map<Family, Map<RouteKey, Route>> wanted) {
    List<CompletableFuture<Void>> writes = new ArrayList<>();
    boolean remote = false;
    for (Map.Entry<Family, Map<RouteKey, Route>> map : wanted.entrySet()) {
      Map<RouteKey, Route> want = map.getValue();
      Map<RouteKey, Route> before = told.put(map.getKey(), want);
      Map<RouteKey, Route> puts = new HashMap<>(want);
      puts.entrySet().removeIf(entry -> entry.getValue().equals(before.get(entry.getKey())));
      Set<RouteKey> removes = new HashSet<>(before.keySet());
      removes.removeAll(want.keySet());
      if (!puts.isEmpty() || !removes.isEmpty()) {
        writes.add(tell(map.getKey(), puts, removes).toCompletableFuture());
      }
      remote |=
          Stream.concat(puts.keySet().stream(), removes.stream())
              .anyMatch(key -> isRemote(before.get(key)) || isRemote(want.get(key)));
    }
    if (writes.isEmpty()) {
      return Optional.empty();
    }
    CompletionStage<Void> all = CompletableFuture.allOf(writes.toArray(CompletableFuture[]::new));
    return Optional.of(
        remote ? all.thenCompose(done -> node.bumpEpoch()).thenAccept(done -> {}) : all);
  }

  /** Tells programs this node's own addresses. A failure shows in the state of the map's writer. */
  void own(Map<Family, Ip> addresses) {
    node.own(
        addresses.getOrDefault(Family.IPV4, Ip.ANY4), addresses.getOrDefault(Family.IPV6, Ip.ANY6));
  }

  private static boolean isRemote(Route route) {
    int both = RouteFlags.ROUTE_WORKLOAD | RouteFlags.ROUTE_LOCAL;
    return route != null && (route.flags() & both) == RouteFlags.ROUTE_WORKLOAD;
  }

  private CompletionStage<Void> tell(
      Family family, Map<RouteKey, Route> puts, Set<RouteKey> removes) {
    CompletionStage<MapActor.Result<RouteKey>> reply =
        AskPattern.ask(
            writers.get(family),
            ref -> new MapActor.Update<>(puts, removes, ref),
            TIMEOUT,
            system.scheduler());
    return reply.thenAccept(
        result -> {
          if (result instanceof MapActor.Refused<RouteKey> refused) {
            throw new IllegalStateException(refused.reason());
          }
        });
  }
}
