// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import com.typesafe.config.Config;
import io.sluice.cluster.tls.Tls;
import io.sluice.cluster.tls.TlsException;
import io.sluice.config.settings.ClusterKeys;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node among the others: the life of the actor system that talks to them.
 *
 * <p>A node that is cut off from the majority is downed by the split-brain resolver, which ends
 * that system. What the node itself does (its dataplane, HTTP, keepers) lives in a system of its
 * own and goes on; here another one is begun, which looks for the cluster until it finds it.
 */
public final class ClusterNode implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterNode.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);
  private static final long STOP_SECONDS = 10;

  private final ClusterKeys keys;
  private final String nodeName;
  private final Config config;
  private final List<Part> parts;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread made = new Thread(work, "cluster-node");
            made.setDaemon(true);
            return made;
          });

  private volatile ActorSystem<Void> system;
  private volatile Formation.Status formation = Formation.Status.STARTING;
  private final Sightings sightings = new Sightings();
  private volatile long restarts;
  private Duration pause = FIRST_PAUSE;
  private boolean closed;

  /**
   * @param state the settings of what nodes share (persistence's)
   * @param parts told of each system that begins and ends
   */
  public ClusterNode(ClusterKeys keys, String nodeName, Config state, List<Part> parts) {
    this.keys = keys;
    this.nodeName = nodeName;
    this.config = ClusterConfig.of(keys, nodeName, state);
    this.parts = List.copyOf(parts);
  }

  /**
   * Begins to listen for other nodes, and to look for them.
   *
   * @throws ClusterException if it cannot listen, or its certificate cannot be read
   */
  public void start() {
    try {
      keys.tls().ifPresent(tls -> Tls.checkMutual(tls.certificate(), tls.key(), tls.ca()));
    } catch (TlsException e) {
      throw ClusterException.of(e);
    }
    try {
      CompletableFuture.runAsync(this::begin, thread).get();
    } catch (ExecutionException e) {
      throw ClusterException.of(keys, e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ClusterException.of(keys, e);
    }
  }

  private void begin() {
    formation = Formation.Status.STARTING;
    ActorSystem<Void> begun = ActorSystem.create(guardian(), ClusterConfig.SYSTEM, config);
    system = begun;
    parts.forEach(part -> part.started(begun));
    begun.getWhenTerminated().whenCompleteAsync((done, failed) -> ended(), thread);
  }

  private Behavior<Void> guardian() {
    return Behaviors.setup(
        context -> {
          context.spawn(
              Formation.create(
                  keys,
                  nodeName,
                  status -> {
                    if (!status.reasons().isEmpty()) {
                      LOG.info("cluster: {}", String.join("; ", status.reasons()));
                    } else if (status.member()) {
                      LOG.info("cluster: a member");
                      pause = FIRST_PAUSE;
                    }
                    formation = status;
                  }),
              Formation.NAME);
          context.spawn(sightings.watch(), Sightings.NAME);
          return Behaviors.empty();
        });
  }

  /** On the one thread, as all changes of the system are. */
  private void ended() {
    parts.forEach(Part::ended);
    if (closed) {
      return;
    }
    restarts++;
    formation = new Formation.Status(false, List.of("cut off from the cluster, looking for it"));
    LOG.warn(
        "cluster: this node was cut off or left; it goes on forwarding, decides nothing, and looks"
            + " for the others again");
    again();
  }

  private void again() {
    thread.schedule(
        () -> {
          if (closed) {
            return;
          }
          try {
            begin();
          } catch (RuntimeException e) {
            LOG.warn("cluster: {}", ClusterException.of(keys, e).getMessage());
            pause = pause.multipliedBy(2);
            pause = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
            again();
          }
        },
        pause.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  /** The system of now; another one after this node was cut off. */
  public Optional<ActorSystem<Void>> system() {
    return Optional.ofNullable(system);
  }

  /** How often the system was begun anew. */
  public long restarts() {
    return restarts;
  }

  /** Whether there are other nodes, or may be. */
  public boolean alone() {
    return keys.alone();
  }

  /** The cluster as this node sees it. */
  public MembershipView view() {
    ActorSystem<Void> now = system;
    Formation.Status status = formation;
    return now == null || !status.member()
        ? new MembershipView(false, status.reasons(), keys.quorum(), List.of())
        : Members.view(Cluster.get(now), keys.quorum(), status.reasons(), sightings::of);
  }

  /** Leaves the cluster, so that the others need not find out. */
  @Override
  public void close() {
    thread.execute(() -> closed = true);
    ActorSystem<Void> last = system;
    if (last != null) {
      try {
        CoordinatedShutdown.get(last)
            .runAll(CoordinatedShutdown.actorSystemTerminateReason())
            .toCompletableFuture()
            .get(STOP_SECONDS, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        LOG.warn("cluster: has not stopped in {} s: ending without it", STOP_SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (ExecutionException e) {
        LOG.warn("cluster: stopping: {}", String.valueOf(e.getCause()));
      }
    }
    thread.shutdown();
  }
}
