// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.supervision;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.Extension;
import akka.actor.typed.ExtensionId;
import akka.actor.typed.javadsl.Behaviors;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/** How often supervised actors were restarted, by what they are: a figure that should stay 0. */
public final class Restarts implements Extension {
  private static final ExtensionId<Restarts> ID = new Id();

  private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();

  private static final class Id extends ExtensionId<Restarts> {
    @Override
    public Restarts createExtension(ActorSystem<?> system) {
      return new Restarts();
    }
  }

  private Restarts() {}

  /** Those of an actor system. */
  public static Restarts of(ActorSystem<?> system) {
    return system.registerExtension(ID);
  }

  /**
   * Counts the starts of a behavior, but for the first. For one actor; goes inside of its
   * supervision.
   *
   * @param what the actor is, such as "routes"
   */
  public static <T> Behavior<T> counted(String what, Behavior<T> behavior) {
    AtomicBoolean began = new AtomicBoolean();
    return Behaviors.setup(
        context -> {
          LongAdder count =
              of(context.getSystem()).counts.computeIfAbsent(what, none -> new LongAdder());
          if (began.getAndSet(true)) {
            count.increment();
          }
          return behavior;
        });
  }

  /** Restarts until now, by what was restarted. */
  public Map<String, Long> counts() {
    Map<String, Long> now = new TreeMap<>();
    counts.forEach((what, count) -> now.put(what, count.sum()));
    return now;
  }
}
