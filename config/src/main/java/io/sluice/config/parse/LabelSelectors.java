// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.selector.Selector;
import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Reads Kubernetes' label selectors. */
final class LabelSelectors {
  private static final int KEY_MAX = 253 + 1 + 63;
  private static final Pattern KEY =
      Pattern.compile("([a-z0-9][-a-z0-9.]*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?");

  private enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist
  }

  private LabelSelectors() {}

  /** All that it asks for; one that asks for nothing selects everything. */
  static Selector read(Fields fields) {
    List<Selector> parts = new ArrayList<>();
    new TreeMap<>(fields.texts("matchLabels"))
        .forEach(
            (key, value) -> {
              if (isKey(fields, "matchLabels", key)) {
                MetaBinder.checkLabel(fields, "matchLabels", key, value);
                parts.add(Selector.equal(key, value));
              }
            });
    parts.addAll(fields.maps("matchExpressions", LabelSelectors::expression));
    fields.finishStrictly();
    return Selector.and(parts.toArray(Selector[]::new));
  }

  private static Optional<Selector> expression(Fields fields) {
    String key = fields.required("key");
    boolean good = !key.isEmpty() && isKey(fields, "key", key);
    boolean known = !fields.required("operator").isEmpty();
    Operator operator = fields.choice("operator", Operator.class, Operator.In);
    List<String> values = fields.list("values", value -> value);
    values.forEach(value -> MetaBinder.checkLabel(fields, "values", key, value));
    boolean wants = operator == Operator.In || operator == Operator.NotIn;
    if (known && wants == fields.items("values").isEmpty()) {
      fields.error(
          "values", wants ? "is empty, " + operator + " needs one" : operator + " has none");
    }
    fields.finishStrictly();
    if (!good) {
      return Optional.empty();
    }
    return Optional.of(
        switch (operator) {
          case In -> Selector.in(key, values);
          case NotIn -> Selector.notIn(key, values);
          case Exists -> Selector.has(key);
          case DoesNotExist -> Selector.has(key).not();
        });
  }

  private static boolean isKey(Fields fields, String field, String key) {
    boolean good = key.length() <= KEY_MAX && KEY.matcher(key).matches();
    if (!good) {
      fields.error(field, Text.quote(key) + " is not the name of a label");
    }
    return good;
  }
}
