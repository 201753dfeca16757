// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.cluster.resources.ClusterSource.Position;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import io.sluice.config.source.Snapshot;
import io.sluice.config.source.SnapshotIndex;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** What a node knows of the shared resources, as records. Used by one thread. */
final class SharedView {
  /** What messages name instead of a file. */
  static final String NAME = "store";

  private static final Problem UNHEARD =
      new Problem(
          Severity.WARNING,
          NAME,
          0,
          Optional.empty(),
          "",
          "the cluster's store has not been heard yet: what is in force stays");

  private final ManifestParser parser = new ManifestParser(Limits.DEFAULT);
  private final SnapshotIndex index = new SnapshotIndex();
  private final Map<Ref, Known> known = new HashMap<>();
  private final Map<Ref, List<Problem>> unread =
      new TreeMap<>(java.util.Comparator.comparing(Ref::toString));
  private String store = "";
  private long version;
  private long bytes;
  private boolean inSync;

  /**
   * @param json the whole manifest, as the store's resource has it
   */
  private record Known(long version, String json) {}

  Position position() {
    return new Position(store, version);
  }

  int size() {
    return known.size();
  }

  long bytes() {
    return bytes;
  }

  /** The store's version was reached once. */
  void inSync() {
    inSync = true;
  }

  /** Begins with what another run has kept. */
  void recall(ViewFile.Kept kept) {
    store = kept.store();
    version = kept.version();
    kept.resources().forEach((ref, one) -> put(ref, one.version(), one.json()));
  }

  /** For another run. */
  ViewFile.Kept keep() {
    Map<Ref, ViewFile.Resource> all = new HashMap<>();
    known.forEach((ref, one) -> all.put(ref, new ViewFile.Resource(one.version(), one.json())));
    return new ViewFile.Kept(store, version, all);
  }

  /**
   * Takes commits that follow, or everything.
   *
   * @throws IllegalArgumentException if they cannot be read, or do not follow
   */
  void take(String of, boolean whole, long to, byte[] update) {
    if (whole) {
      takeAll(of, Codec.snapshot(update));
    } else {
      List<Commit> commits = Codec.commits(update);
      if (!of.equals(store) || !commits.isEmpty() && commits.get(0).version() != version + 1) {
        throw new IllegalArgumentException("commits do not follow version " + version);
      }
      for (Commit commit : commits) {
        for (Commit.Change change : commit.changes()) {
          change
              .now()
              .ifPresentOrElse(
                  now -> put(change.ref(), now.version(), now.json(change.ref())),
                  () -> remove(change.ref()));
        }
      }
    }
    store = of;
    version = to;
  }

  /** What has not changed since it was known is not read again. */
  private void takeAll(String of, Codec.Snapshot snapshot) {
    Set<Ref> gone = new HashSet<>(known.keySet());
    gone.removeAll(snapshot.all().keySet());
    gone.forEach(this::remove);
    snapshot
        .all()
        .forEach(
            (ref, stored) -> {
              Known before = known.get(ref);
              if (!of.equals(store) || before == null || before.version() != stored.version()) {
                put(ref, stored.version(), stored.json(ref));
              }
            });
  }

  private void remove(Ref ref) {
    Known before = known.remove(ref);
    bytes -= before == null ? 0 : before.json().length();
    unread.remove(ref);
    ref.key().ifPresent(index::remove);
  }

  /** A resource that this version cannot read leaves its last good version in force. */
  private void put(Ref ref, long of, String json) {
    Optional<ResourceKey> key = ref.key();
    List<ParsedDocument> documents = parser.parseJson(NAME, json);
    Optional<Resource> resource =
        documents.size() == 1 ? documents.get(0).resource() : Optional.empty();
    Manifest manifest = new Manifest(NAME, 1, json);
    if (resource.isPresent() && resource.map(Resource::key).equals(key)) {
      index.put(resource.get(), manifest);
      unread.remove(ref);
    } else {
      List<Problem> problems = new ArrayList<>();
      documents.forEach(document -> problems.addAll(document.problems()));
      unread.put(ref, problems);
    }
    Known before = known.put(ref, new Known(of, manifest.json()));
    bytes += json.length() - (before == null ? 0 : before.json().length());
  }

  Snapshot snapshot(Snapshot before) {
    List<Problem> problems = new ArrayList<>();
    unread.values().forEach(problems::addAll);
    if (!inSync) {
      problems.add(UNHEARD);
    }
    return index.build(before, inSync, version, problems);
  }
}
