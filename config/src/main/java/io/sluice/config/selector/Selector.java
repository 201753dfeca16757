// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.selector;

import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * A condition on labels, in the grammar of projectcalico.org/v3. Equal if it is written alike but
 * for spaces, quotes, superfluous parentheses and the order of values in a set.
 */
public final class Selector {
  /** The label with the name of their namespace that endpoints and network sets have. */
  public static final String NAMESPACE_LABEL = "projectcalico.org/namespace";

  /** The label of Kubernetes' pods, {@code k8s}. */
  public static final String ORCHESTRATOR_LABEL = "projectcalico.org/orchestrator";

  /** The label with the name of their service account that endpoints have. */
  public static final String SERVICE_ACCOUNT_LABEL = "projectcalico.org/serviceaccount";

  /** What stands before the labels of an endpoint's namespace among its own. */
  public static final String NAMESPACE_PREFIX = "pcns.";

  /** What stands before the labels of an endpoint's service account among its own. */
  public static final String SERVICE_ACCOUNT_PREFIX = "pcsa.";

  /** {@code all()}. */
  public static final Selector ALL = new Selector(new Expr.All());

  private final Expr expr;
  private final String text;

  /**
   * What everything that a selector matches has.
   *
   * @param label it has this label
   * @param values with one of these values; empty: with any
   */
  public record Required(String label, Set<String> values) {
    public Required {
      values = Set.copyOf(values);
    }
  }

  private Selector(Expr expr) {
    this.expr = expr;
    this.text = expr.text();
  }

  /**
   * Reads a selector; an empty text is {@code all()}.
   *
   * @throws IllegalArgumentException if it does not parse; the message says where and why
   */
  public static Selector parse(String text) {
    return text.isBlank() ? ALL : new Selector(new SelectorParser(text).parse());
  }

  /** {@code label == 'value'}. */
  public static Selector equal(String label, String value) {
    return new Selector(new Expr.Equal(label, value, false));
  }

  /** {@code label in {…}}. */
  public static Selector in(String label, Collection<String> values) {
    return new Selector(new Expr.In(label, new TreeSet<>(values), false));
  }

  /** {@code label not in {…}}, which what has no such label is. */
  public static Selector notIn(String label, Collection<String> values) {
    return new Selector(new Expr.In(label, new TreeSet<>(values), true));
  }

  /** {@code has(label)}. */
  public static Selector has(String label) {
    return new Selector(new Expr.Has(label));
  }

  /** What none of it matches. */
  public Selector not() {
    return new Selector(Expr.not(expr));
  }

  /** What all of these match; of none, everything. */
  public static Selector and(Selector... parts) {
    return new Selector(Expr.and(Arrays.stream(parts).map(part -> part.expr).toList()));
  }

  /**
   * A condition on a namespace's labels as one on those of the endpoints in it: labels get {@link
   * #NAMESPACE_PREFIX}, {@code all()} is whatever is in a namespace, {@code global()} whatever is
   * in none.
   */
  public Selector ofNamespaces() {
    Expr inOne = new Expr.Has(NAMESPACE_LABEL);
    return new Selector(
        expr.map(
            NAMESPACE_PREFIX::concat, leaf -> leaf instanceof Expr.All ? inOne : Expr.not(inOne)));
  }

  /** A condition on a service account's labels as one on those of the endpoints that have it. */
  public Selector ofServiceAccounts() {
    return new Selector(expr.map(SERVICE_ACCOUNT_PREFIX::concat, leaf -> leaf));
  }

  /** Whether {@code global()} is in it, which only conditions on namespaces can have. */
  public boolean asksForGlobal() {
    boolean[] found = new boolean[1];
    expr.map(
        label -> label,
        leaf -> {
          found[0] |= leaf instanceof Expr.Global;
          return leaf;
        });
    return found[0];
  }

  /** Whether something with these labels is selected. */
  public boolean matches(Map<String, String> labels) {
    return expr.matches(labels::get);
  }

  /**
   * As {@link #matches(Map)}, for those who keep labels in several places.
   *
   * @param labels a label's value; null: there is none
   */
  public boolean matches(UnaryOperator<String> labels) {
    return expr.matches(labels);
  }

  /**
   * A label that whatever is selected has, so that an index can find the selectors that a label
   * could touch: of those that the selector demands, the one with the fewest values. Empty if it
   * demands none, as {@code all()} and {@code !has(k)}.
   */
  public Optional<Required> required() {
    return expr.required();
  }

  /** In its one canonical spelling, which parses to the same. */
  public String text() {
    return text;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Selector selector && selector.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
