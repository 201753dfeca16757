// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.sluice.config.model.RawValue;
import io.sluice.config.text.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The keys of the agent's file that are no settings, as types; faults are reported, not thrown. */
final class OwnKeys {
  /** Takes what is wrong. */
  @FunctionalInterface
  interface Faults {
    void add(int line, String key, String reason);
  }

  private final Map<String, ConfigValue> values = new HashMap<>();
  private final Faults faults;

  OwnKeys(Faults faults) {
    this.faults = faults;
  }

  void put(String key, ConfigValue value) {
    values.put(key, value);
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /** Whether anything of a section is given. */
  boolean hasSection(String section) {
    return values.keySet().stream().anyMatch(key -> key.startsWith(section + "."));
  }

  void error(String key, String reason) {
    faults.add(has(key) ? line(values.get(key)) : 0, key, reason);
  }

  Optional<String> optionalText(String key) {
    ConfigValue value = values.get(key);
    if (value == null) {
      return Optional.empty();
    }
    if (!(raw(value) instanceof RawValue.Scalar scalar)) {
      error(key, "is not one value");
      return Optional.empty();
    }
    if (scalar.text().isBlank()) {
      error(key, "is empty");
      return Optional.empty();
    }
    return Optional.of(scalar.text());
  }

  String text(String key, String defaultText) {
    return optionalText(key).orElse(defaultText);
  }

  /** A list of texts, or one text; empty if it is absent. */
  List<String> texts(String key) {
    ConfigValue value = values.get(key);
    RawValue raw = value == null ? new RawValue.Items(List.of()) : raw(value);
    if (raw instanceof RawValue.Scalar scalar) {
      return List.of(scalar.text());
    }
    if (raw instanceof RawValue.Items items) {
      return items.items();
    }
    error(key, "is not a list");
    return List.of();
  }

  boolean flag(String key) {
    try {
      return Values.bool().parse(new RawValue.Scalar(text(key, "false")));
    } catch (IllegalArgumentException e) {
      error(key, e.getMessage());
      return false;
    }
  }

  int number(String key, int defaultNumber, int min, int max) {
    try {
      return (int) Values.number(text(key, Integer.toString(defaultNumber)), min, max);
    } catch (IllegalArgumentException e) {
      error(key, e.getMessage());
      return defaultNumber;
    }
  }

  Path path(String key, String defaultText) {
    String text = text(key, defaultText);
    if (text.indexOf('\0') >= 0) {
      error(key, Text.quote(text) + " is not a path");
      return Path.of("/");
    }
    return Path.of(text);
  }

  Optional<Path> optionalPath(String key) {
    return optionalText(key).map(text -> path(key, text));
  }

  static int line(ConfigValue value) {
    return Math.max(0, value.origin().lineNumber());
  }

  /** Null for what no setting can be. */
  static RawValue raw(ConfigValue value) {
    if (value instanceof ConfigObject object) {
      Map<String, String> entries = new LinkedHashMap<>();
      for (Map.Entry<String, ConfigValue> entry : new TreeMap<>(object).entrySet()) {
        if (!isScalar(entry.getValue())) {
          return null;
        }
        entries.put(entry.getKey(), scalar(entry.getValue()));
      }
      return new RawValue.Entries(entries);
    }
    if (value instanceof ConfigList list) {
      List<String> items = new ArrayList<>();
      for (ConfigValue item : list) {
        if (!isScalar(item)) {
          return null;
        }
        items.add(scalar(item));
      }
      return new RawValue.Items(items);
    }
    return new RawValue.Scalar(scalar(value));
  }

  private static boolean isScalar(ConfigValue value) {
    return value.valueType() != ConfigValueType.OBJECT && value.valueType() != ConfigValueType.LIST;
  }

  private static String scalar(ConfigValue value) {
    return String.valueOf(value.unwrapped());
  }
}
