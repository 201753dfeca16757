// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.japi.function.Function;
import io.sluice.actors.maps.MapActor;
import io.sluice.actors.maps.MapManager;
import io.sluice.actors.promises.Promises;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.SourceRangeKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The syncer's way to the maps' writers and to the promises: requests that complete later. */
final class ServiceMaps {
  /** Where the promises keep the note that frontends are being added. */
  private static final String GROUP = "service-sync";

  private static final String NOTE = "adding-frontends";

  /** Writers retry for as long as it takes; the limit only ends what can never end. */
  private static final Duration LIMIT = Duration.ofDays(1);

  /**
   * What there is at the start.
   *
   * @param noted an agent stopped while it was adding frontends
   */
  record Found(
      KernelView kernel,
      Map<String, Integer> services,
      Map<String, Integer> backends,
      boolean noted) {}

  /** Something for which its map had no room. */
  sealed interface Refusal {
    /** A frontend. */
    record OfFrontend(FrontendKey key, String reason) implements Refusal {}

    /** A source range. */
    record OfRange(SourceRangeKey key, String reason) implements Refusal {}
  }

  private final ActorSystem<?> system;
  private final MapManager.Writers writers;
  private final ActorRef<Promises.Command> promises;

  ServiceMaps(
      ActorSystem<?> system, MapManager.Writers writers, ActorRef<Promises.Command> promises) {
    this.system = system;
    this.writers = writers;
    this.promises = promises;
  }

  private <Q, A> CompletableFuture<A> ask(ActorRef<Q> of, Function<ActorRef<A>, Q> question) {
    return AskPattern.ask(of, question, LIMIT, system.scheduler()).toCompletableFuture();
  }

  private <K, V> CompletableFuture<MapActor.Contents<K, V>> contents(
      ActorRef<MapActor.Command<K, V>> writer) {
    return ask(writer, MapActor.Read<K, V>::new);
  }

  CompletionStage<Found> read() {
    var frontends4 = contents(writers.frontends4());
    var frontends6 = contents(writers.frontends6());
    var services = contents(writers.services());
    var backends4 = contents(writers.backends4());
    var backends6 = contents(writers.backends6());
    var gens = contents(writers.backendGen());
    var maglev = contents(writers.maglev());
    var ranges4 = contents(writers.sourceRanges4());
    var ranges6 = contents(writers.sourceRanges6());
    CompletableFuture<Promises.Held> heldServices =
        ask(promises, replyTo -> new Promises.Get(Promises.Kind.SERVICE, replyTo));
    CompletableFuture<Promises.Held> heldBackends =
        ask(promises, replyTo -> new Promises.Get(Promises.Kind.BACKEND, replyTo));
    CompletableFuture<Promises.SavedValues> note =
        ask(promises, replyTo -> new Promises.GetSaved(GROUP, replyTo));
    return CompletableFuture.allOf(
            frontends4,
            frontends6,
            services,
            backends4,
            backends6,
            gens,
            maglev,
            ranges4,
            ranges6,
            heldServices,
            heldBackends,
            note)
        .thenApply(
            all -> {
              Map<FrontendKey, Frontend> frontends = new HashMap<>(frontends4.join().entries());
              frontends.putAll(frontends6.join().entries());
              Set<SourceRangeKey> ranges = new HashSet<>(ranges4.join().entries().keySet());
              ranges.addAll(ranges6.join().entries().keySet());
              KernelView kernel =
                  new KernelView(
                      frontends,
                      services.join().entries(),
                      Map.of(
                          Family.IPV4,
                          backends4.join().entries(),
                          Family.IPV6,
                          backends6.join().entries()),
                      gens.join().entries(),
                      maglev.join().entries(),
                      ranges,
                      Map.of(
                          Family.IPV4,
                          backends4.join().maxEntries(),
                          Family.IPV6,
                          backends6.join().maxEntries()),
                      services.join().maxEntries() - 1,
                      gens.join().maxEntries() - 1);
              return new Found(
                  kernel,
                  heldServices.join().ids(),
                  heldBackends.join().ids(),
                  note.join().values().containsKey(NOTE));
            });
  }

