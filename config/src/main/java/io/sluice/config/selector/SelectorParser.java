// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.selector;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** Reads a selector from left to right; {@code &&} binds closer than {@code ||}. */
final class SelectorParser {
  private static final int LONGEST = 64 << 10;
  private static final int LONGEST_LABEL = 512;
  private static final int LONGEST_SHOWN = 60;

  /** Parentheses in each other: each costs stack. */
  private static final int DEEPEST = 64;

  private final String text;
  private int at;
  private int depth;

  SelectorParser(String text) {
    this.text = text;
  }

  /**
   * All of it.
   *
   * @throws IllegalArgumentException where it does not parse
   */
  Expr parse() {
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException("is longer than " + LONGEST + " characters");
    }
    Expr expr = or();
    spaces();
    if (at < text.length()) {
      throw expected("&&, || or the end");
    }
    return expr;
  }

  private Expr or() {
    List<Expr> parts = new ArrayList<>();
    do {
      Expr part = and();
      if (part instanceof Expr.Or or) {
        parts.addAll(or.parts());
      } else {
        parts.add(part);
      }
    } while (takes("||"));
    return parts.size() == 1 ? parts.get(0) : new Expr.Or(parts);
  }

  private Expr and() {
    List<Expr> parts = new ArrayList<>();
    do {
      parts.add(operation());
    } while (takes("&&"));
    // Expr.and would drop what repeats; what is alone stays as it is written.
    return parts.size() == 1 ? parts.get(0) : Expr.and(parts);
  }

  private Expr operation() {
    boolean negated = false;
    while (takes("!")) {
      negated = !negated;
    }
    Expr expr = takes("(") ? parenthesis() : condition();
    return negated ? Expr.not(expr) : expr;
  }

  private Expr parenthesis() {
    if (++depth > DEEPEST) {
      throw fault("more than " + DEEPEST + " parentheses in each other");
    }
    Expr expr = or();
    depth--;
    need(")", "&&, || or )");
    return expr;
  }

  private Expr condition() {
    int start = spaces();
    String word = word();
    if (word.isEmpty()) {
      throw expected("a label, has(, all() or (");
    }
    if (takes("(")) {
      return function(word, start);
    }
    if (takes("==")) {
      return new Expr.Equal(label(word, start), value(), false);
    }
    if (takes("!=")) {
      return new Expr.Equal(label(word, start), value(), true);
    }
    int operator = spaces();
    String first = word();
    switch (first) {
      case "in":
        return new Expr.In(label(word, start), values(), false);
      case "contains":
        return new Expr.Like(label(word, start), Expr.Likeness.CONTAINS, value());
      case "not", "starts", "ends":
        spaces();
        String second = word();
        if (first.equals("not") && second.equals("in")) {
          return new Expr.In(label(word, start), values(), true);
        }
        if (!first.equals("not") && second.equals("with")) {
          boolean starts = first.equals("starts");
          return new Expr.Like(
              label(word, start),
              starts ? Expr.Likeness.STARTS_WITH : Expr.Likeness.ENDS_WITH,
              value());
        }
        break;
      default:
    }
    at = operator;
    throw expected("==, !=, in, not in, contains, starts with or ends with");
  }

  private Expr function(String name, int start) {
    switch (name) {
      case "all", "global":
        need(")", ")");
        return name.equals("all") ? new Expr.All() : new Expr.Global();
      case "has":
        int begin = spaces();
        String label = word();
        if (label.isEmpty()) {
          throw expected("a label");
        }
        need(")", ")");
        return new Expr.Has(label(label, begin));
      default:
        at = start;
        throw fault(shown(name) + " is not has, all or global");
    }
  }

  private String label(String word, int start) {
    if (word.length() > LONGEST_LABEL) {
      at = start;
      throw fault("a label is longer than " + LONGEST_LABEL + " characters");
    }
    return word;
  }

  private SortedSet<String> values() {
    need("{", "{");
    SortedSet<String> values = new TreeSet<>();
    boolean more = true;
    while (more && !at("}")) {
      values.add(value());
      more = takes(",");
    }
    need("}", more ? "a value in quotes or }" : ", or }");
    return values;
  }

  private String value() {
    spaces();
    char quote = at < text.length() ? text.charAt(at) : 0;
    if (quote != '\'' && quote != '"') {
      throw expected("a value in quotes");
    }
    int end = text.indexOf(quote, at + 1);
    if (end < 0) {
      throw fault("the quote is not closed");
    }
    String value = text.substring(at + 1, end);
    at = end + 1;
    return value;
  }

  /** A label, or a word of the grammar: which one, its place decides. */
  private String word() {
    int start = at;
    while (at < text.length() && inWord(text.charAt(at))) {
      at++;
    }
    return text.substring(start, at);
  }

  private static boolean inWord(char c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || c == '.'
        || c == '/'
        || c == '_'
        || c == '-';
  }

  /** Goes over spaces; where what comes then begins. */
  private int spaces() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return at;
  }

  private boolean at(String symbol) {
    return text.startsWith(symbol, spaces());
  }

  private boolean takes(String symbol) {
    // "!" before "=" is another operator's first half
    if (!at(symbol) || symbol.equals("!") && text.startsWith("!=", at)) {
      return false;
    }
    at += symbol.length();
    return true;
  }

  private void need(String symbol, String what) {
    if (!takes(symbol)) {
      throw expected(what);
    }
  }

  private IllegalArgumentException expected(String what) {
    spaces();
    String found = at < text.length() ? shown(text.substring(at)) : "the end";
    return fault(what + " is expected, not " + found);
  }

  /** In quotes, fit for a message of one line. */
  private static String shown(String text) {
    String begin = text.length() > LONGEST_SHOWN ? text.substring(0, LONGEST_SHOWN) + "…" : text;
    return '"' + begin.replaceAll("\\p{Cntrl}", " ") + '"';
  }

  private IllegalArgumentException fault(String reason) {
    return new IllegalArgumentException("at character " + (at + 1) + ": " + reason);
  }
}
