// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A selector as text, and what it means, made side by side: the meaning is not read from the text.
 */
record Sel(String text, Predicate<Map<String, String>> test) {
  static Sel all() {
    return new Sel("all()", labels -> true);
  }

  /** Of namespaces: none, but what is in no namespace. */
  static Sel global() {
    return new Sel("global()", labels -> false);
  }

  static Sel has(String key) {
    return new Sel("has(" + key + ")", labels -> labels.containsKey(key));
  }

  static Sel lacks(String key) {
    return new Sel("!has(" + key + ")", labels -> !labels.containsKey(key));
  }

  static Sel is(String key, String value) {
    return new Sel(key + " == '" + value + "'", labels -> value.equals(labels.get(key)));
  }

  static Sel isNot(String key, String value) {
    return new Sel(key + " != \"" + value + "\"", labels -> !value.equals(labels.get(key)));
  }

  static Sel in(String key, String... values) {
    return new Sel(
        key + " in " + braces(values), labels -> List.of(values).contains(text(labels, key)));
  }

  static Sel notIn(String key, String... values) {
    return new Sel(
        key + " not in " + braces(values), labels -> !List.of(values).contains(text(labels, key)));
  }

  static Sel contains(String key, String part) {
    return new Sel(key + " contains '" + part + "'", has(key, value -> value.contains(part)));
  }

  static Sel starts(String key, String part) {
    return new Sel(key + " starts with '" + part + "'", has(key, value -> value.startsWith(part)));
  }

  static Sel ends(String key, String part) {
    return new Sel(key + " ends with '" + part + "'", has(key, value -> value.endsWith(part)));
  }

  Sel and(Sel other) {
    return new Sel("(" + text + ") && (" + other.text + ")", test.and(other.test));
  }

  Sel or(Sel other) {
    return new Sel("(" + text + ") || (" + other.text + ")", test.or(other.test));
  }

  Sel not() {
    return new Sel("!(" + text + ")", test.negate());
  }

  boolean matches(Map<String, String> labels) {
    return test.test(labels);
  }

  private static Predicate<Map<String, String>> has(String key, Predicate<String> value) {
    return labels -> labels.containsKey(key) && value.test(labels.get(key));
  }

  /** Never the text of an absent label. */
  private static String text(Map<String, String> labels, String key) {
    return labels.getOrDefault(key, "\0");
  }

  private static String braces(String... values) {
    return Stream.of(values).map(v -> "'" + v + "'").collect(Collectors.joining(", ", "{", "}"));
  }
}
