// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import io.sluice.config.text.Text;
import java.util.Comparator;
import java.util.Optional;

/**
 * Something about the input that its author should know. {@link #toString()} is the one line for
 * people.
 *
 * @param file as the author knows it: the path below the source's folder, mostly
 * @param line from 1; 0: the whole file
 * @param key the resource, as far as the document says which
 * @param field its path, {@code spec.ports[0].port}; empty: the whole document
 */
public record Problem(
    Severity severity,
    String file,
    int line,
    Optional<ResourceKey> key,
    String field,
    String reason)
    implements Comparable<Problem> {
  /** What a problem means for the document that it is about. */
  public enum Severity {
    /** Refused: what was in force before stays. */
    ERROR,
    /** Accepted, but probably not what the author meant. */
    WARNING,
    /** Accepted; the part named has no effect. */
    IGNORED
  }

  /** Whatever its parts quote from outside, a problem stays on one line. */
  public Problem {
    field = Text.firstLine(field);
    reason = Text.firstLine(reason);
  }

  private static final Comparator<Problem> ORDER =
      Comparator.comparing(Problem::file)
          .thenComparing(Problem::line)
          .thenComparing(Problem::field)
          .thenComparing(Problem::reason)
          .thenComparing(Problem::severity);

  @Override
  public int compareTo(Problem other) {
    return ORDER.compare(this, other);
  }

  /** {@code file:line: Kind namespace/name: field: reason}, without the parts that are unknown. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(file);
    if (line > 0) {
      text.append(':').append(line);
    }
    text.append(": ");
    key.ifPresent(k -> text.append(k).append(": "));
    if (!field.isEmpty()) {
      text.append(field).append(": ");
    }
    return text.append(reason).toString();
  }
}