  /**
   * Makes the promises what was adopted, and what is in the kernel what is wanted of the writers,
   * so that they repair what others change. Writes nothing where everything agrees.
   */
  CompletionStage<?> adopt(Found found, Adoption.Result adopted) {
    List<CompletableFuture<?>> all = new ArrayList<>();
    all.add(
        this.<Promises.Command, Done>ask(
            promises,
            replyTo ->
                new Promises.Adopt(
                    Promises.Kind.SERVICE,
                    adopted.serviceIds(),
                    adopted.blockedServices(),
                    replyTo)));
    all.add(
        this.<Promises.Command, Done>ask(
            promises,
            replyTo ->
                new Promises.Adopt(
                    Promises.Kind.BACKEND,
                    adopted.backendIds(),
                    adopted.blockedBackends(),
                    replyTo)));
    Writes same = new Writes();
    found.kernel().frontends().forEach(same::putFrontend);
    found
        .kernel()
        .backends()
        .forEach(
            (family, elements) ->
                elements.forEach((index, value) -> same.putBackend(family, index, value)));
    same.services().putAll(found.kernel().services());
    same.gens().putAll(found.kernel().gens());
    same.luts().putAll(found.kernel().maglev());
    found.kernel().sourceRanges().forEach(same::putRange);
    all.add(write(same).toCompletableFuture());
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
  }

  /**
   * @param keys none: nothing is asked
   * @return by key; keys that are refused are missing
   */
  CompletionStage<Map<String, Integer>> assign(Promises.Kind kind, List<String> keys) {
    if (keys.isEmpty()) {
      return CompletableFuture.completedFuture(Map.of());
    }
    return this.<Promises.Command, Promises.Assigned>ask(
            promises, replyTo -> new Promises.Assign(kind, keys, replyTo))
        .thenApply(Promises.Assigned::ids);
  }

  CompletionStage<Done> note(boolean adding) {
    return ask(
        promises,
        replyTo ->
            adding
                ? new Promises.Save(GROUP, Map.of(NOTE, "1"), Set.of(), replyTo)
                : new Promises.Save(GROUP, Map.of(), Set.of(NOTE), replyTo));
  }

  CompletionStage<?> release(ServiceTable.Freed freed) {
    promises.tell(new Promises.Unblock(Promises.Kind.SERVICE, freed.unblockServices()));
    promises.tell(new Promises.Unblock(Promises.Kind.BACKEND, freed.unblockBackends()));
    CompletableFuture<Done> services =
        ask(
            promises,
            replyTo -> new Promises.Release(Promises.Kind.SERVICE, freed.services(), replyTo));
    CompletableFuture<Done> backends =
        ask(
            promises,
            replyTo -> new Promises.Release(Promises.Kind.BACKEND, freed.backends(), replyTo));
    return CompletableFuture.allOf(services, backends);
  }

  /**
   * @return what found no room
   */
  CompletionStage<List<Refusal>> write(Writes writes) {
    List<CompletableFuture<? extends MapActor.Result<?>>> all = new ArrayList<>();
    for (Family family : Family.values()) {
      update(all, writers.frontends(family), writes.frontends(family), writes.noFrontends(family));
      update(all, writers.backends(family), writes.backends(family), writes.noBackends(family));
      update(all, writers.sourceRanges(family), writes.ranges(family), writes.noRanges(family));
    }
    update(all, writers.services(), writes.services(), writes.noServices());
    update(all, writers.backendGen(), writes.gens(), Set.of());
    update(all, writers.maglev(), writes.luts(), writes.noLuts());
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
        .thenApply(
            done -> {
              List<Refusal> refusals = new ArrayList<>();
              all.forEach(result -> refusals(result.join(), refusals));
              return refusals;
            });
  }

  private <K, V> void update(
      List<CompletableFuture<? extends MapActor.Result<?>>> all,
      ActorRef<MapActor.Command<K, V>> writer,
      Map<K, V> puts,
      Set<K> removes) {
    if (!puts.isEmpty() || !removes.isEmpty()) {
      CompletableFuture<MapActor.Result<K>> result =
          ask(writer, replyTo -> new MapActor.Update<>(puts, removes, replyTo));
      all.add(result);
    }
  }

  private static void refusals(MapActor.Result<?> result, List<Refusal> refusals) {
    if (result instanceof MapActor.Refused<?> refused) {
      for (Object key : refused.keys()) {
        if (key instanceof FrontendKey frontend) {
          refusals.add(new Refusal.OfFrontend(frontend, refused.reason()));
        } else if (key instanceof SourceRangeKey range) {
          refusals.add(new Refusal.OfRange(range, refused.reason()));
        } else {
          throw new IllegalStateException(refused.reason());
        }
      }
    }
  }
}
