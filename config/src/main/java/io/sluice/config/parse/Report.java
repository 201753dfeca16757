// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.ResourceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Collects what is wrong with one document. */
final class Report {
  /** A document with a thousand faults is told about the first of them. */
  private static final int MAX = 20;

  private final String file;
  private final List<Problem> problems = new ArrayList<>();
  private Optional<ResourceKey> key = Optional.empty();
  private boolean refused;

  Report(String file) {
    this.file = file;
  }

  /** From now on problems are about this resource. */
  void about(ResourceKey newKey) {
    key = Optional.of(newKey);
  }

  Optional<ResourceKey> key() {
    return key;
  }

  void error(int line, String field, String reason) {
    if (!refused && problems.size() >= MAX) {
      problems.remove(problems.size() - 1); // the reason for a refusal is told in any case
    }
    refused = true;
    add(Severity.ERROR, line, field, reason);
  }

  void warning(int line, String field, String reason) {
    add(Severity.WARNING, line, field, reason);
  }

  void ignored(int line, String field, String reason) {
    add(Severity.IGNORED, line, field, reason);
  }

  private void add(Severity severity, int line, String field, String reason) {
    Problem problem = new Problem(severity, file, line, key, field, reason);
    // Some fields are looked at twice; that makes no second fault.
    if (problems.size() < MAX && !problems.contains(problem)) {
      problems.add(problem);
    }
  }

  /** Whether there was an error. */
  boolean refused() {
    return refused;
  }

  List<Problem> problems() {
    return List.copyOf(problems);
  }
}
