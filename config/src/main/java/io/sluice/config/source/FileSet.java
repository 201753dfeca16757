// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of a folder as they were last seen. Files that have not changed are not read again.
 * Used by one thread.
 */
final class FileSet {
  private static final Logger LOG = LoggerFactory.getLogger(FileSet.class);

  /** A file that never comes to rest is read after so many times the settling time. */
  private static final int PATIENCE = 20;

  private final Path root;
  private final FileSource.Options options;
  private final Limits limits;
  private final ManifestParser parser;
  private final LastGood lastGood;
  private final SortedMap<String, Known> files = new TreeMap<>();
  private Optional<Problem> folderProblem = Optional.empty();
  private final LastPolicies lastPolicies;
  private final Snapshot recalled;
  private Snapshot snapshot = Snapshot.EMPTY;
  private boolean inSync;
  private long newest;

  /**
   * One look at the folder.
   *
   * @param snapshot present if anything is new
   * @param unsettled whether a file was left to settle, so that another look should come soon
   * @param folders to be watched
   */
  record Scan(Optional<Snapshot> snapshot, boolean unsettled, List<Path> folders) {}

  /**
   * A file: what it looked like when it was read, what it said, and since when it has not rested.
   */
  private record Known(FileFingerprint fingerprint, FileState state, Optional<Instant> restless) {}

  FileSet(Path root, FileSource.Options options, Limits limits) {
    this.root = root;
    this.options = options;
    this.limits = limits;
    this.parser = new ManifestParser(limits);
    this.lastGood = new LastGood(options.lastGood(), parser);
    this.lastPolicies = new LastPolicies(options.lastPolicies());
    this.recalled = lastPolicies.recall();
  }

  Scan scan() {
    Folder folder;
    Optional<Problem> before = folderProblem;
    try {
      folder = Folder.list(root, options.recursive());
      folderProblem = Optional.empty();
    } catch (IOException e) {
      folderProblem = Optional.of(unreadableFolder(e));
      boolean isNew = !folderProblem.equals(before) || snapshot.version() == 0;
      return new Scan(isNew ? Optional.of(assemble()) : Optional.empty(), false, List.of());
    }
    boolean changed = !before.equals(folderProblem);
    folder.folders().forEach(this::noteTime);
    boolean unsettled = false;
    for (String name : List.copyOf(files.keySet())) {
      if (!folder.files().containsKey(name)) {
        files.remove(name);
        lastGood.forget(name);
        changed = true;
      }
    }
    for (Map.Entry<String, Path> file : folder.files().entrySet()) {
      Look look = look(file.getKey(), file.getValue());
      changed |= look == Look.CHANGED;
      unsettled |= look == Look.UNSETTLED;
    }
    boolean first = !inSync && !unsettled;
    if (first) {
      inSync = true;
      lastGood.forgetAllBut(new HashSet<>(files.keySet()));
    }
    // Before the first complete look there is nothing worth telling.
    Optional<Snapshot> next =
        inSync && (changed || first) ? Optional.of(assemble()) : Optional.empty();
    return new Scan(next, unsettled, folder.folders());
  }

  /** A folder's time tells of files that were removed. */
  private void noteTime(Path path) {
    try {
      newest = Math.max(newest, Files.getLastModifiedTime(path).toMillis());
    } catch (IOException e) {
      LOG.debug("{}: {}", path, e.toString()); // gone since it was listed: the next look will tell
    }
  }

  private enum Look {
    SAME,
    CHANGED,
    UNSETTLED
  }

  private Look look(String name, Path path) {
    Known known = files.get(name);
    FileState before = known == null ? lastGood.recall(name) : known.state();
    try {
      FileFingerprint fingerprint = FileFingerprint.of(path);
      if (known != null && fingerprint.equals(known.fingerprint())) {
        newest = Math.max(newest, fingerprint.modified().toMillis());
        return Look.SAME;
      }
      Instant now = Instant.now();
      if (fingerprint.fresh(now, options.settle())) {
        Instant since = known == null ? now : known.restless().orElse(now);
        if (Duration.between(since, now).compareTo(options.settle().multipliedBy(PATIENCE)) < 0) {
          FileFingerprint readAs = known == null ? null : known.fingerprint();
          files.put(name, new Known(readAs, before, Optional.of(since)));
          return Look.UNSETTLED;
        }
        fingerprint = null; // read it now, and once more when it rests
      } else {
        // Not before it is read: a revision stands for what the view says.
        newest = Math.max(newest, fingerprint.modified().toMillis());
      }
      return read(name, path, before, fingerprint);
    } catch (NoSuchFileException e) {
      return Look.UNSETTLED; // renamed or removed since it was listed: the next look will tell
    } catch (IOException e) {
      return unreadable(name, before, reason(e));
    }
  }

  private Look read(String name, Path path, FileState before, FileFingerprint fingerprint)
      throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(path)) {
      content = in.readNBytes(limits.fileBytes() + 1);
    }
    if (content.length == 0 && !before.good().isEmpty()) {
      FileState kept = before.unreadable(name, "is empty, delete it if that is meant");
      return store(name, fingerprint, kept);
    }
    FileState next = before.next(name, parser.parse(name, content));
    lastGood.remember(name, before, next);
    return store(name, fingerprint, next);
  }

  private Look unreadable(String name, FileState before, String reason) {
    return store(name, null, before.unreadable(name, reason));
  }

  private Look store(String name, FileFingerprint fingerprint, FileState next) {
    Known known = files.put(name, new Known(fingerprint, next, Optional.empty()));
    return known != null && known.state().equals(next) ? Look.SAME : Look.CHANGED;
  }

  private Snapshot assemble() {
    SnapshotBuilder builder = new SnapshotBuilder();
    files.values().forEach(known -> builder.add(known.state()));
    folderProblem.ifPresent(builder::add);
    snapshot = builder.build(snapshot.orRecalled(recalled), inSync, newest);
    lastPolicies.remember(snapshot);
    return snapshot;
  }

  private Problem unreadableFolder(IOException e) {
    String suffix =
        inSync
            ? "; the last good state stays in force"
            : "; nothing is changed until it can be read";
    return new Problem(
        Severity.ERROR, root.toString(), 0, Optional.empty(), "", reason(e) + suffix);
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file or folder";
    }
    if (e instanceof NotDirectoryException) {
      return "is not a folder";
    }
    if (e instanceof AccessDeniedException) {
      return "cannot be read: permission denied";
    }
    return "cannot be read: " + (e.getMessage() == null ? e.toString() : e.getMessage());
  }
}
