// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.RecipientRef;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.sluice.cluster.shared.Messages.Answer;
import io.sluice.cluster.shared.Messages.Current;
import io.sluice.cluster.shared.Messages.Fetch;
import io.sluice.cluster.shared.Messages.Follow;
import io.sluice.cluster.shared.Messages.GetView;
import io.sluice.cluster.shared.Messages.Gone;
import io.sluice.cluster.shared.Messages.Left;
import io.sluice.cluster.shared.Messages.Part;
import io.sluice.cluster.shared.Messages.SendValue;
import io.sluice.cluster.shared.Messages.Standing;
import io.sluice.cluster.shared.Messages.View;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * A node's side of all entities of one type. Its user tells it once a second, and at once when
 * something changes, all that the node wants, has got and runs; it tells each entity, and tells the
 * user what is new. It holds nothing that could not be lost: it lives in the cluster's actor
 * system, and may end and be made anew at any time.
 */
public final class Follower extends AbstractBehavior<Follower.Command> {
  /** What the actor takes. */
  public sealed interface Command {}

  /**
   * All that the node wants.
   *
   * @param revision of the node's source
   * @param wishes by entity
   * @param unwanted entities that the source has no more, until {@link Unwanted} says that they
   *     know
   * @param user who is told what is new; of whatever actor system of this process
   */
  public record Wants(
      long revision, Map<String, Wish> wishes, Set<String> unwanted, ActorRef<Event> user)
      implements Command {
    public Wants {
      wishes = Map.copyOf(wishes);
      unwanted = Set.copyOf(unwanted);
    }
  }

  /**
   * @param value what the source says
   * @param valueDigest of it
   * @param received generation that the node has got; 0: none
   * @param generation generation that it runs; 0: none
   * @param digest of what it runs
   */
  public record Wish(
      byte[] value, String valueDigest, long received, long generation, String digest) {}

  /** Asks entities who runs what. */
  public record GetViews(Collection<String> ids, ActorRef<Views> replyTo) implements Command {
    public GetViews {
      ids = List.copyOf(ids);
    }
  }

  /**
   * @param silent entities that did not answer in time
   */
  public record Views(List<View> views, List<String> silent) {}

  /** What the user takes. */
  public sealed interface Event {}

  /**
   * What is to be run.
   *
   * @param content what the derivation made
   * @param former what is known of the values before ({@link Derivation#remember})
   */
  public record Update(String id, long generation, String digest, byte[] content, byte[] former)
      implements Event {}

  /** No node is to run it any more. */
  public record Removed(String id) implements Event {}

  /** How many nodes follow, how many run something else, and why they cannot agree. */
  public record Stands(String id, long generation, int nodes, int behind, String problem)
      implements Event {}

  /** The entity knows that this node does not want it. */
  public record Unwanted(String id) implements Event {}

  private record Answered(Answer answer) implements Command {}

  private static final Duration ANSWER = Duration.ofSeconds(3);

  private final String node;
  private final Derivation derivation;
  private final Function<String, ? extends RecipientRef<Messages.Command>> entities;
  private final ActorRef<Answer> answers;
  private Optional<Wants> wants = Optional.empty();

  /** Digests of the values that entities have been told, with the value. */
  private final Map<String, String> told = new HashMap<>();

  /** Parts that have come, of what could not be computed here. */
  private final Map<String, Fetching> fetching = new HashMap<>();

  private record Fetching(long generation, byte[] former, List<byte[]> parts) {}

  /**
   * @param node this node's name
   * @param entities finds an entity by its ID
   */
  public static Behavior<Command> create(
      String node,
      Derivation derivation,
      Function<String, ? extends RecipientRef<Messages.Command>> entities) {
    Behavior<Command> follower =
        Behaviors.setup(context -> new Follower(context, node, derivation, entities));
    return Behaviors.supervise(follower)
        .onFailure(RuntimeException.class, SupervisorStrategy.restart());
  }

