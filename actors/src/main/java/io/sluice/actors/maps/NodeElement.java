// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.maps;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;

/**
 * The one element of the map "node". Whoever changes a part of it does so here, so that no change
 * undoes another's, and the writer is told in the order of the changes. Thread-safe.
 */
public final class NodeElement {
  /**
   * The tunnel to other nodes, as programs need it.
   *
   * @param ifindex of the VXLAN device; 0: there is none
   * @param vni of the overlay; 0: there is no overlay
   * @param mtu4 the largest IPv4 packet that fits into the tunnel, bytes
   * @param mtu6 likewise IPv6
   */
  public record Tunnel(int ifindex, int vni, int mtu4, int mtu6) {
    public static final Tunnel NONE = new Tunnel(0, 0, 0, 0);
  }

  private static final NodeState EMPTY = new NodeState(0, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int NODE = 0;

  private final ActorSystem<?> system;
  private final ActorRef<MapActor.Command<Integer, NodeState>> writer;

  /** What the writer was told last; guarded by this. */
  private CompletionStage<NodeState> state;

  /**
   * @param writer of the map "node"; nobody else may tell it anything
   */
  public NodeElement(ActorSystem<?> system, ActorRef<MapActor.Command<Integer, NodeState>> writer) {
    this.system = system;
    this.writer = writer;
  }

  /** Has every flow look its route up anew. */
  public CompletionStage<Done> bumpEpoch() {
    return change(before -> of(before.routeEpoch() + 1, tunnelOf(before), before))
        .thenApply(changed -> Done.getInstance());
  }

  /**
   * Tells programs this node's own addresses in the underlay; those of no family are the zero
   * address.
   *
   * @return whether they were news
   */
  public CompletionStage<Boolean> own(Ip addr4, Ip addr6) {
    return change(
        before ->
            new NodeState(
                before.routeEpoch(),
                before.tunnelIfindex(),
                before.tunnelVni(),
                before.tunnelMtu4(),
                before.tunnelMtu6(),
                addr4,
                addr6));
  }

  /**
   * Tells programs of the tunnel, and has every flow look its route up anew if that is news.
   *
   * @return whether it was
   */
  public CompletionStage<Boolean> tunnel(Tunnel tunnel) {
    return change(
        before ->
            tunnelOf(before).equals(tunnel) ? before : of(before.routeEpoch() + 1, tunnel, before));
  }

  private static Tunnel tunnelOf(NodeState state) {
    return new Tunnel(
        state.tunnelIfindex(), state.tunnelVni(), state.tunnelMtu4(), state.tunnelMtu6());
  }

  private static NodeState of(int epoch, Tunnel tunnel, NodeState before) {
    return new NodeState(
        epoch,
        tunnel.ifindex(),
        tunnel.vni(),
        tunnel.mtu4(),
        tunnel.mtu6(),
        before.addr4(),
        before.addr6());
  }

  private synchronized CompletionStage<Boolean> change(UnaryOperator<NodeState> change) {
    if (state == null || state.toCompletableFuture().isCompletedExceptionally()) {
      state = read();
    }
    // One after the other, so that the writer is told in the order of the epochs.
    CompletableFuture<Boolean> written = new CompletableFuture<>();
    state =
        state.thenApply(
            before -> {
              NodeState after = change.apply(before);
              if (after.equals(before)) {
                written.complete(false);
              } else {
                write(after).whenComplete((done, failed) -> complete(written, failed));
              }
              return after;
            });
    state.whenComplete(
        (after, failed) -> {
          if (failed != null) {
            written.completeExceptionally(failed);
          }
        });
    return written;
  }

  private static void complete(CompletableFuture<Boolean> written, Throwable failed) {
    if (failed == null) {
      written.complete(true);
    } else {
      written.completeExceptionally(failed);
    }
  }

  private CompletionStage<NodeState> read() {
    CompletionStage<MapActor.Contents<Integer, NodeState>> contents =
        AskPattern.ask(writer, MapActor.Read::new, TIMEOUT, system.scheduler());
    return contents.thenApply(found -> found.entries().getOrDefault(NODE, EMPTY));
  }

  private CompletionStage<Done> write(NodeState element) {
    CompletionStage<MapActor.Result<Integer>> result =
        AskPattern.ask(
            writer,
            ref -> new MapActor.Update<>(Map.of(NODE, element), Set.of(), ref),
            TIMEOUT,
            system.scheduler());
    return result.thenApply(
        answer -> {
          if (answer instanceof MapActor.Refused<Integer> refused) {
            throw new IllegalStateException(refused.reason());
          }
          return Done.getInstance();
        });
  }
}
