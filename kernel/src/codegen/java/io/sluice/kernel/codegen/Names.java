// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/** How names of C become names of Java and of users. */
final class Names {
  /** Words that no record component may be called. */
  private static final Set<String> TAKEN =
      Set.of(
          "abstract",
          "assert",
          "boolean",
          "byte",
          "case",
          "catch",
          "char",
          "class",
          "const",
          "default",
          "do",
          "double",
          "else",
          "enum",
          "final",
          "float",
          "for",
          "goto",
          "if",
          "import",
          "int",
          "interface",
          "long",
          "native",
          "new",
          "null",
          "package",
          "private",
          "return",
          "short",
          "static",
          "super",
          "switch",
          "this",
          "throw",
          "try",
          "void",
          "while",
          "clone",
          "finalize",
          "getClass",
          "hashCode",
          "notify",
          "notifyAll",
          "toString",
          "wait");

  private Names() {}

  /** ct_key to CtKey. */
  static String type(String c) {
    StringBuilder java = new StringBuilder();
    for (String word : c.split("_")) {
      if (!word.isEmpty()) {
        java.append(word.substring(0, 1).toUpperCase(Locale.ROOT)).append(word.substring(1));
      }
    }
    return java.toString();
  }

  /** policy_slot to policySlot. */
  static String component(String c) {
    String type = type(c);
    String java = type.substring(0, 1).toLowerCase(Locale.ROOT) + type.substring(1);
    return TAKEN.contains(java) ? java + "_" : java;
  }

  /** policySlot0 to POLICY_SLOT0. */
  static String constant(String component) {
    return component.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toUpperCase(Locale.ROOT);
  }

  /** What all names begin with, up to and including an underscore. */
  static String commonPrefix(List<String> names) {
    String prefix = names.get(0);
    for (String name : names) {
      while (!name.startsWith(prefix)) {
        prefix = prefix.substring(0, prefix.length() - 1);
      }
    }
    // One name alone is no common prefix of itself, and a user-facing name is never empty.
    int underscore = prefix.lastIndexOf('_', names.contains(prefix) ? prefix.length() - 2 : 999);
    return prefix.substring(0, underscore + 1);
  }
}
