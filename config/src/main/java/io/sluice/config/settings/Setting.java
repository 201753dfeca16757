// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.RawValue;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * One of Felix's settings: its name on the wire, what it holds, what it is by default, and what
 * this version of Sluice does with it.
 */
public final class Setting<T> {
  private final String name;
  private final ValueType<T> type;
  private final String defaultText;
  private final T defaultValue;
  private final boolean used;
  private final Predicate<T> refused;

  private Setting(
      String name, ValueType<T> type, String defaultText, boolean used, Predicate<T> refused) {
    this.name = name;
    this.type = type;
    this.defaultText = defaultText;
    this.defaultValue = type.parse(new RawValue.Scalar(defaultText));
    this.used = used;
    this.refused = refused;
  }

  /** A setting that this version honours. */
  static <T> Setting<T> used(String name, ValueType<T> type, String defaultText) {
    return new Setting<>(name, type, defaultText, true, v -> false);
  }

  /** A setting without effect in this version, which does no harm: accepted, and reported once. */
  static <T> Setting<T> ignored(String name, ValueType<T> type, String defaultText) {
    return new Setting<>(name, type, defaultText, false, v -> false);
  }

  /**
   * This setting, with values refused because this version cannot do as they say, and not doing so
   * would change what is allowed or where packets go.
   */
  Setting<T> refusing(Predicate<T> values) {
    return new Setting<>(name, type, defaultText, used, values);
  }

  /** The field of a FelixConfiguration, and the key of the agent's file. */
  public String name() {
    return name;
  }

  /** The environment's name for it. */
  public String environmentName() {
    return "FELIX_" + name.toUpperCase(Locale.ROOT);
  }

  /** As one would write it. */
  public String defaultText() {
    return defaultText;
  }

  public T defaultValue() {
    return defaultValue;
  }

  /** Whether this version honours it. */
  public boolean isUsed() {
    return used;
  }

  /**
   * The value that was written.
   *
   * @throws IllegalArgumentException if it is not valid or not supported; the message says why
   */
  public T parse(RawValue raw) {
    T value = type.parse(raw);
    if (refused.test(value)) {
      throw new IllegalArgumentException(
          "\""
              + raw
              + "\" is not supported by this version, write "
              + (defaultText.isEmpty() ? "nothing" : defaultText));
    }
    return value;
  }

  /** What to tell whoever sets this value; empty: nothing. */
  Optional<String> remark(T value) {
    return used || value.equals(defaultValue)
        ? Optional.empty()
        : Optional.of("has no effect in this version");
  }

  @Override
  public String toString() {
    return name;
  }
}
