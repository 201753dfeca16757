// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.Behaviors;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.state.javadsl.CommandHandler;
import akka.persistence.typed.state.javadsl.DurableStateBehavior;
import java.time.Duration;

/** An entity that counts. */
final class Tally extends DurableStateBehavior<Tally.Command, Tally.Total> {
  sealed interface Command {}

  record Add(long number, ActorRef<Long> replyTo) implements Command {}

  record Forget(ActorRef<Done> replyTo) implements Command {}

  record Total(long number) implements CborSerializable {}

  private Tally(String id) {
    super(
        PersistenceId.ofUniqueId(id),
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(200), Duration.ofSeconds(1), 0.1));
  }

  static Behavior<Command> create(String id) {
    return Behaviors.setup(context -> new Tally(id));
  }

  @Override
  public Total emptyState() {
    return new Total(0);
  }

  @Override
  public CommandHandler<Command, Total> commandHandler() {
    return newCommandHandlerBuilder()
        .forAnyState()
        .onCommand(
            Add.class,
            (state, add) ->
                Effect()
                    .persist(new Total(state.number() + add.number()))
                    .thenRun(after -> add.replyTo().tell(after.number())))
        .onCommand(
            Forget.class,
            (state, forget) ->
                Effect().delete().thenRun(after -> forget.replyTo().tell(Done.getInstance())))
        .build();
  }
}
