// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.health;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.http.javadsl.Http;
import akka.http.javadsl.ServerBinding;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.stream.Materializer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * One port that answers HTTP on all of the node's addresses, of both families. One that is in use
 * is tried again until it is free.
 */
final class HealthPort extends AbstractBehavior<HealthPort.Command> {
  sealed interface Command {}

  /** Gives up the port, then ends. */
  record Close() implements Command {}

  private record Bound(Throwable failure) implements Command {}

  private record Retry() implements Command {}

  private record Closed() implements Command {}

  /**
   * How it stands.
   *
   * @param problem why the port is not open; empty: it is
   */
  record Report(int port, Optional<String> problem) {}

  /** What is answered; called by many threads. */
  @FunctionalInterface
  interface Answer {
    HttpResponse of(HttpRequest request);
  }

  /** Both families: the socket takes IPv4 as mapped addresses, if there is IPv6 at all. */
  private static final String ALL_ADDRESSES = "0.0.0.0";

  /** What a request under way gets when the port is closed. */
  private static final Duration GRACE = Duration.ofMillis(200);

  private final TimerScheduler<Command> timers;
  private final int port;
  private final Answer answer;
  private final Duration retry;
  private final ActorRef<Report> owner;
  private final Materializer materializer;
  private CompletionStage<ServerBinding> binding;
  private boolean closing;

  /**
   * @param retry how long to wait for a port that is in use
   */
  static Behavior<Command> create(int port, Answer answer, Duration retry, ActorRef<Report> owner) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new HealthPort(context, timers, port, answer, retry, owner)));
  }

  private HealthPort(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      int port,
      Answer answer,
      Duration retry,
      ActorRef<Report> owner) {
    super(context);
    this.timers = timers;
    this.port = port;
    this.answer = answer;
    this.retry = retry;
    this.owner = owner;
    this.materializer = Materializer.matFromSystem(context.getSystem());
    bind();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Bound.class, this::onBound)
        .onMessage(
            Retry.class,
            again -> {
              bind();
              return this;
            })
        .onMessage(Close.class, close -> onClose())
        .onMessage(Closed.class, closed -> Behaviors.stopped())
        .onSignal(
            PostStop.class,
            stopped -> {
              if (!closing) {
                terminate();
              }
              return this;
            })
        .build();
  }

  private void bind() {
    binding =
        isFree()
            .<CompletionStage<ServerBinding>>map(CompletableFuture::failedFuture)
            .orElseGet(
                () ->
                    Http.get(Adapter.toClassic(getContext().getSystem()))
                        .newServerAt(ALL_ADDRESSES, port)
                        .bindSync(this::respond));
    getContext().pipeToSelf(binding, (bound, failure) -> new Bound(failure));
  }

  /** Asked first, for Akka logs a port in use as an error, each time. */
  private Optional<IOException> isFree() {
    try (ServerSocketChannel probe = ServerSocketChannel.open()) {
      probe.bind(new InetSocketAddress(port));
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(e);
    }
  }

  private HttpResponse respond(HttpRequest request) {
    request.discardEntityBytes(materializer);
    return answer.of(request);
  }

  private Behavior<Command> onBound(Bound bound) {
    if (closing) {
      return this;
    }
    if (bound.failure() == null) {
      owner.tell(new Report(port, Optional.empty()));
    } else {
      owner.tell(new Report(port, Optional.of(reason(bound.failure()))));
      timers.startSingleTimer(new Retry(), retry);
    }
    return this;
  }

  private static String reason(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.toString() : root.getMessage();
  }

  private Behavior<Command> onClose() {
    if (!closing) {
      closing = true;
      timers.cancelAll();
      getContext().pipeToSelf(terminate(), (done, failure) -> new Closed());
    }
    return this;
  }

  /** Also what is being bound only now. */
  private CompletionStage<?> terminate() {
    return binding.thenCompose(bound -> bound.terminate(GRACE));
  }
}
