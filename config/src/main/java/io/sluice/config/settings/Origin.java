// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

/**
 * Where a setting's value came from.
 *
 * @param layer what decided
 * @param place the file and line, the variable, or the resource; empty for a default
 */
public record Origin(Layer layer, String place) {
  /** Who may say, the strongest first. */
  public enum Layer {
    FILE,
    ENVIRONMENT,
    NODE,
    CLUSTER,
    DEFAULT
  }

  static final Origin OF_DEFAULT = new Origin(Layer.DEFAULT, "");

  @Override
  public String toString() {
    return layer == Layer.DEFAULT ? "default" : place;
  }
}
