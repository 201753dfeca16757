// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Manifest;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.ParsedDocument;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What one file contributes: for each of its documents the last version that was valid. Immutable.
 *
 * @param good what is in force, in the order of the file
 * @param problems what is wrong with the file as it is now
 */
record FileState(Map<ResourceKey, Entry> good, List<Problem> problems) {
  static final FileState EMPTY = new FileState(Map.of(), List.of());

  private static final String KEPT = "; its last good version stays in force";

  /** A resource and the document that it comes from. */
  record Entry(Resource resource, Manifest manifest) {}

  FileState {
    good = Collections.unmodifiableMap(new LinkedHashMap<>(good));
    problems = List.copyOf(problems);
  }

  /**
   * After the file has been read anew. A document that is refused keeps its last good version; one
   * that does not even say what it is about could be any of those that are missing now, so that all
   * of them stay.
   */
  FileState next(String file, List<ParsedDocument> documents) {
    Map<ResourceKey, Entry> next = new LinkedHashMap<>();
    List<Problem> found = new ArrayList<>();
    boolean unidentified = false;
    for (ParsedDocument document : documents) {
      if (document.resource().isPresent()) {
        Entry entry = new Entry(document.resource().get(), document.manifest().orElseThrow());
        Entry first = next.putIfAbsent(entry.resource().key(), reuse(entry));
        if (first != null) {
          found.add(duplicate(entry, first));
        }
        found.addAll(document.problems());
      } else if (document.refused() && document.key().isPresent()) {
        ResourceKey key = document.key().get();
        Entry last = good.get(key);
        if (last != null) {
          next.putIfAbsent(key, last);
        }
        found.addAll(last == null ? document.problems() : kept(document.problems()));
      } else {
        unidentified |= document.refused();
        found.addAll(document.problems());
      }
    }
    if (unidentified) {
      keepMissing(file, next, found);
    }
    return new FileState(next, found);
  }

  /** What is equal stays the same object, so that nobody compares it twice. */
  private Entry reuse(Entry entry) {
    Entry last = good.get(entry.resource().key());
    return last != null && last.resource().equals(entry.resource())
        ? new Entry(last.resource(), entry.manifest())
        : entry;
  }

  private void keepMissing(String file, Map<ResourceKey, Entry> next, List<Problem> found) {
    good.forEach(
        (key, entry) -> {
          if (next.putIfAbsent(key, entry) == null) {
            found.add(
                new Problem(
                    Severity.WARNING,
                    file,
                    0,
                    Optional.of(key),
                    "",
                    "stays in force, for a document of this file cannot be read"));
          }
        });
  }

  private static List<Problem> kept(List<Problem> problems) {
    return problems.stream()
        .map(
            p ->
                p.severity() == Severity.ERROR
                    ? new Problem(
                        p.severity(), p.file(), p.line(), p.key(), p.field(), p.reason() + KEPT)
                    : p)
        .toList();
  }

  static Problem duplicate(Entry refused, Entry first) {
    Manifest manifest = refused.manifest();
    return new Problem(
        Severity.ERROR,
        manifest.file(),
        manifest.line(),
        Optional.of(refused.resource().key()),
        "",
        "is defined already at " + first.manifest().file() + ":" + first.manifest().line());
  }

  /** After the file could not be read at all. */
  FileState unreadable(String file, String reason) {
    String suffix = good.isEmpty() ? "" : "; what it held stays in force";
    Problem problem = new Problem(Severity.ERROR, file, 0, Optional.empty(), "", reason + suffix);
    return new FileState(good, List.of(problem));
  }
}
