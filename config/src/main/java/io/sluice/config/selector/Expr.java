// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.selector;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** A selector's parts. A label's value is null where there is no such label. */
sealed interface Expr {
  boolean matches(UnaryOperator<String> labels);

  /** What every match has, if there is anything. */
  default Optional<Selector.Required> required() {
    return Optional.empty();
  }

  /** In the one spelling that all equal expressions have. */
  String text();

  /** As text that an operator can stand beside. */
  default String operand() {
    return text();
  }

  /** With each label, and each leaf without a label, replaced. */
  Expr map(UnaryOperator<String> label, UnaryOperator<Expr> leaf);

  /** Everything. */
  record All() implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      return true;
    }

    @Override
    public String text() {
      return "all()";
    }

    @Override
    public Expr map(UnaryOperator<String> label, UnaryOperator<Expr> leaf) {
      return leaf.apply(this);
    }
  }

  /** What is in no namespace. */
  record Global() implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      return labels.apply(Selector.NAMESPACE_LABEL) == null;
    }

    @Override
    public String text() {
      return "global()";
    }

    @Override
    public Expr map(UnaryOperator<String> label, UnaryOperator<Expr> leaf) {
      return leaf.apply(this);
    }
  }

  record Has(String label) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      return labels.apply(label) != null;
    }

    @Override
    public Optional<Selector.Required> required() {
      return Optional.of(new Selector.Required(label, Set.of()));
    }

    @Override
    public String text() {
      return "has(" + label + ")";
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return new Has(rename.apply(label));
    }
  }

  /** One value: {@code ==}, or {@code !=}, which an absent label is, too. */
  record Equal(String label, String value, boolean negated) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      return value.equals(labels.apply(label)) != negated;
    }

    @Override
    public Optional<Selector.Required> required() {
      return negated ? Optional.empty() : Optional.of(new Selector.Required(label, Set.of(value)));
    }

    @Override
    public String text() {
      return label + (negated ? " != " : " == ") + quoted(value);
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return new Equal(rename.apply(label), value, negated);
    }
  }

  /** Several values: {@code in}, or {@code not in}, which an absent label is, too. */
  record In(String label, SortedSet<String> values, boolean negated) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      String value = labels.apply(label);
      return (value != null && values.contains(value)) != negated;
    }

    @Override
    public Optional<Selector.Required> required() {
      return negated ? Optional.empty() : Optional.of(new Selector.Required(label, values));
    }

    @Override
    public String text() {
      return label
          + (negated ? " not in " : " in ")
          + values.stream().map(Expr::quoted).collect(Collectors.joining(", ", "{", "}"));
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return new In(rename.apply(label), values, negated);
    }
  }

  /** How a value can be like a text. */
  enum Likeness {
    CONTAINS("contains"),
    STARTS_WITH("starts with"),
    ENDS_WITH("ends with");

    private final String words;

    Likeness(String words) {
      this.words = words;
    }

    boolean holds(String value, String part) {
      return switch (this) {
        case CONTAINS -> value.contains(part);
        case STARTS_WITH -> value.startsWith(part);
        case ENDS_WITH -> value.endsWith(part);
      };
    }

    @Override
    public String toString() {
      return words;
    }
  }

  record Like(String label, Likeness likeness, String part) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      String value = labels.apply(label);
      return value != null && likeness.holds(value, part);
    }

    @Override
    public Optional<Selector.Required> required() {
      return Optional.of(new Selector.Required(label, Set.of()));
    }

    @Override
    public String text() {
      return label + " " + likeness + " " + quoted(part);
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return new Like(rename.apply(label), likeness, part);
    }
  }

  record Not(Expr of) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      return !of.matches(labels);
    }

    @Override
    public String text() {
      return of instanceof Has || of instanceof All || of instanceof Global
          ? "!" + of.text()
          : "!(" + of.text() + ")";
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return not(of.map(rename, leaf));
    }
  }

  /** Two or more, all of which must hold. */
  record And(List<Expr> parts) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      for (Expr part : parts) {
        if (!part.matches(labels)) {
          return false;
        }
      }
      return true;
    }

    /** The part that fewest can fulfil: few values before many, any value last. */
    @Override
    public Optional<Selector.Required> required() {
      return parts.stream()
          .map(Expr::required)
          .flatMap(Optional::stream)
          .min(
              Comparator.comparingInt(
                  r -> r.values().isEmpty() ? Integer.MAX_VALUE : r.values().size()));
    }

    @Override
    public String text() {
      return parts.stream().map(Expr::operand).collect(Collectors.joining(" && "));
    }

    @Override
    public String operand() {
      return "(" + text() + ")";
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return and(parts.stream().map(part -> part.map(rename, leaf)).toList());
    }
  }

  /** Two or more, one of which must hold. */
  record Or(List<Expr> parts) implements Expr {
    @Override
    public boolean matches(UnaryOperator<String> labels) {
      for (Expr part : parts) {
        if (part.matches(labels)) {
          return true;
        }
      }
      return false;
    }

    @Override
    public Optional<Selector.Required> required() {
      String label = null;
      Set<String> values = new HashSet<>();
      boolean any = false;
      for (Expr part : parts) {
        Optional<Selector.Required> one = part.required();
        if (one.isEmpty() || label != null && !label.equals(one.get().label())) {
          return Optional.empty();
        }
        label = one.get().label();
        any |= one.get().values().isEmpty();
        values.addAll(one.get().values());
      }
      return Optional.of(
          new Selector.Required(Objects.requireNonNull(label), any ? Set.of() : values));
    }

    @Override
    public String text() {
      return parts.stream().map(Expr::operand).collect(Collectors.joining(" || "));
    }

    @Override
    public String operand() {
      return "(" + text() + ")";
    }

    @Override
    public Expr map(UnaryOperator<String> rename, UnaryOperator<Expr> leaf) {
      return new Or(parts.stream().map(part -> part.map(rename, leaf)).toList());
    }
  }

  static Expr not(Expr of) {
    return of instanceof Not not ? not.of() : new Not(of);
  }

  /** All of these, flattened; of none, everything. */
  static Expr and(List<Expr> parts) {
    List<Expr> flat =
        parts.stream()
            .flatMap(
                part -> part instanceof And and ? and.parts().stream() : List.of(part).stream())
            .filter(part -> !(part instanceof All))
            .distinct()
            .toList();
    return switch (flat.size()) {
      case 0 -> new All();
      case 1 -> flat.get(0);
      default -> new And(flat);
    };
  }

  /** A value in double quotes; in single ones where it has double ones in it. */
  private static String quoted(String value) {
    char quote = value.indexOf('"') < 0 ? '"' : '\'';
    return quote + value + quote;
  }
}
