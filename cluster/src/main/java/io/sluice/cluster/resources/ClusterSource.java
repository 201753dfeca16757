// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.config.source.LastPolicies;
import io.sluice.config.source.Snapshot;
import io.sluice.config.source.Source;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The resources that all nodes share, as a source. It is there before the cluster's actor system
 * and outlives it: a {@link StoreFollower} of each such system brings what is new.
 *
 * <p>What was told last is kept on disk, so that a node that restarts knows its resources and
 * settings before it has found the others; until the store has said how far it is, the source is
 * not in sync, and nothing is deleted.
 */
public final class ClusterSource implements Source {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterSource.class);
  private static final Duration SAVE_AFTER = Duration.ofSeconds(1);

  /** Of the time, saving takes a twentieth at most. */
  private static final int SAVE_PAUSE = 20;

  private final ViewFile file;
  private final SharedView view = new SharedView();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread made = new Thread(work, "cluster-source");
            made.setDaemon(true);
            return made;
          });

  // Of the thread alone.
  private Listener listener = snapshot -> {};
  private final LastPolicies lastPolicies;
  private Snapshot recalled = Snapshot.EMPTY;
  private Snapshot latest = Snapshot.EMPTY;
  private Duration saveAfter = SAVE_AFTER;
  private Future<?> saving;
  private boolean changed;
  private String complaint = "";

  // Of all.
  private final Deque<Update> updates = new ArrayDeque<>();
  private Position position = new Position("", 0);
  private Position goal = new Position("", Long.MAX_VALUE);
  private LongConsumer applied = version -> {};
  private String trouble = "";
  private long heard;
  private boolean started;
  private volatile Status status = new Status("", 0, 0, 0, 0, false, -1, "");

  /** Up to where something is known of which store. */
  record Position(String store, long version) {}

  private record Update(String store, boolean whole, long version, byte[] bytes) {}

  /**
   * How this node's copy is, for metrics.
   *
   * @param store which store it is of; empty: none is known
   * @param version up to which its resources have been told
   * @param committed the store's version when it was last heard
   * @param resources how many there are
   * @param bytes of all manifests together
   * @param heardSecondsAgo -1: never in this life
   * @param trouble why the store does not answer, as far as known
   */
  public record Status(
      String store,
      long version,
      long committed,
      int resources,
      long bytes,
      boolean inSync,
      double heardSecondsAgo,
      String trouble) {
    /** How many changes this node does not have yet. */
    public long lag() {
      return Math.max(0, committed - version);
    }
  }

  /**
   * @param folder where the copy is kept
   */
  public ClusterSource(Path folder) {
    this.file = new ViewFile(folder);
    this.lastPolicies = new LastPolicies(Optional.of(folder.resolve("last-policies.json")));
  }

  @Override
  public synchronized void start(Listener to) {
    if (started) {
      throw new IllegalStateException("a source starts once");
    }
    started = true;
    thread.execute(
        () -> {
          listener = to;
          recall();
          tell();
        });
  }

  /** Begins with what was kept, unless the store has said something already. */
  private void recall() {
    recalled = lastPolicies.recall();
    synchronized (this) {
      if (!position.store().isEmpty()) {
        return;
      }
    }
    Optional<ViewFile.Kept> kept = file.read();
    if (kept.isPresent()) {
      view.recall(kept.get());
      synchronized (this) {
        if (position.store().isEmpty()) {
          position = view.position();
        }
      }
    }
  }

  @Override
  public void close() {
    try {
      thread.execute(this::save);
    } catch (RejectedExecutionException e) {
      return; // closed before
    }
    thread.shutdown();
    try {
      if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
        LOG.warn("the resources were not kept in time: the next start has older ones");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** How this node's copy is. */
  public Status status() {
    Status last = status;
    double ago;
    long committed;
    String why;
    synchronized (this) {
      ago = heard == 0 ? -1 : (System.nanoTime() - heard) / 1e9;
      committed = goal.version() == Long.MAX_VALUE ? 0 : goal.version();
      why = trouble;
    }
    return new Status(
        last.store(),
        last.version(),
        committed,
        last.resources(),
        last.bytes(),
        last.inSync(),
        ago,
        why);
  }

  // From the follower

  /** Somebody wants to hear up to which version everything has been told. */
  synchronized void follow(LongConsumer newApplied) {
    applied = newApplied;
  }

  /** What has been received. */
  synchronized Position position() {
    return position;
  }

  /** Up to which version everything has been told. */
  long applied() {
    return status.version();
  }

  /** The store is there, and has that version. */
  synchronized void told(String store, long committed) {
    heard = System.nanoTime();
    trouble = "";
    boolean news = !goal.equals(new Position(store, committed));
    goal = new Position(store, committed);
    if (news) {
      work();
    }
  }

  synchronized void trouble(String reason) {
    trouble = reason;
  }

  /**
   * Takes commits that follow what has been received, or everything.
   *
   * @param version that one has with it
   */
  synchronized void take(String store, boolean whole, long version, byte[] bytes) {
    position = new Position(store, version);
    updates.add(new Update(store, whole, version, bytes));
    work();
  }

  private void work() {
    try {
      thread.execute(this::catchUp);
    } catch (RejectedExecutionException e) {
      LOG.debug("closed: no more resources are taken");
    }
  }

  // On the thread

  /** Takes all that has come, and tells it at once. */
  private void catchUp() {
    boolean news = false;
    for (Update update = next(); update != null; update = next()) {
      try {
        view.take(update.store(), update.whole(), update.version(), update.bytes());
        news = true;
      } catch (IllegalArgumentException e) {
        if (!String.valueOf(e.getMessage()).equals(complaint)) {
          complaint = String.valueOf(e.getMessage());
          LOG.error("the store's resources cannot be read: {}", complaint);
        }
        synchronized (this) {
          updates.clear();
          position = new Position("", 0); // whatever it is, all of it anew
          trouble = e.getMessage();
        }
      }
    }
    boolean inSync;
    LongConsumer follower;
    synchronized (this) {
      Position has = view.position();
      inSync =
          latest.inSync() || has.store().equals(goal.store()) && has.version() >= goal.version();
      follower = applied;
    }
    if (news || inSync != latest.inSync()) {
      changed |= news;
      if (inSync) {
        view.inSync();
      }
      tell();
      saveSoon();
    }
    follower.accept(view.position().version());
  }

  private synchronized Update next() {
    return updates.poll();
  }

  private void tell() {
    latest = view.snapshot(latest.orRecalled(recalled));
    lastPolicies.remember(latest);
    Position has = view.position();
    status =
        new Status(
            has.store(), has.version(), 0, view.size(), view.bytes(), latest.inSync(), -1, "");
    try {
      listener.changed(latest);
    } catch (RuntimeException e) {
      // The listener's fault; the next view is whole again.
      LOG.error("telling of new resources failed", e);
    }
  }

  private void saveSoon() {
    if (changed && (saving == null || saving.isDone())) {
      saving = thread.schedule(this::save, saveAfter.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void save() {
    if (!changed) {
      return;
    }
    long begin = System.nanoTime();
    changed = !file.write(view.keep());
    Duration pause = Duration.ofNanos(System.nanoTime() - begin).multipliedBy(SAVE_PAUSE);
    saveAfter = pause.compareTo(SAVE_AFTER) > 0 ? pause : SAVE_AFTER;
  }
}
