// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Problem;
import io.sluice.config.model.ResourceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Puts together what files contribute; names given twice are found here. */
final class SnapshotBuilder {
  private final Map<ResourceKey, FileState.Entry> entries = new HashMap<>();
  private final List<Problem> problems = new ArrayList<>();
  private final SnapshotIndex index = new SnapshotIndex();

  /**
   * Adds a file's part. Files come in the order of their names: the first to give a name has it.
   */
  void add(FileState file) {
    file.good()
        .forEach(
            (key, entry) -> {
              FileState.Entry first = entries.putIfAbsent(key, entry);
              if (first == null) {
                index.put(entry.resource(), entry.manifest());
              } else {
                problems.add(FileState.duplicate(entry, first));
              }
            });
    problems.addAll(file.problems());
  }

  void add(Problem problem) {
    problems.add(problem);
  }

  Snapshot build(Snapshot before, boolean inSync, long revision) {
    return index.build(before, inSync, revision, problems);
  }
}
