// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import akka.cluster.sharding.typed.javadsl.EntityRef;
import io.sluice.cluster.membership.Part;
import io.sluice.cluster.resources.StoreFollower.Answer;
import io.sluice.config.model.Kind;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.source.Snapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * This node's part in the shared resources: each node can be the store's home; one whose source is
 * {@code cluster} follows it, too, and passes requests on.
 */
public final class SharedResources implements Part, ResourceApi {
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final String NAME = "resources-follower";

  /** Manifests of more bytes are read one request after the other: their trees take room. */
  private static final int LARGE = 256 << 10;

  private final String node;
  private final Optional<ClusterSource> source;
  private final ResourceReader reader;
  private final Executor blocking;
  private final Duration patience;
  private final Object large = new Object();
  private volatile ActorRef<StoreFollower.Command> follower;

  /**
   * @param source fed by the store; none: this node only may be the store's home
   * @param view what the source has said last
   * @param blocking runs what takes time
   */
  public SharedResources(
      String node, Optional<ClusterSource> source, Supplier<Snapshot> view, Executor blocking) {
    this(node, source, view, blocking, PATIENCE);
  }

  SharedResources(
      String node,
      Optional<ClusterSource> source,
      Supplier<Snapshot> view,
      Executor blocking,
      Duration patience) {
    this.node = node;
    this.source = source;
    this.reader = new ResourceReader(view);
    this.blocking = blocking;
    this.patience = patience;
  }

  @Override
  public void started(ActorSystem<?> cluster) {
    ResourceStore.init(cluster);
    if (source.isPresent()) {
      EntityRef<ResourceStore.Command> store = ResourceStore.of(cluster);
      follower =
          cluster.systemActorOf(
              StoreFollower.create(node, source.get(), store::tell, patience), NAME, Props.empty());
    }
  }

  @Override
  public void ended() {
    follower = null;
  }

  @Override
  public CompletionStage<Reply> apply(Manifests manifests, boolean dryRun) {
    return read(manifests, false, dryRun);
  }

  @Override
  public CompletionStage<Reply> delete(Manifests manifests, boolean dryRun) {
    return read(manifests, true, dryRun);
  }

  @Override
  public CompletionStage<Reply> delete(
      Kind kind, String namespace, String name, long resourceVersion, boolean dryRun) {
    Ref ref = Ref.of(new ResourceKey(kind, namespace, name));
    Submission.Item item = new Submission.Item(ref, resourceVersion, "", List.of());
    return submit(List.of(item), List.of(), dryRun);
  }

  @Override
  public Reply get(Kind kind, String namespace, String name) {
    return reader.get(kind, namespace, name);
  }

  @Override
  public Reply list(Kind kind, Optional<String> namespace) {
    return reader.list(kind, namespace);
  }

  /** What a request is once it has been read: a refusal, or something to be sent. */
  private record Prepared(Optional<Reply> refusal, Submit submit, List<String> warnings) {}

  private record Submit(Submission submission, byte[] bytes) {}

  private CompletionStage<Reply> read(Manifests manifests, boolean deletes, boolean dryRun) {
    return CompletableFuture.supplyAsync(() -> prepare(manifests, deletes, dryRun), blocking)
        .thenCompose(
            prepared ->
                prepared.refusal().isPresent()
                    ? CompletableFuture.completedFuture(prepared.refusal().get())
                    : submit(prepared.submit(), prepared.warnings()));
  }

  private Prepared prepare(Manifests manifests, boolean deletes, boolean dryRun) {
    if (manifests.content().length <= LARGE) {
      return prepareNow(manifests, deletes, dryRun);
    }
    synchronized (large) {
      return prepareNow(manifests, deletes, dryRun);
    }
  }

  private static Prepared prepareNow(Manifests manifests, boolean deletes, boolean dryRun) {
    Reading reading = Reading.of(manifests, deletes);
    return reading.refusal().isPresent()
        ? new Prepared(reading.refusal(), null, List.of())
        : new Prepared(Optional.empty(), encode(reading.items(), dryRun), reading.warnings());
  }

  private static Submit encode(List<Submission.Item> items, boolean dryRun) {
    Submission submission = new Submission(UUID.randomUUID().toString(), dryRun, items);
    return new Submit(submission, Codec.submission(submission));
  }

  private CompletionStage<Reply> submit(
      List<Submission.Item> items, List<String> warnings, boolean dryRun) {
    return submit(encode(items, dryRun), warnings);
  }

  private CompletionStage<Reply> submit(Submit submit, List<String> warnings) {
    Submission submission = submit.submission();
    CompletableFuture<Answer> answer = new CompletableFuture<>();
    ActorRef<StoreFollower.Command> to = follower;
    if (to == null) {
      answer.complete(
          Answer.unavailable(
              submission.id(), "not decided, nothing is stored: this node looks for its cluster"));
    } else {
      to.tell(new StoreFollower.Submit(submission.id(), submit.bytes(), answer));
      // A message to an actor that is just ending is lost, and its answer with it.
      answer.completeOnTimeout(
          Answer.unknown(
              submission.id(), "outcome unknown, get the resource to see: no answer came"),
          patience.plusSeconds(5).toMillis(),
          java.util.concurrent.TimeUnit.MILLISECONDS);
    }
    return answer.thenApply(done -> reply(submission, done, warnings));
  }

  private static Reply reply(Submission submission, Answer answer, List<String> warnings) {
    switch (answer.result()) {
      case CONFLICT:
        return Reply.error(409, answer.reasons());
      case REFUSED:
        return Reply.error(422, answer.reasons());
      case UNAVAILABLE:
        return Reply.error(503, answer.reasons());
      case UNKNOWN:
        return Reply.error(504, answer.reasons());
      case DONE:
        break;
    }
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < submission.items().size(); i++) {
      Ref ref = submission.items().get(i).ref();
      String word = Commit.Verb.of(answer.verbs().charAt(i)).word();
      changes.add(new Change(ref.kind(), ref.namespace(), ref.name(), word));
    }
    return new Reply(200, new Changes(answer.version(), submission.dryRun(), changes, warnings));
  }
}
