// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import java.util.List;
import java.util.Optional;

/**
 * What one request has changed.
 *
 * @param version one more than that of the commit before
 * @param outcome what was answered, for one who asks again
 */
record Commit(long version, Outcome outcome, List<Change> changes) {
  Commit {
    changes = List.copyOf(changes);
  }

  /**
   * @param now what it is from now on; nothing: it is deleted
   */
  record Change(Ref ref, Optional<Stored> now) {}

  /**
   * @param request its id
   * @param verbs what became of each item, a {@link Verb#code()} each
   */
  record Outcome(String request, long version, String verbs) {}

  /** What became of a resource. */
  enum Verb {
    CREATED('n', "created"),
    CONFIGURED('c', "configured"),
    UNCHANGED('u', "unchanged"),
    DELETED('d', "deleted"),
    NOT_FOUND('m', "not found");

    private final char code;
    private final String word;

    Verb(char code, String word) {
      this.code = code;
      this.word = word;
    }

    char code() {
      return code;
    }

    /** As people are told. */
    String word() {
      return word;
    }

    static Verb of(char code) {
      for (Verb verb : values()) {
        if (verb.code == code) {
          return verb;
        }
      }
      throw new IllegalArgumentException("no verb " + code);
    }
  }
}
