// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.parse.Limits;
import io.sluice.config.settings.AgentKeys;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder of manifests ({@code *.yaml}, {@code *.yml}, {@code *.json}) as a source. It follows
 * changes by the kernel's notifications, and looks at everything again from time to time, because
 * notifications can be lost.
 *
 * <p>A file that was written a moment ago is left to settle, so that a half-written one is not
 * read. What cannot be read or is not valid leaves the last good state in force.
 */
public final class FileSource implements Source {
  private static final Logger LOG = LoggerFactory.getLogger(FileSource.class);

  /**
   * How a folder is read.
   *
   * @param recursive whether folders in it are read too (kubectl's {@code -R})
   * @param settle how long a file must have been left alone before it is read
   * @param rescan how often everything is looked at without a notification
   * @param lastGood a folder where the last good version of each file is kept, and beside it the
   *     last policies, so that a restart with a bad manifest does not lose what was in force;
   *     absent: it is not kept
   */
  public record Options(
      boolean recursive, Duration settle, Duration rescan, Optional<Path> lastGood) {
    public static final Options DEFAULT =
        new Options(false, Duration.ofMillis(150), Duration.ofSeconds(15), Optional.empty());

    /** Beside {@code lastGood}, whose folder holds nothing but files' last versions. */
    Optional<Path> lastPolicies() {
      return lastGood.map(versions -> versions.resolveSibling("last-policies.json"));
    }

    public Options withLastGood(Path folder) {
      return new Options(recursive, settle, rescan, Optional.of(folder));
    }

    public Options withRecursive(boolean newRecursive) {
      return new Options(newRecursive, settle, rescan, lastGood);
    }
  }

  private final Path folder;
  private final Options options;
  private final FileSet files;
  private final Map<Path, WatchKey> watched = new HashMap<>();
  private volatile boolean closed;
  private Thread thread;
  private WatchService watch;

  /**
   * The source that the agent's keys describe; last good versions are kept in its data folder.
   *
   * @throws IllegalArgumentException if they name no folder
   */
  public static FileSource of(AgentKeys keys) {
    Path folder =
        keys.sourcePath().orElseThrow(() -> new IllegalArgumentException("the source has no path"));
    Options options =
        Options.DEFAULT
            .withRecursive(keys.sourceRecursive())
            .withLastGood(keys.dataDir().resolve("last-good"));
    return new FileSource(folder, options);
  }

  public FileSource(Path folder, Options options) {
    this.folder = folder;
    this.options = options;
    this.files = new FileSet(folder, options, Limits.DEFAULT);
  }

  @Override
  public synchronized void start(Listener listener) {
    if (thread != null || closed) {
      throw new IllegalStateException("a source starts once");
    }
    thread = new Thread(() -> run(listener), "file-source");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    Thread running;
    synchronized (this) {
      closed = true;
      running = thread;
    }
    if (running == null || running == Thread.currentThread()) {
      return;
    }
    running.interrupt();
    try {
      running.join(TimeUnit.SECONDS.toMillis(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(Listener listener) {
    try {
      watch = folder.getFileSystem().newWatchService();
    } catch (IOException | UnsupportedOperationException e) {
      LOG.warn(
          "{} cannot be watched, it is looked at every {} s: {}",
          folder,
          options.rescan().toSeconds(),
          e.toString());
    }
    try {
      while (!closed) {
        Duration wait = scan(listener);
        await(wait);
      }
    } catch (InterruptedException | ClosedWatchServiceException e) {
      LOG.debug("no longer following {}", folder);
    } finally {
      closeWatch();
    }
  }

  /** Returns when to look again at the latest. */
  private Duration scan(Listener listener) {
    try {
      FileSet.Scan scan = files.scan();
      register(scan.folders());
      if (scan.snapshot().isPresent() && !closed) {
        listener.changed(scan.snapshot().get());
      }
      return scan.unsettled() ? options.settle() : options.rescan();
    } catch (RuntimeException e) {
      // The listener's fault or ours: either way the next look may do better, and must come.
      LOG.error("looking at {} failed", folder, e);
      return options.rescan();
    }
  }

  /** Returns when something has happened and then a moment of quiet, or after the time. */
  private void await(Duration time) throws InterruptedException {
    if (watch == null) {
      TimeUnit.NANOSECONDS.sleep(time.toNanos());
      return;
    }
    WatchKey key = watch.poll(time.toNanos(), TimeUnit.NANOSECONDS);
    long enough = System.nanoTime() + options.settle().multipliedBy(4).toNanos();
    while (key != null && System.nanoTime() < enough) {
      key.pollEvents();
      if (!key.reset()) {
        watched.values().remove(key);
      }
      key = watch.poll(options.settle().toNanos() / 4, TimeUnit.NANOSECONDS);
    }
    if (key != null) {
      key.pollEvents();
      key.reset();
    }
  }

  /** Watches exactly these folders. One that was replaced under its name has lost its watch. */
  private void register(List<Path> folders) {
    if (watch == null) {
      return;
    }
    Set<Path> gone = new HashSet<>(watched.keySet());
    folders.forEach(gone::remove);
    gone.forEach(path -> watched.remove(path).cancel());
    for (Path path : folders) {
      try {
        // Registering what is registered already gives the same key; another inode, a new one.
        WatchKey key =
            path.register(
                watch,
                StandardWatchEventKinds.ENTRY_CREATE,
                StandardWatchEventKinds.ENTRY_MODIFY,
                StandardWatchEventKinds.ENTRY_DELETE);
        WatchKey before = watched.put(path, key);
        if (before != null && before != key) {
          before.cancel();
        }
      } catch (IOException e) {
        LOG.debug("{} cannot be watched: {}", path, e.toString());
      }
    }
  }

  private void closeWatch() {
    if (watch != null) {
      try {
        watch.close();
      } catch (IOException e) {
        LOG.debug("closing the watch of {} failed: {}", folder, e.toString());
      }
    }
  }
}
