// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import java.util.ArrayList;
import java.util.List;

/**
 * Divides a YAML text at its {@code ---} lines, so that a syntax error in one document cannot hide
 * those after it. No document of YAML can contain such a line otherwise.
 */
final class YamlDocuments {
  /** A piece of the text and the line of the file that it begins on. */
  record Part(String text, int line) {}

  private YamlDocuments() {}

  static List<Part> split(String text) {
    List<Part> parts = new ArrayList<>();
    int start = 0;
    int startLine = 1;
    int line = 1;
    int at = 0;
    boolean directivesOnly = true;
    while (at < text.length()) {
      int end = text.indexOf('\n', at);
      int next = end < 0 ? text.length() : end + 1;
      if (isMarker(text, at)) {
        if (!directivesOnly) {
          parts.add(new Part(text.substring(start, at), startLine));
          start = at;
          startLine = line;
        }
        directivesOnly = false;
      } else if (!isDirectiveOrBlank(text, at, next)) {
        directivesOnly = false;
      }
      at = next;
      line++;
    }
    if (start < text.length()) {
      parts.add(new Part(text.substring(start), startLine));
    }
    return parts;
  }

  private static boolean isMarker(String text, int at) {
    if (!text.startsWith("---", at)) {
      return false;
    }
    return at + 3 == text.length() || " \t\r\n".indexOf(text.charAt(at + 3)) >= 0;
  }

  private static boolean isDirectiveOrBlank(String text, int at, int next) {
    if (text.charAt(at) == '%') {
      return true;
    }
    String content = text.substring(at, next).strip();
    return content.isEmpty() || content.startsWith("#");
  }
}
