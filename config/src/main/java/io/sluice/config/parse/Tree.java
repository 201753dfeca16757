// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import java.util.List;
import java.util.Map;

/** A value in a document, with the line (from 1) that it begins on. */
sealed interface Tree {
  int line();

  /** How many values there are in it, itself included, aliases counted with what they stand for. */
  int size();

  /** What it is, for messages. */
  String what();

  /** What a scalar is when nothing is known about what it should be. */
  enum Type {
    NULL("nothing"),
    BOOL("a boolean"),
    INT("a number"),
    FLOAT("a number with a fraction"),
    TEXT("a text");

    private final String what;

    Type(String what) {
      this.what = what;
    }
  }

  /** One value without parts. */
  record Scalar(String text, Type type, int line) implements Tree {
    @Override
    public int size() {
      return 1;
    }

    @Override
    public String what() {
      return type.what;
    }
  }

  /** Values in order. */
  record Sequence(List<Tree> items, int line, int size) implements Tree {
    @Override
    public String what() {
      return "a list";
    }
  }

  /** Values by name, in the author's order. */
  record Mapping(Map<String, Tree> fields, int line, int size) implements Tree {
    @Override
    public String what() {
      return "a map";
    }
  }
}
