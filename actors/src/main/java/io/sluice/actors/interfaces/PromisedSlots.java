// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import io.sluice.actors.promises.Promises;
import io.sluice.actors.promises.Promises.Kind;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Slots in the node's journal: one number for an interface, which is its slot on both hooks. */
public final class PromisedSlots implements SlotPromises {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final ActorSystem<?> system;
  private final ActorRef<Promises.Command> promises;

  public PromisedSlots(ActorSystem<?> system, ActorRef<Promises.Command> promises) {
    this.system = system;
    this.promises = promises;
  }

  @Override
  public CompletionStage<Set<String>> adopt(Map<String, Integer> inUse) {
    CompletionStage<Promises.Held> held =
        AskPattern.ask(
            promises, ref -> new Promises.Get(Kind.SLOT, ref), TIMEOUT, system.scheduler());
    return held.thenCompose(
        answer -> {
          Map<String, Integer> merged = merge(answer.ids(), inUse);
          CompletionStage<Done> done =
              merged.equals(answer.ids())
                  ? CompletableFuture.completedFuture(Done.getInstance())
                  : AskPattern.ask(
                      promises,
                      ref -> new Promises.Adopt(Kind.SLOT, merged, Set.of(), ref),
                      TIMEOUT,
                      system.scheduler());
          return done.thenApply(ignored -> merged.keySet());
        });
  }

  /** What the journal has promised stays; what it has forgotten is promised to who uses it. */
  static Map<String, Integer> merge(Map<String, Integer> held, Map<String, Integer> inUse) {
    Map<String, Integer> merged = new HashMap<>(held);
    Set<Integer> taken = new HashSet<>(held.values());
    inUse.forEach(
        (nic, slot) -> {
          if (!merged.containsKey(nic) && taken.add(slot)) {
            merged.put(nic, slot);
          }
        });
    return merged;
  }

  @Override
  public CompletionStage<InterfaceHost.Slots> allocate(String nic) {
    CompletionStage<Promises.Assigned> assigned =
        AskPattern.ask(
            promises,
            ref -> new Promises.Assign(Kind.SLOT, List.of(nic), ref),
            TIMEOUT,
            system.scheduler());
    return assigned.thenApply(
        answer -> {
          Integer slot = answer.ids().get(nic);
          if (slot == null) {
            throw new IllegalStateException("all slots of policy programs are in use");
          }
          return new InterfaceHost.Slots(slot, slot);
        });
  }

  @Override
  public CompletionStage<Done> release(String nic) {
    return AskPattern.ask(
        promises,
        ref -> new Promises.Release(Kind.SLOT, Set.of(nic), ref),
        TIMEOUT,
        system.scheduler());
  }
}
