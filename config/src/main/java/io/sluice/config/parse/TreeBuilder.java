// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes trees within the limits, and without two fields of one name in a map. */
final class TreeBuilder {
  private static final int NAME_MAX = 1024;

  private final Limits limits;

  TreeBuilder(Limits limits) {
    this.limits = limits;
  }

  void checkDepth(int depth, int line) throws TreeException {
    if (depth > limits.depth()) {
      throw new TreeException(line, "is nested more than " + limits.depth() + " deep");
    }
  }

  /** A map that is being read. */
  final class MappingInProgress {
    private final Map<String, Tree> fields = new LinkedHashMap<>();
    private final int line;
    private int size = 1;

    MappingInProgress(int line) {
      this.line = line;
    }

    void add(String name, Tree value, int nameLine) throws TreeException {
      if (name.length() > NAME_MAX) {
        throw new TreeException(nameLine, "has a field name of " + name.length() + " characters");
      }
      if (fields.put(name, value) != null) {
        throw new TreeException(nameLine, "has the field " + Text.quote(name) + " twice");
      }
      size = grown(size, value, nameLine);
    }

    /** Adds what the map does not have (YAML's merge key). */
    void merge(Tree.Mapping other, int atLine) throws TreeException {
      for (Map.Entry<String, Tree> entry : other.fields().entrySet()) {
        if (fields.putIfAbsent(entry.getKey(), entry.getValue()) == null) {
          size = grown(size, entry.getValue(), atLine);
        }
      }
    }

    Tree.Mapping done() {
      return new Tree.Mapping(fields, line, size);
    }
  }

  /** A list that is being read. */
  final class SequenceInProgress {
    private final List<Tree> items = new ArrayList<>();
    private final int line;
    private int size = 1;

    SequenceInProgress(int line) {
      this.line = line;
    }

    void add(Tree item, int atLine) throws TreeException {
      items.add(item);
      size = grown(size, item, atLine);
    }

    Tree.Sequence done() {
      return new Tree.Sequence(items, line, size);
    }
  }

  private int grown(int size, Tree part, int line) throws TreeException {
    int sum = size + part.size(); // both are within the limit, so this does not overflow
    if (sum > limits.values()) {
      throw new TreeException(line, "has more than " + limits.values() + " values");
    }
    return sum;
  }
}
