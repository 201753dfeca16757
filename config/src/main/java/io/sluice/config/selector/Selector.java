// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.selector;

import java.util.Map;

/**
 * A condition on labels. Equal if it is written alike but for spaces and quotes.
 *
 * @param text in its one canonical spelling
 */
public record Selector(String text) {
  /**
   * Reads a selector; an empty text is {@code all()}.
   *
   * @throws IllegalArgumentException if it does not parse; the message says where and why
   */
  public static Selector parse(String text) {
    throw new UnsupportedOperationException("to be written");
  }

  /** Whether something with these labels is selected. */
  public boolean matches(Map<String, String> labels) {
    throw new UnsupportedOperationException("to be written");
  }
}
