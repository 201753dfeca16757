// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.RawValue;
import java.util.Optional;

/** Judges the fields of a FelixConfiguration, for whoever reads one. */
public final class FelixCheck {
  /**
   * What is to be said about a field.
   *
   * @param counts whether it is a valid value of a setting that Sluice has
   */
  public record Result(boolean counts, Optional<String> error, Optional<String> remark) {}

  private FelixCheck() {}

  /** Whether it is a setting of Felix, one without effect in Sluice included. */
  public static boolean isKnown(String field) {
    return FelixSettings.find(field).isPresent() || FelixFields.isKnown(field);
  }

  /** The settings that Sluice has. */
  public static String[] names() {
    return FelixSettings.all().stream().map(Setting::name).toArray(String[]::new);
  }

  /** Judges the value of a known field. */
  public static Result check(String field, RawValue raw) {
    Optional<Setting<?>> setting = FelixSettings.find(field);
    return setting.isPresent()
        ? check(setting.get(), raw)
        : new Result(false, Optional.empty(), Optional.of("has no effect in Sluice"));
  }

  private static <T> Result check(Setting<T> setting, RawValue raw) {
    try {
      return new Result(true, Optional.empty(), setting.remark(setting.parse(raw)));
    } catch (IllegalArgumentException e) {
      return new Result(false, Optional.of(e.getMessage()), Optional.empty());
    }
  }
}
