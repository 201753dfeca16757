// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.FelixConfiguration;
import io.sluice.config.model.RawValue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The settings in force on this node, each with where it came from. Immutable. */
public final class Settings {
  /** What a layer says of one setting. */
  record Given(RawValue raw, Origin origin) {}

  /** A setting with its value as text, for people. */
  public record Line(String name, String value, Origin origin, boolean used) {}

  /** Nothing but defaults. */
  public static final Settings DEFAULTS = new Settings(Map.of());

  private final Map<Setting<?>, Given> given;
  private final Map<Setting<?>, Object> values = new HashMap<>();

  private Settings(Map<Setting<?>, Given> given) {
    this.given = Map.copyOf(given);
    given.forEach((setting, value) -> values.put(setting, setting.parse(value.raw())));
  }

  /**
   * Merges what the node itself says with what the resources say.
   *
   * @param local file over environment; valid
   * @param node the resource for this node
   * @param cluster the resource for all nodes
   */
  static Settings merge(
      Map<Setting<?>, Given> local,
      Optional<FelixConfiguration> node,
      Optional<FelixConfiguration> cluster) {
    Map<Setting<?>, Given> merged = new HashMap<>();
    cluster.ifPresent(c -> merged.putAll(given(c, Origin.Layer.CLUSTER)));
    node.ifPresent(n -> merged.putAll(given(n, Origin.Layer.NODE)));
    merged.putAll(local);
    return new Settings(merged);
  }

  private static Map<Setting<?>, Given> given(FelixConfiguration resource, Origin.Layer layer) {
    Map<Setting<?>, Given> given = new HashMap<>();
    Origin origin = new Origin(layer, resource.key().toString());
    resource
        .spec()
        .forEach(
            (name, raw) ->
                FelixSettings.find(name).ifPresent(s -> given.put(s, new Given(raw, origin))));
    return given;
  }

  /** The value in force. */
  @SuppressWarnings("unchecked") // the constructor parsed it with this very setting
  public <T> T get(Setting<T> setting) {
    Object value = values.get(setting);
    return value == null ? setting.defaultValue() : (T) value;
  }

  /** Who said so. */
  public Origin origin(Setting<?> setting) {
    Given value = given.get(setting);
    return value == null ? Origin.OF_DEFAULT : value.origin();
  }

  /** All settings in the order of their names, as {@code sluice status} shows them. */
  public List<Line> lines() {
    return FelixSettings.all().stream()
        .map(
            s -> {
              Given value = given.get(s);
              return new Line(
                  s.name(),
                  value == null ? s.defaultText() : value.raw().toString(),
                  origin(s),
                  s.isUsed());
            })
        .toList();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Settings settings && settings.given.equals(given);
  }

  @Override
  public int hashCode() {
    return Objects.hash(given);
  }
}