  private Follower(
      ActorContext<Command> context,
      String node,
      Derivation derivation,
      Function<String, ? extends RecipientRef<Messages.Command>> entities) {
    super(context);
    this.node = node;
    this.derivation = derivation;
    this.entities = entities;
    this.answers = context.messageAdapter(Answer.class, Answered::new);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Wants.class, this::onWants)
        .onMessage(Answered.class, answered -> onAnswer(answered.answer()))
        .onMessage(GetViews.class, this::onGetViews)
        .build();
  }

  private Behavior<Command> onWants(Wants now) {
    wants = Optional.of(now);
    told.keySet().retainAll(now.wishes().keySet());
    fetching.keySet().retainAll(now.wishes().keySet());
    now.wishes().forEach((id, wish) -> follow(id, wish, !wish.valueDigest().equals(told.get(id))));
    for (String id : now.unwanted()) {
      entities
          .apply(id)
          .tell(
              new Follow(
                  node,
                  answers,
                  false,
                  now.revision(),
                  "",
                  new byte[0],
                  derivation.versions().last(),
                  0,
                  0,
                  ""));
    }
    return this;
  }

  private void follow(String id, Wish wish, boolean withValue) {
    if (withValue) {
      told.put(id, wish.valueDigest());
    }
    entities
        .apply(id)
        .tell(
            new Follow(
                node,
                answers,
                true,
                wants.orElseThrow().revision(),
                wish.valueDigest(),
                withValue ? wish.value() : new byte[0],
                derivation.versions().last(),
                wish.received(),
                wish.generation(),
                wish.digest()));
  }

  private Behavior<Command> onAnswer(Answer answer) {
    if (wants.isEmpty()) {
      return this;
    }
    Wants now = wants.get();
    Wish wish = now.wishes().get(answer.id());
    if (answer instanceof Left && now.unwanted().contains(answer.id())) {
      now.user().tell(new Unwanted(answer.id()));
    } else if (wish == null) {
      return this;
    } else if (answer instanceof Current current) {
      onCurrent(now, current);
    } else if (answer instanceof Part part) {
      onPart(now, part);
    } else if (answer instanceof SendValue) {
      follow(answer.id(), wish, true);
    } else if (answer instanceof Gone) {
      now.user().tell(new Removed(answer.id()));
    } else if (answer instanceof Standing s) {
      now.user().tell(new Stands(s.id(), s.generation(), s.nodes(), s.behind(), s.problem()));
    }
    return this;
  }

  /** Most nodes make it themselves, which takes less than to send it. */
  private void onCurrent(Wants now, Current current) {
    String id = current.id();
    if (derivation.versions().contains(current.version())) {
      try {
        byte[] content = derivation.derive(current.version(), current.value());
        if (Digest.of(content).equals(current.digest())) {
          fetching.remove(id);
          now.user()
              .tell(
                  new Update(
                      id, current.generation(), current.digest(), content, current.former()));
          return;
        }
      } catch (IllegalArgumentException e) {
        getContext().getLog().warn("{}: what the cluster agreed on: {}", id, e.getMessage());
      }
    }
    Fetching known = fetching.get(id);
    if (known == null || known.generation() != current.generation()) {
      getContext()
          .getLog()
          .info(
              "{}: generation {} is of version {}, which this agent does not make: fetching it",
              id,
              current.generation(),
              current.version());
      known = new Fetching(current.generation(), current.former(), new ArrayList<>());
      fetching.put(id, known);
    }
    fetch(id, known);
  }

  private void fetch(String id, Fetching known) {
    entities.apply(id).tell(new Fetch(answers, known.generation(), known.parts().size()));
  }

  private void onPart(Wants now, Part part) {
    Fetching known = fetching.get(part.id());
    if (known == null
        || known.generation() != part.generation()
        || known.parts().size() != part.number()) {
      return;
    }
    known.parts().add(part.content());
    if (known.parts().size() < part.of()) {
      fetch(part.id(), known);
      return;
    }
    fetching.remove(part.id());
    try {
      byte[] content = Packed.unpack(known.parts());
      if (Digest.of(content).equals(part.digest())) {
        now.user()
            .tell(new Update(part.id(), part.generation(), part.digest(), content, known.former()));
        return;
      }
      getContext().getLog().warn("{}: what came is not what was sent: asking again", part.id());
    } catch (IllegalArgumentException e) {
      getContext().getLog().warn("{}: {}: asking again", part.id(), e.getMessage());
    }
  }

  private Behavior<Command> onGetViews(GetViews get) {
    Map<String, CompletableFuture<Optional<View>>> asked = new HashMap<>();
    for (String id : get.ids()) {
      asked.put(
          id,
          AskPattern.<Messages.Command, View>ask(
                  entities.apply(id), GetView::new, ANSWER, getContext().getSystem().scheduler())
              .toCompletableFuture()
              .thenApply(Optional::of)
              .exceptionally(failure -> Optional.empty()));
    }
    CompletableFuture.allOf(asked.values().toArray(CompletableFuture[]::new))
        .thenRun(
            () -> {
              List<View> views = new ArrayList<>();
              List<String> silent = new ArrayList<>();
              for (String id : get.ids()) {
                asked.get(id).join().ifPresentOrElse(views::add, () -> silent.add(id));
              }
              get.replyTo().tell(new Views(views, silent));
            });
    return this;
  }
}
