// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.RecoveryCompleted;
import akka.persistence.typed.javadsl.CommandHandler;
import akka.persistence.typed.javadsl.EventHandler;
import akka.persistence.typed.javadsl.EventSourcedBehavior;
import akka.persistence.typed.javadsl.RetentionCriteria;
import akka.persistence.typed.javadsl.SignalHandler;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/**
 * Persists numbers, each one more than the last, and says so only once it is persisted. As a
 * program: does it so many times, and prints what it recovered and what it acknowledges.
 */
final class Counting
    extends EventSourcedBehavior<Counting.Command, Counting.Counted, Counting.Total> {
  sealed interface Command {}

  record Next(ActorRef<Long> replyTo) implements Command {}

  /** One more. The text makes events of a size that is not a multiple of anything. */
  record Counted(long number, String text) implements CborSerializable {}

  record Total(long number) implements CborSerializable {}

  private final LongConsumer recovered;

  private Counting(String id, LongConsumer recovered) {
    super(PersistenceId.ofUniqueId(id));
    this.recovered = recovered;
  }

  static Behavior<Command> create(String id, LongConsumer recovered) {
    return new Counting(id, recovered);
  }

  @Override
  public Total emptyState() {
    return new Total(0);
  }

  @Override
  public CommandHandler<Command, Counted, Total> commandHandler() {
    return newCommandHandlerBuilder()
        .forAnyState()
        .onCommand(
            Next.class,
            (state, next) -> {
              long number = state.number() + 1;
              return Effect()
                  .persist(new Counted(number, "x".repeat((int) (number % 977))))
                  .thenRun(after -> next.replyTo().tell(after.number()));
            })
        .build();
  }

  @Override
  public EventHandler<Total, Counted> eventHandler() {
    return (state, event) -> {
      if (event.number() != state.number() + 1) {
        throw new IllegalStateException(event.number() + " follows " + state.number());
      }
      return new Total(event.number());
    };
  }

  @Override
  public SignalHandler<Total> signalHandler() {
    return newSignalHandlerBuilder()
        .onSignal(RecoveryCompleted.instance(), state -> recovered.accept(state.number()))
        .build();
  }

  @Override
  public RetentionCriteria retentionCriteria() {
    return RetentionCriteria.snapshotEvery(100, 1).withDeleteEventsOnSnapshot();
  }

  public static void main(String[] args) {
    LocalJournal.Opened opened = LocalJournal.open(Path.of(args[0]));
    ActorSystem.create(
        driver(Long.parseLong(args[1])),
        "counting",
        opened.config().withFallback(ConfigFactory.load()));
  }

  private static Behavior<Long> driver(long events) {
    return Behaviors.setup(
        context -> {
          ActorRef<Command> counting =
              context.spawn(
                  create("counting", n -> System.out.println("recovered " + n)), "counting");
          if (events > 0) {
            counting.tell(new Next(context.getSelf()));
          }
          long[] left = {events};
          return Behaviors.receiveMessage(
              number -> {
                System.out.println("acknowledged " + number);
                if (--left[0] > 0) {
                  counting.tell(new Next(context.getSelf()));
                }
                return Behaviors.same();
              });
        });
  }
}
