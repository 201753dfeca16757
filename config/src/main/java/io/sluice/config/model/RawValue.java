// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A setting's value as somebody wrote it, wherever that was: a text, a list or a map of texts. */
public sealed interface RawValue {
  /** A number, a boolean, a text. */
  record Scalar(String text) implements RawValue {
    @Override
    public String toString() {
      return text;
    }
  }

  /** A list of scalars. */
  record Items(List<String> items) implements RawValue {
    public Items {
      items = List.copyOf(items);
    }

    @Override
    public String toString() {
      return String.join(",", items);
    }
  }

  /** Scalars by name, in the order in which they were written. */
  record Entries(Map<String, String> entries) implements RawValue {
    public Entries {
      entries = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }

    @Override
    public String toString() {
      return entries.entrySet().stream()
          .map(e -> e.getKey() + "=" + e.getValue())
          .collect(Collectors.joining(","));
    }
  }
}
